//! The calls and their records as data: what `docs/abi.md` and the header for C are made from.

use crate::device::{FileInfo, Streams};
use crate::message::MessageHeader;
use crate::process::ProcessInfo;
use crate::record::{DirectoryEntry, ExitStatus, Mapping, SystemInfo, Time};
use crate::{Errno, Wire};

/// A call.
#[derive(Clone, Copy, Debug)]
pub struct CallDescription {
    /// Its number, as in `eax`.
    pub number: u32,
    /// The name the courses use.
    pub name: &'static str,
    /// The name of the functions that make it.
    pub function: &'static str,
    /// What `ebx ecx edx esi edi` hold.
    pub arguments: &'static [Argument],
    /// What the call does, and when some of its errors come; lines begin with a blank.
    pub text: &'static str,
    /// Every error that the call can return.
    pub errors: &'static [Errno],
}

/// An argument of a call.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// What it is called.
    pub name: &'static str,
    /// What the word means.
    pub kind: ArgumentKind,
}

/// What a word that is passed to a call means.
#[derive(Clone, Copy, Debug)]
pub enum ArgumentKind {
    /// Itself.
    Word,
    /// The address of something that the call does not change.
    Reads(Shape),
    /// The address of something that the call may change: a record that it fills in, say.
    FillsIn(Shape),
}

/// The byte form of a value.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// One byte, or, behind a pointer, as many as another argument says.
    Byte,
    /// So many bytes.
    Bytes(u32),
    /// A 32-bit little-endian word.
    Word,
    /// A 64-bit little-endian word. It may lie at any multiple of four bytes.
    DoubleWord,
    /// A record.
    Record(&'static RecordDescription),
}

impl Shape {
    /// How many bytes it has.
    pub fn size_bytes(&self) -> u32 {
        match self {
            Self::Byte => 1,
            Self::Bytes(count) => *count,
            Self::Word => 4,
            Self::DoubleWord => 8,
            Self::Record(record) => record.size_bytes(),
        }
    }
}

/// A record: fields one after the other, with nothing between them.
#[derive(Clone, Copy, Debug)]
pub struct RecordDescription {
    /// What it is called.
    pub name: &'static str,
    /// What it is; lines begin with a blank.
    pub text: &'static str,
    /// Its fields, in order.
    pub fields: &'static [Field],
}

impl RecordDescription {
    /// How many bytes it has.
    pub fn size_bytes(&self) -> u32 {
        self.fields.iter().map(|field| field.shape.size_bytes()).sum()
    }
}

/// A field of a record.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// What it is called.
    pub name: &'static str,
    /// What it holds; lines begin with a blank.
    pub text: &'static str,
    /// Its byte form.
    pub shape: Shape,
}

macro_rules! argument_kind {
    () => {
        ArgumentKind::Word
    };
    (*const $pointee:ident) => {
        ArgumentKind::Reads(shape!($pointee))
    };
    (*mut $pointee:ident) => {
        ArgumentKind::FillsIn(shape!($pointee))
    };
}

macro_rules! shape {
    (u8) => {
        Shape::Byte
    };
    ($record:ident) => {
        <$record as Wire>::SHAPE
    };
}

macro_rules! describe_calls {
    ($($(#[doc = $text:literal])* $number:literal => $name:ident as $function:ident(
        $($argument:ident $(: *$access:tt $pointee:ident)?),*
    ) -> [$($error:ident),*];)*) => {
        /// Every call, in order of number.
        pub const CALLS: &[CallDescription] = &[$(CallDescription {
            number: $number,
            name: stringify!($name),
            function: stringify!($function),
            arguments: &[$(Argument {
                name: stringify!($argument),
                kind: argument_kind!($(*$access $pointee)?),
            }),*],
            text: concat!($($text, "\n"),*),
            errors: &[$(Errno::$error),*],
        }),*];
    };
}

crate::syscall_table!(describe_calls);

#[cfg(test)]
mod tests {
    use std::format;
    use std::vec::Vec;

    use super::{ArgumentKind, CALLS, Shape};
    use crate::record::{Account, DirectoryEntry, ExitStatus, Mapping, SystemInfo, Time};
    use crate::{Errno, ExitReason, Number, Wire};

    /// Words in backquotes that look like names of types or errors.
    fn names(text: &str) -> impl Iterator<Item = &str> {
        let quoted = text.split('`').skip(1).step_by(2);
        quoted.filter(|word| {
            word.starts_with(char::is_uppercase) && word.contains(char::is_lowercase) && !word.contains(' ')
        })
    }

    #[test]
    fn descriptions_are_those_of_the_calls() {
        assert_eq!(CALLS.len(), Number::ALL.len());
        for (call, &number) in CALLS.iter().zip(Number::ALL) {
            assert_eq!((call.number, call.name), (number as u32, number.name()));
            assert!(call.arguments.len() <= 5, "{}: there are five registers", call.name);
        }
    }

    #[test]
    fn every_name_in_a_calls_text_exists() {
        for call in CALLS {
            let is_record = |name: &str| call.text.contains(&format!("[`{name}`]("));
            let exists = |name: &str| {
                Errno::ALL.iter().any(|errno| format!("{errno:?}") == name)
                    || CALLS.iter().any(|call| call.name == name)
                    || is_record(name)
            };
            names(call.text).for_each(|name| assert!(exists(name), "{}: there is no `{name}`", call.name));
        }
    }

    #[test]
    fn every_error_in_a_calls_text_is_listed_for_the_call() {
        for call in CALLS {
            for name in names(call.text) {
                let Some(errno) = Errno::ALL.iter().find(|errno| format!("{errno:?}") == name) else { continue };
                assert!(call.errors.contains(errno), "{}: `{name}` is missing in the brackets", call.name);
            }
        }
    }

    #[test]
    fn a_record_that_a_call_fills_in_is_the_type_of_an_argument() {
        for call in CALLS {
            let points_to = |name: &str| {
                call.arguments.iter().any(|argument| match argument.kind {
                    ArgumentKind::FillsIn(Shape::Record(record)) | ArgumentKind::Reads(Shape::Record(record)) => {
                        record.name == name
                    }
                    _ => false,
                })
            };
            let text = call.text.split_whitespace().collect::<Vec<_>>().join(" ");
            let filled_in = text.split("ills in the [`").skip(1);
            for name in filled_in.filter_map(|rest| rest.split('`').next()) {
                let hint = "write its argument as `name: *mut Record` in the table";
                assert!(points_to(name), "{}: {hint}, for {name}", call.name);
            }
        }
    }

    #[test]
    fn descriptions_have_the_size_of_the_byte_form() {
        fn compare<T: Wire>() {
            assert_eq!(T::SHAPE.size_bytes(), T::SIZE_BYTES, "{:?}", T::SHAPE);
        }
        compare::<Account>();
        compare::<DirectoryEntry>();
        compare::<ExitReason>();
        compare::<ExitStatus>();
        compare::<Mapping>();
        compare::<SystemInfo>();
        compare::<Time>();
    }
}
