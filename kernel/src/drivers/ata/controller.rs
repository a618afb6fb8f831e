//! The drive and its bus master, as the channel sees them.

use kcore::disk::{
    Command, Controller, Cursor, Direction, DiskError, Identity, Method, Operation, Piece, Progress, Segment,
    StatusFlags, TaskFile, decode_status,
};

use super::bus_master::BusMaster;
use super::registers::Registers;
use crate::memory::window::{Purpose, with_frame};

/// How often the drive's status is read until it asks for the first data of a write, which no interrupt announces: some
/// milliseconds, while drives take microseconds.
const DATA_REQUEST_READS: u32 = 100_000;

/// What the current command is.
#[derive(Clone, Copy)]
enum Underway {
    Nothing,
    Dma,
    Pio(Direction),
    Flush,
}

/// Drive 0 of the primary channel.
pub struct AtaController {
    pub(super) registers: Registers,
    bus_master: Option<BusMaster>,
    /// How many sectors move for each interrupt if the CPU moves them.
    block_sectors: u8,
    underway: Underway,
    /// Where the CPU is in the memory of the command, if it moves the data.
    cursor: Cursor,
}

impl AtaController {
    /// The drive, if there is one; not set up yet.
    ///
    /// # Safety
    /// There must be only one, and every segment that it is told to transfer must be memory that is set aside for that until the
    /// command has ended.
    pub const unsafe fn new() -> Self {
        // SAFETY: there is only one controller, says the caller, so there is only one user of its registers.
        let registers = unsafe { Registers::primary() };
        Self { registers, bus_master: None, block_sectors: 1, underway: Underway::Nothing, cursor: Cursor::empty() }
    }

    /// Lets the bus master move the data.
    pub fn use_bus_master(&mut self, bus_master: BusMaster) {
        self.bus_master = Some(bus_master);
    }

    /// Lets the CPU move the data, so many sectors for each interrupt. More than one only if the drive was told so.
    pub const fn use_blocks_of(&mut self, sectors: u8) {
        self.block_sectors = sectors;
    }

    /// How many sectors the drive should be told to move for each interrupt: a power of two, as it wants, and at most a page.
    pub fn best_block_sectors(identity: &Identity) -> u8 {
        match identity.multiple_max {
            0 => 1,
            max => (1 << max.ilog2()).min(16),
        }
    }

    const fn method(&self) -> Method {
        match (&self.bus_master, self.block_sectors) {
            (Some(_), _) => Method::Dma,
            (None, 0 | 1) => Method::PioSingle,
            (None, _) => Method::PioMultiple,
        }
    }

    fn start_transfer(
        &mut self,
        task_file: &TaskFile,
        direction: Direction,
        segments: impl Iterator<Item = Segment>,
    ) -> Result<(), DiskError> {
        if let Some(bus_master) = &self.bus_master {
            // SAFETY: whoever made the controller promised this of every segment that it is given.
            unsafe { bus_master.prepare(direction, segments) };
            self.registers.issue(task_file);
            bus_master.start(direction);
            self.underway = Underway::Dma;
            return Ok(());
        }
        self.cursor.restart(segments);
        self.registers.issue(task_file);
        if direction == Direction::Write {
            self.wait_for_data_request()?;
            self.move_block(direction);
        }
        self.underway = Underway::Pio(direction);
        Ok(())
    }

    fn wait_for_data_request(&self) -> Result<(), DiskError> {
        let mut status = self.registers.settled_status();
        for _ in 0..DATA_REQUEST_READS {
            if !status.contains(StatusFlags::BUSY) {
                self.outcome(status)?;
                if status.contains(StatusFlags::DATA_REQUEST) {
                    return Ok(());
                }
            }
            status = self.registers.alternate_status();
        }
        Err(DiskError::Timeout)
    }

