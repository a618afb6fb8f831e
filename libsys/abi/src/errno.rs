//! Error numbers. A call returns `-number` in `eax`; values in `-4095..=-1` are errors, all others are results.

use core::fmt;

macro_rules! errnos {
    ($($(#[$doc:meta])* $number:literal $name:ident $text:literal;)*) => {
        /// Why a call was refused. A refused call has no effect.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Errno { $($(#[$doc])* $name = $number,)* }

        impl Errno {
            /// Every error, in order of number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The error with this (positive) number.
            pub const fn from_number(number: u32) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }

            /// What went wrong, as a phrase in lower case.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

errnos! {
    /// No call has this number.
    1 NoSuchCall "no such call";
    /// A pointer argument names memory the program may not use in that way.
    2 BadAddress "bad address";
    /// An argument is outside the range the call documents.
    3 InvalidArgument "invalid argument";
    /// The handle is not open.
    4 BadHandle "bad handle";
    /// The machine cannot promise that much memory.
    5 OutOfMemory "out of memory";
    /// No hole of that size is left in the address space.
    6 OutOfAddressSpace "out of address space";
    /// No file has this name.
    7 NoSuchFile "no such file";
    /// The file is not a program this machine can run.
    8 NotExecutable "not an executable program";
    /// No process has this pid, or it is not the caller's child.
    9 NoSuchProcess "no such process";
    /// The process table is full.
    10 TooManyProcesses "too many processes";
    /// The disk failed.
    11 Io "disk error";
    /// The arguments of a new program do not fit into [`crate::layout::ARGUMENTS_MAX_BYTES`].
    12 ArgumentsTooLong "arguments too long";
    /// The file name is empty, too long or not UTF-8.
    13 BadName "bad file name";
    /// The caller has no child to wait for.
    14 NoChild "no child to wait for";
    /// Nothing at this position: the listing has ended.
    15 EndOfList "end of list";
    /// The caller has no right to do this: only init may, or somebody above or beside the process that is meant.
    16 NotPermitted "not permitted";
    /// No place is left in the receiver's queue of messages.
    17 QueueFull "the receiver's queue is full";
    /// The sender's long messages that nobody has read yet take up as much of the kernel's memory as they may.
    18 TooManyUnread "too many unread messages";
    /// The message has more bytes than [`crate::message::MESSAGE_MAX_BYTES`].
    19 MessageTooLong "message too long";
    /// What was waited for has not come in time.
    20 TimedOut "timed out";
    /// A file of that name exists.
    21 AlreadyExists "file exists already";
    /// The disk has no room for the file.
    22 DiskFull "disk full";
    /// The file is a running program, or is mapped to be written to.
    23 Busy "file in use";
    /// The process has as many open files, or mappings, as it may have.
    24 TooManyOpen "too many open files";
    /// The range overlaps something that is there.
    25 Overlaps "address range in use";
    /// The process would be promised more pages than it may be.
    26 OverLimit "over the limit of pages";
    /// The device behind the handle cannot do that.
    27 NotSupported "the device cannot do that";
    /// The process has registered as many pools as it may have: [`crate::layout::OWN_POOLS_MAX`].
    28 TooManyPools "too many pools";
}

impl Errno {
    /// The number, as returned (negated) in `eax`.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The word a call leaves in `eax` for this error.
    pub const fn to_result_word(self) -> u32 {
        (self as u32).wrapping_neg()
    }

    /// Splits a word left in `eax` into a value or an error. Unknown error numbers read as [`Errno::NoSuchCall`].
    ///
    /// # Errors
    /// The error that the word encodes.
    pub const fn from_result_word(word: u32) -> Result<u32, Self> {
        let negated = word.wrapping_neg();
        if negated == 0 || negated > 4095 {
            return Ok(word);
        }
        match Self::from_number(negated) {
            Some(errno) => Err(errno),
            None => Err(Self::NoSuchCall),
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for Errno {}

#[cfg(test)]
mod tests {
    use super::Errno;

    #[test]
    fn every_error_survives_the_trip_through_eax() {
        for &errno in Errno::ALL {
            assert_eq!(Errno::from_result_word(errno.to_result_word()), Err(errno));
            assert_eq!(Errno::from_number(errno.number()), Some(errno));
            assert!(!errno.text().is_empty());
        }
    }

    #[test]
    fn only_the_last_4095_words_are_errors() {
        assert_eq!(Errno::from_result_word(0), Ok(0));
        assert_eq!(Errno::from_result_word(0xFFFF_F000), Ok(0xFFFF_F000));
        assert_eq!(Errno::from_result_word(0xFFFF_F001), Err(Errno::NoSuchCall));
    }
}
