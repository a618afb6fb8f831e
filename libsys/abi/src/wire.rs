//! Records with a fixed byte form: 32-bit little-endian words, in order of declaration.
//!
//! A record is encoded and decoded word by word, never transmuted, so no bytes from the other side of the ring
//! boundary can become an invalid value.

use crate::description::Shape;

/// A value with a fixed byte form.
pub trait Wire: Sized {
    /// The length of the byte form.
    const SIZE_BYTES: u32;

    /// The byte form as others are told of it.
    const SHAPE: Shape = if Self::SIZE_BYTES == 4 { Shape::Word } else { Shape::Bytes(Self::SIZE_BYTES) };

    /// Appends the byte form.
    fn encode(&self, out: &mut Writer<'_>);

    /// Reads the byte form back; `None` if the bytes mean no value.
    fn decode(from: &mut Reader<'_>) -> Option<Self>;
}

/// Writes words into a buffer; words past its end are dropped.
pub struct Writer<'a>(&'a mut [u8]);

impl<'a> Writer<'a> {
    /// A writer that starts at the buffer's first byte.
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Self(buffer)
    }

    /// Appends one word.
    pub fn word(&mut self, word: u32) {
        let buffer = core::mem::take(&mut self.0);
        if let Some((head, rest)) = buffer.split_first_chunk_mut::<4>() {
            *head = word.to_le_bytes();
            self.0 = rest;
        }
    }
}

/// Reads words from a buffer.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A reader that starts at the buffer's first byte.
    pub fn new(buffer: &'a [u8]) -> Self {
        Self(buffer)
    }

    /// Takes one word; `None` at the end of the buffer.
    pub fn word(&mut self) -> Option<u32> {
        let (head, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*head))
    }
}

impl Wire for u32 {
    const SIZE_BYTES: u32 = 4;

    fn encode(&self, out: &mut Writer<'_>) {
        out.word(*self);
    }

    fn decode(from: &mut Reader<'_>) -> Option<Self> {
        from.word()
    }
}

impl Wire for u64 {
    const SIZE_BYTES: u32 = 8;
    const SHAPE: Shape = Shape::DoubleWord;

    fn encode(&self, out: &mut Writer<'_>) {
        let [a, b, c, d, e, f, g, h] = self.to_le_bytes();
        out.word(u32::from_le_bytes([a, b, c, d]));
        out.word(u32::from_le_bytes([e, f, g, h]));
    }

    fn decode(from: &mut Reader<'_>) -> Option<Self> {
        let low = from.word()?;
        let high = from.word()?;
        Some(u64::from(low) | u64::from(high) << 32)
    }
}

/// Declares a record whose fields are themselves [`Wire`], with its byte form and its description.
#[macro_export]
macro_rules! wire_record {
    (
        $(#[doc = $text:literal])* $(#[derive($($derived:ident),*)])?
        pub struct $name:ident { $($(#[doc = $field_text:literal])* pub $field:ident: $type:ty,)* }
    ) => {
        $(#[doc = $text])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq $($(, $derived)*)?)]
        pub struct $name { $($(#[doc = $field_text])* pub $field: $type,)* }

        impl $crate::Wire for $name {
            const SIZE_BYTES: u32 = 0 $(+ <$type as $crate::Wire>::SIZE_BYTES)*;
            const SHAPE: $crate::description::Shape =
                $crate::description::Shape::Record(&$crate::description::RecordDescription {
                    name: stringify!($name),
                    text: concat!($($text, "\n"),*),
                    fields: &[$($crate::description::Field {
                        name: stringify!($field),
                        text: concat!($($field_text, "\n"),*),
                        shape: <$type as $crate::Wire>::SHAPE,
                    }),*],
                });

            fn encode(&self, out: &mut $crate::Writer<'_>) {
                $($crate::Wire::encode(&self.$field, out);)*
            }

            fn decode(from: &mut $crate::Reader<'_>) -> Option<Self> {
                Some(Self { $($field: $crate::Wire::decode(from)?,)* })
            }
        }
    };
}

/// Declares kinds of something that have a number and a name.
macro_rules! numbered {
    ($(#[$meta:meta])* $type:ident { $($(#[$doc:meta])* $number:literal $name:ident $text:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type { $($(#[$doc])* $name = $number,)* }

        impl $type {
            /// Every one, in order of number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The one with this number.
            pub const fn from_number(number: u32) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }

            /// Its number, as calls and records have it.
            pub const fn number(self) -> u32 {
                self as u32
            }

            /// What it is called.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.text())
            }
        }

        impl Wire for $type {
            const SIZE_BYTES: u32 = 4;

            fn encode(&self, out: &mut Writer<'_>) {
                out.word(self.number());
            }

            fn decode(from: &mut Reader<'_>) -> Option<Self> {
                Self::from_number(from.word()?)
            }
        }
    };
}

pub(crate) use numbered;