    /// Moves the data of one interrupt.
    fn move_block(&mut self, direction: Direction) {
        let mut sectors = u32::from(self.block_sectors);
        while sectors > 0
            && let Some(piece) = self.cursor.advance(sectors)
        {
            sectors -= piece.len_bytes / kcore::disk::SECTOR_SIZE;
            self.move_piece(direction, piece);
        }
    }

    fn move_piece(&self, direction: Direction, piece: Piece) {
        let start = piece.offset_bytes as usize;
        let range = start..start + piece.len_bytes as usize;
        // SAFETY: whoever made the controller promised that the frame is set aside for this transfer; moving the bytes uses
        // no window.
        unsafe {
            with_frame(Purpose::Transfer, piece.frame, |bytes| match direction {
                Direction::Read => self.registers.read_data(&mut bytes[range]),
                Direction::Write => self.registers.write_data(&bytes[range]),
            });
        }
    }

    fn advance_dma(&self) -> Progress {
        let Some(bus_master) = &self.bus_master else { return Progress::Pending };
        // The bus master passes the interrupt on once the last byte is in memory. Before that it is somebody else's.
        if !bus_master.has_interrupt() {
            return Progress::Pending;
        }
        let bus = bus_master.stop();
        // Where both sides complain, the drive knows more.
        Progress::Ended(self.outcome(self.registers.status()).and(bus))
    }

    fn advance_pio(&mut self, direction: Direction) -> Progress {
        let status = self.registers.status();
        if status.contains(StatusFlags::BUSY) {
            return Progress::Pending;
        }
        if let Err(error) = self.outcome(status) {
            return Progress::Ended(Err(error));
        }
        let wants_data = status.contains(StatusFlags::DATA_REQUEST);
        if wants_data {
            self.move_block(direction);
        }
        // A write has one more interrupt behind its last block, a read has none.
        let is_over = match direction {
            Direction::Read => self.cursor.sectors_left() == 0,
            Direction::Write => !wants_data,
        };
        if is_over { Progress::Ended(Ok(())) } else { Progress::Pending }
    }

    fn advance_flush(&self) -> Progress {
        let status = self.registers.status();
        if status.contains(StatusFlags::BUSY) { Progress::Pending } else { Progress::Ended(self.outcome(status)) }
    }

    /// Reading the status makes the drive take back an interrupt that nobody waits for.
    fn dismiss_interrupt(&self) -> Progress {
        self.registers.status();
        Progress::Pending
    }

    fn outcome(&self, status: StatusFlags) -> Result<(), DiskError> {
        decode_status(status, || self.registers.error())
    }
}

impl Controller for AtaController {
    fn start(&mut self, command: Command, segments: impl Iterator<Item = Segment>) -> Result<(), DiskError> {
        let task_file = TaskFile::new(command, self.method());
        match command.operation {
            Operation::Transfer(direction) => self.start_transfer(&task_file, direction, segments),
            Operation::Flush => {
                self.registers.issue(&task_file);
                self.underway = Underway::Flush;
                Ok(())
            }
        }
    }

    fn advance(&mut self) -> Progress {
        let progress = match self.underway {
            Underway::Nothing => self.dismiss_interrupt(),
            Underway::Dma => self.advance_dma(),
            Underway::Pio(direction) => self.advance_pio(direction),
            Underway::Flush => self.advance_flush(),
        };
        if progress != Progress::Pending {
            self.underway = Underway::Nothing;
        }
        progress
    }

    fn hold_reset(&mut self) {
        self.underway = Underway::Nothing;
        if let Some(bus_master) = &self.bus_master {
            // The transfer has failed already; from here on the bus master touches no memory.
            let _ = bus_master.stop();
        }
        self.registers.hold_reset();
    }

    fn release_reset(&mut self) {
        // A reset may undo the drive's block size, so sectors move one by one from now on.
        self.block_sectors = 1;
        self.registers.unmute();
    }

    fn is_settled(&mut self) -> bool {
        self.registers.has_drive() && !self.registers.alternate_status().contains(StatusFlags::BUSY)
    }
}
