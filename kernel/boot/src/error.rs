//! Why the kernel cannot be started.

use core::fmt;

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
    /// The kernel is no 32-bit ELF program, or its headers make no sense.
    NotElf,
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
            Self::TooLittleMemory { needed_end, available } => {
                let needed = needed_end.saturating_sub(1 << 20) >> 10;
                write!(
                    f,
                    "too little memory: the kernel needs {needed} KiB from 1 MiB on, there are {} KiB; give the machine more",
                    available >> 10
                )
            }
        }
    }
}
