//! How a process can end.

use core::fmt;

use crate::description::{Field, RecordDescription, Shape};
use crate::{Reader, Wire, Writer};

/// What an instruction wanted of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read data.
    Read = 0,
    /// Wrote data.
    Write = 1,
    /// Fetched an instruction.
    Execute = 2,
}

impl Access {
    const fn from_word(word: u32) -> Option<Self> {
        match word {
            0 => Some(Self::Read),
            1 => Some(Self::Write),
            2 => Some(Self::Execute),
            _ => None,
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Execute => "execute",
        })
    }
}

macro_rules! fault_kinds {
    ($($(#[$doc:meta])* $number:literal $name:ident $text:literal;)*) => {
        /// Which rule a program broke.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FaultKind { $($(#[$doc])* $name = $number,)* }

        impl FaultKind {
            /// Every kind, in order of number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            const fn from_word(word: u32) -> Option<Self> {
                match word { $($number => Some(Self::$name),)* _ => None }
            }

            /// The rule that was broken, as a phrase in lower case.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

fault_kinds! {
    /// An access to the first page: a null pointer, or an offset from one.
    0 NullPointer "null pointer";
    /// An access to memory that was never allocated, or no longer is.
    1 Unallocated "memory that is not allocated";
    /// An access that the memory's rights do not allow.
    2 Forbidden "memory that does not allow it";
    /// An access to the kernel half.
    3 KernelMemory "the kernel's memory";
    /// An access to the guard below the stack.
    4 StackOverflow "stack overflow";
    /// An instruction or operand that only ring 0 may use (#GP).
    5 Privileged "privileged instruction or bad segment";
    /// Bytes that are no instruction (#UD).
    6 InvalidInstruction "invalid instruction";
    /// A division by zero, or with a quotient that does not fit (#DE).
    7 DivideError "division by zero or overflow";
    /// `int3` (#BP) or single stepping (#DB) without a debugger.
    8 Breakpoint "breakpoint without a debugger";
    /// `into` (#OF) or `bound` (#BR).
    9 Overflow "arithmetic or bound check failed";
    /// An unmasked x87 exception (#MF).
    10 FloatingPoint "floating-point exception";
    /// A misaligned access with alignment checks on (#AC).
    11 Misaligned "misaligned access";
    /// A segment that is not present or not usable (#NP, #SS, #TS).
    12 BadSegment "bad segment";
    /// The page could not be read back from the disk.
    13 PageReadError "its page could not be read from the disk";
    /// The stack could not grow: the machine cannot promise more memory.
    14 StackRefused "the stack could not grow: out of memory";
    /// A switch to virtual-8086 mode, which some emulators allow ring 3 (EFLAGS.VM set by `iretd`).
    15 Virtual8086Mode "virtual-8086 mode, which no program may enter";
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// It called `Exit` with this code.
    Exited(u32),
    /// The process with this pid killed it.
    Killed(u32),
    /// It broke a rule.
    Fault {
        /// The rule.
        kind: FaultKind,
        /// What it did to `address`.
        access: Access,
        /// The address it used; for faults that are not about memory, the instruction's own.
        address: u32,
        /// The instruction that did it.
        instruction: u32,
    },
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exited(code) => write!(f, "exited with {code}"),
            Self::Killed(by) => write!(f, "killed by process {by}"),
            Self::Fault { kind, access, address, instruction } => {
                write!(f, "{access} at {address:#010x} by instruction {instruction:#010x}: {}", kind.text())
            }
        }
    }
}

impl Wire for ExitReason {
    const SIZE_BYTES: u32 = 20;
    const SHAPE: Shape = Shape::Record(&RecordDescription {
        name: "ExitReason",
        text: " How a process ended.\n",
        fields: &[
            word("how", " 0: it called `Exit`. 1: another process killed it. 2: it broke a rule.\n"),
            word("what", " Its exit code; the pid of who killed it; the rule.\n"),
            word("access", " For a broken rule, what it wanted. 0: read, 1: write, 2: execute.\n"),
            word("address", " For a broken rule, the address it used, or else the instruction's own.\n"),
            word("instruction", " For a broken rule, the address of the instruction.\n"),
        ],
    });

    fn encode(&self, out: &mut Writer<'_>) {
        let words = match *self {
            Self::Exited(code) => [0, code, 0, 0, 0],
            Self::Killed(by) => [1, by, 0, 0, 0],
            Self::Fault { kind, access, address, instruction } => [2, kind as u32, access as u32, address, instruction],
        };
        words.into_iter().for_each(|word| out.word(word));
    }

    fn decode(from: &mut Reader<'_>) -> Option<Self> {
        let (tag, a, b, address, instruction) = (from.word()?, from.word()?, from.word()?, from.word()?, from.word()?);
        match tag {
            0 => Some(Self::Exited(a)),
            1 => Some(Self::Killed(a)),
            2 => Some(Self::Fault {
                kind: FaultKind::from_word(a)?,
                access: Access::from_word(b)?,
                address,
                instruction,
            }),
            _ => None,
        }
    }
}

const fn word(name: &'static str, text: &'static str) -> Field {
    Field { name, text, shape: Shape::Word }
}

#[cfg(test)]
mod tests {
    use super::{Access, ExitReason, FaultKind};
    use crate::{Reader, Wire, Writer};

    fn round_trip(reason: ExitReason) -> Option<ExitReason> {
        let mut bytes = [0; ExitReason::SIZE_BYTES as usize];
        reason.encode(&mut Writer::new(&mut bytes));
        ExitReason::decode(&mut Reader::new(&bytes))
    }

    #[test]
    fn every_reason_survives_its_byte_form() {
        for reason in [ExitReason::Exited(0), ExitReason::Exited(u32::MAX), ExitReason::Killed(7)] {
            assert_eq!(round_trip(reason), Some(reason));
        }
        for &kind in FaultKind::ALL {
            for access in [Access::Read, Access::Write, Access::Execute] {
                let reason = ExitReason::Fault { kind, access, address: 0xBF80_0000, instruction: 0x0040_1000 };
                assert_eq!(round_trip(reason), Some(reason));
            }
        }
    }

    #[test]
    fn unknown_tags_and_kinds_decode_to_nothing() {
        for words in [[3u32, 0, 0, 0, 0], [2, 99, 0, 0, 0], [2, 0, 3, 0, 0]] {
            let bytes: [u8; 20] = core::array::from_fn(|i| words[i / 4].to_le_bytes()[i % 4]);
            assert_eq!(ExitReason::decode(&mut Reader::new(&bytes)), None);
        }
    }
}
