//! The registers of the primary channel (AT Attachment with Packet Interface, "I/O interface"), at the ports where a PC has
//! always had them.

use core::arch::asm;

use kcore::disk::{StatusFlags, TaskFile};

use crate::drivers::port::Port;

const COMMAND_BLOCK: u16 = 0x1F0;
const CONTROL_BLOCK: u16 = 0x3F6;

/// Device control: hold the drives in reset.
const SOFT_RESET: u8 = 1 << 2;
/// Device control: no interrupts.
const NO_INTERRUPTS: u8 = 1 << 1;

/// What a port without a drive reads as on a bus that nobody drives.
const FLOATING: u8 = 0xFF;

/// The channel's registers.
pub struct Registers {
    data: u16,
    error: Port<u8>,
    /// Sector count, then the three address registers.
    parameters: [Port<u8>; 4],
    device: Port<u8>,
    /// Status when read, command when written.
    status: Port<u8>,
    /// Alternate status when read, device control when written.
    control: Port<u8>,
    /// The data register passes 32 bits at a time: the controller is a PCI device.
    is_wide: bool,
}

impl Registers {
    /// The primary channel.
    ///
    /// # Safety
    /// Only one user at a time.
    pub const unsafe fn primary() -> Self {
        // SAFETY: on a PC these ports belong to the primary ATA channel or to nothing; the caller is its only user. A drive
        // reaches memory only through the bus master.
        unsafe {
            Self {
                data: COMMAND_BLOCK,
                error: Port::new(COMMAND_BLOCK + 1),
                parameters: [
                    Port::new(COMMAND_BLOCK + 2),
                    Port::new(COMMAND_BLOCK + 3),
                    Port::new(COMMAND_BLOCK + 4),
                    Port::new(COMMAND_BLOCK + 5),
                ],
                device: Port::new(COMMAND_BLOCK + 6),
                status: Port::new(COMMAND_BLOCK + 7),
                control: Port::new(CONTROL_BLOCK),
                is_wide: false,
            }
        }
    }

    /// Lets the data register pass 32 bits at a time, which controllers on the PCI bus can do.
    pub const fn widen(&mut self) {
        self.is_wide = true;
    }

    /// Gives drive 0 a command. There is only that drive, so it is selected already and no time need pass.
    pub fn issue(&self, task_file: &TaskFile) {
        self.device.write(task_file.device);
        for values in task_file.upper.iter().chain([&task_file.lower]) {
            for (register, &value) in self.parameters.iter().zip(values) {
                register.write(value);
            }
        }
        self.status.write(task_file.opcode);
    }

    /// The status; reading it makes the drive take its interrupt back.
    pub fn status(&self) -> StatusFlags {
        StatusFlags::from_bits_retain(self.status.read())
    }

    /// The status, the interrupt left as it is.
    pub fn alternate_status(&self) -> StatusFlags {
        StatusFlags::from_bits_retain(self.control.read())
    }

    /// The status, once the drive has had the 400 ns that it may take to show the effect of a command: a port access takes 100
    /// ns or more.
    pub fn settled_status(&self) -> StatusFlags {
        for _ in 0..4 {
            self.control.read();
        }
        self.alternate_status()
    }

    /// The reason of a failure.
    pub fn error(&self) -> u8 {
        self.error.read()
    }

    /// Whether something answers as drive 0: neither a floating bus nor the zeros of a channel whose only drive is drive 1.
    pub fn has_drive(&self) -> bool {
        self.device.write(TaskFile::plain(0, 0).device);
        !matches!(self.settled_status().bits(), 0 | FLOATING)
    }

    /// The signature of a device that understands packets instead of sectors is in the upper address registers.
    pub fn has_packet_signature(&self) -> bool {
        self.parameters[2].read() != 0 || self.parameters[3].read() != 0
    }

    /// Keeps the drive from raising interrupts.
    pub fn mute(&self) {
        self.control.write(NO_INTERRUPTS);
    }

    /// Lets the drive raise interrupts; also ends a reset.
    pub fn unmute(&self) {
        self.control.write(0);
    }

    /// Holds the drive in reset; 5 us are enough.
    pub fn hold_reset(&self) {
        self.control.write(SOFT_RESET);
    }

    /// Takes data from the drive, which has announced that it has as many. A whole number of double words.
    pub fn read_data(&self, into: &mut [u8]) {
        let (start, len) = (into.as_mut_ptr(), into.len());
        // SAFETY: `start` and `len` are those of a slice that is ours to write; the direction flag is clear, as Rust code
        // relies on, and ring 0 may use ports. Intel SDM 2A, "INS".
        unsafe {
            if self.is_wide {
                asm!("rep insd", in("dx") self.data, inout("edi") start => _, inout("ecx") len / 4 => _, options(nostack));
            } else {
                asm!("rep insw", in("dx") self.data, inout("edi") start => _, inout("ecx") len / 2 => _, options(nostack));
            }
        }
    }

    /// Hands data to the drive, which has announced that it wants as many. A whole number of double words.
    pub fn write_data(&self, from: &[u8]) {
        let (start, len) = (from.as_ptr(), from.len());
        // LLVM keeps ESI for itself, so it is saved by hand.
        // SAFETY: as in `read_data`, but the slice is only read. Intel SDM 2B, "OUTS".
        unsafe {
            if self.is_wide {
                asm!("xchg esi, {start}", "rep outsd", "mov esi, {start}", start = inout(reg) start => _,
                    in("dx") self.data, inout("ecx") len / 4 => _);
            } else {
                asm!("xchg esi, {start}", "rep outsw", "mov esi, {start}", start = inout(reg) start => _,
                    in("dx") self.data, inout("ecx") len / 2 => _);
            }
        }
    }
}
