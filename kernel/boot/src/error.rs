//! Why the kernel cannot be started.

use core::fmt;

use crate::elf::{LOWEST, Segment};

/// What is wrong.
#[derive(Clone, Copy, Debug)]
pub enum BootError {
    /// Sector 1 does not hold what the image builder writes there.
    Parameters,
    /// Address line 20 stays off: every odd megabyte would be the even one below it.
    A20,
    /// The BIOS does not say what memory there is.
    NoMemoryMap,
    /// A sector cannot be read.
    Unreadable {
        /// The first of the sectors that were asked for.
        sector: u32,
        /// The BIOS's status.
        status: u8,
    },
    /// The kernel is no 32-bit ELF file.
    NotElf,
    /// It is one, but no executable program (type 2), or not for the i386 (machine 3).
    NotForI386 {
        /// The ELF type.
        kind: u16,
        /// The ELF machine.
        machine: u16,
    },
    /// The program headers are not in the file's first sector, too many, or of an unknown form.
    ProgramHeaders {
        /// How many.
        count: u16,
        /// Bytes of each.
        len: u16,
        /// Where they begin in the file.
        offset: u32,
    },
    /// A segment is not in the file, or goes to where it must not.
    Segment {
        /// The segment.
        segment: Segment,
        /// The file's length.
        file_len: u32,
    },
    /// The first instruction is in no segment.
    Entry {
        /// Its address.
        entry: u32,
    },
    /// A part of the kernel lies where there is no memory.
    TooLittleMemory {
        /// One past the last byte the kernel needs.
        needed_end: u32,
        /// Bytes of memory from 1 MiB on.
        available: u64,
    },
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Parameters => f.write_str("the boot parameters in sector 1 make no sense"),
            Self::A20 => f.write_str("address line 20 cannot be enabled"),
            Self::NoMemoryMap => f.write_str("the BIOS does not tell what memory there is"),
            Self::Unreadable { sector, status } => {
                write!(f, "sector {sector} cannot be read (BIOS status {status:#04x}); is the disk image cut short?")
            }
            Self::NotElf => f.write_str("the kernel on the disk is no 32-bit ELF program"),
            Self::NotForI386 { kind, machine } => {
                write!(f, "the kernel is no program for the i386: ELF type {kind}, machine {machine}")
            }
            Self::ProgramHeaders { count, len, offset } => {
                write!(f, "the kernel's program headers make no sense: {count} of {len} bytes at offset {offset:#x}")
            }
            Self::Segment { segment: Segment { file_offset, file_len: from, address, memory_len }, file_len } => {
                write!(
                    f,
                    "a segment of the kernel makes no sense: {from:#x} bytes at {file_offset:#x} of a file of {file_len:#x} go \
                 to {memory_len:#x} bytes at {address:#x}; kernels are loaded from {LOWEST:#x} on"
                )
            }
            Self::Entry { entry } => write!(f, "the kernel's entry {entry:#x} is in none of its segments"),
            Self::TooLittleMemory { needed_end, available } => {
                let needed = needed_end.saturating_sub(LOWEST).div_ceil(1 << 10);
                write!(
                    f,
                    "too little memory: the kernel needs {needed} KiB from 1 MiB on, there are {} KiB; give the machine more",
                    available >> 10
                )
            }
        }
    }
}
