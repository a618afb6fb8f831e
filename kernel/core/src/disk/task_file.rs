//! The task file: what goes into the drive's registers to start a command (AT Attachment with Packet Interface, "I/O
//! interface" and "48-bit Address feature set").

use super::command::{Command, Operation};
use super::request::{Direction, SectorIndex};

/// IDENTIFY DEVICE.
pub const IDENTIFY: u8 = 0xEC;
/// SET MULTIPLE MODE: how many sectors READ MULTIPLE and WRITE MULTIPLE move for each interrupt.
pub const SET_MULTIPLE: u8 = 0xC6;
/// FLUSH CACHE.
pub const FLUSH_CACHE: u8 = 0xE7;

/// Device register: LBA, drive 0, and the two bits that old drives want set.
const DEVICE: u8 = 0xE0;

/// How a drive's sectors are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// By 28 bits: up to 128 GiB, and 256 sectors with each command.
    Lba28,
    /// By 48 bits.
    Lba48,
}

impl Addressing {
    /// The most sectors that one command is given. With 48-bit addresses it could be 65,536, but past 256 KiB the cost of the
    /// command itself no longer counts, while the requests behind it wait.
    pub const fn command_sectors_max(self) -> u32 {
        match self {
            Self::Lba28 => 256,
            Self::Lba48 => 512,
        }
    }
}

/// How the data move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The bus master moves them.
    Dma,
    /// The CPU moves them, one sector for each interrupt.
    PioSingle,
    /// The CPU moves them, several sectors for each interrupt.
    PioMultiple,
}

/// The registers of a command, in the order in which they are written: sector count, then the address from its lowest byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskFile {
    /// The device register.
    pub device: u8,
    /// The upper halves of the registers, which are written first; only 48-bit commands have them.
    pub upper: Option<[u8; 4]>,
    /// The registers.
    pub lower: [u8; 4],
    /// The command register.
    pub opcode: u8,
}

impl TaskFile {
    /// A command without data or address.
    pub const fn plain(opcode: u8, sector_count: u8) -> Self {
        Self { device: DEVICE, upper: None, lower: [sector_count, 0, 0, 0], opcode }
    }

    /// The registers for this command. 48-bit commands, which take twice the port accesses, only where 28 bits do not do.
    pub const fn new(command: Command, method: Method) -> Self {
        match command.operation {
            Operation::Flush => Self::plain(FLUSH_CACHE, 0),
            Operation::Transfer(direction) => {
                Self::transfer(direction, command.first_sector, command.sector_count, method)
            }
        }
    }

    const fn transfer(direction: Direction, first: SectorIndex, count: u32, method: Method) -> Self {
        let [lba0, lba1, lba2, lba3] = first.number().to_le_bytes();
        let [count0, count1, ..] = count.to_le_bytes();
        // A count of 256 is written as 0, which is what its lowest byte is.
        if count <= 256 && first.number() as u64 + count as u64 <= 1 << 28 {
            let opcode = opcode(direction, method);
            return Self { device: DEVICE | lba3, upper: None, lower: [count0, lba0, lba1, lba2], opcode };
        }
        let upper = Some([count1, lba3, 0, 0]);
        Self { device: DEVICE, upper, lower: [count0, lba0, lba1, lba2], opcode: opcode_48(direction, method) }
    }
}

const fn opcode(direction: Direction, method: Method) -> u8 {
    match (direction, method) {
        (Direction::Read, Method::Dma) => 0xC8,
        (Direction::Write, Method::Dma) => 0xCA,
        (Direction::Read, Method::PioSingle) => 0x20,
        (Direction::Write, Method::PioSingle) => 0x30,
        (Direction::Read, Method::PioMultiple) => 0xC4,
        (Direction::Write, Method::PioMultiple) => 0xC5,
    }
}

const fn opcode_48(direction: Direction, method: Method) -> u8 {
    match (direction, method) {
        (Direction::Read, Method::Dma) => 0x25,
        (Direction::Write, Method::Dma) => 0x35,
        (Direction::Read, Method::PioSingle) => 0x24,
        (Direction::Write, Method::PioSingle) => 0x34,
        (Direction::Read, Method::PioMultiple) => 0x29,
        (Direction::Write, Method::PioMultiple) => 0x39,
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, Direction, Method, Operation, SectorIndex, TaskFile};
    use proptest::prelude::{prop_assert_eq, proptest};

    fn read(first: u32, sector_count: u32) -> TaskFile {
        let operation = Operation::Transfer(Direction::Read);
        TaskFile::new(Command { operation, first_sector: SectorIndex::new(first), sector_count }, Method::Dma)
    }

    /// What the drive makes of the registers.
    fn decode(registers: TaskFile) -> (u64, u32) {
        let [count, lba @ ..] = registers.lower.map(u64::from);
        let low = lba[0] | lba[1] << 8 | lba[2] << 16;
        let Some([count_high, upper @ ..]) = registers.upper.map(|bytes| bytes.map(u64::from)) else {
            let lba = low | u64::from(registers.device & 15) << 24;
            return (lba, if count == 0 { 256 } else { u32::try_from(count).unwrap() });
        };
        let count = u32::try_from(count | count_high << 8).unwrap();
        (low | upper[0] << 24 | upper[1] << 32 | upper[2] << 40, if count == 0 { 65536 } else { count })
    }

    #[test]
    fn the_last_sector_that_28_bits_can_name_needs_no_48() {
        assert_eq!(read((1 << 28) - 256, 256).opcode, 0xC8);
        assert_eq!(read((1 << 28) - 255, 256).opcode, 0x25);
        assert_eq!(read(0, 257).opcode, 0x25);
    }

    proptest! {
        #[test]
        fn the_drive_reads_what_was_meant(first in 0u32.., count in 1u32..=512) {
            prop_assert_eq!(decode(read(first, count)), (u64::from(first), count));
        }
    }
}
