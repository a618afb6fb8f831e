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

/// What the current command is waiting for.
enum Underway {
    Nothing,
    Dma,
    Pio { direction: Direction, cursor: Cursor },
    Flush,
}

/// Drive 0 of the primary channel.
pub struct AtaController {
    pub(super) registers: Registers,
    bus_master: Option<BusMaster>,
    /// How many sectors move for each interrupt if the CPU moves them.
    block_sectors: u8,
    underway: Underway,
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
        Self { registers, bus_master: None, block_sectors: 1, underway: Underway::Nothing }
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
        let mut cursor = Cursor::new(segments);
        self.registers.issue(task_file);
        if direction == Direction::Write {
            self.wait_for_data_request()?;
            self.move_block(direction, &mut cursor);
        }
        self.underway = Underway::Pio { direction, cursor };
        Ok(())
    }

    fn wait_for_data_request(&self) -> Result<(), DiskError> {
        let mut status = self.registers.settled_status();
        for _ in 0..DATA_REQUEST_READS {
            if !status.contains(StatusFlags::BUSY) {
                decode_status(status, || self.registers.error())?;
                if status.contains(StatusFlags::DATA_REQUEST) {
                    return Ok(());
                }
            }
            status = self.registers.alternate_status();
        }
        Err(DiskError::Timeout)
    }

    /// Moves the data of one interrupt.
    fn move_block(&self, direction: Direction, cursor: &mut Cursor) {
        let mut sectors = u32::from(self.block_sectors).min(cursor.sectors_left());
        while sectors > 0
            && let Some(piece) = cursor.advance(sectors)
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

    fn advance_dma(&mut self) -> Progress {
        let Some(bus_master) = &self.bus_master else { return Progress::Pending };
        // The bus master passes the interrupt on once the last byte is in memory. Before that it is somebody else's.
        if !bus_master.has_interrupt() {
            return Progress::Pending;
        }
        let bus = bus_master.stop();
        let status = self.registers.status();
        self.underway = Underway::Nothing;
        // Where both sides complain, the drive knows more.
        Progress::Ended(decode_status(status, || self.registers.error()).and(bus))
    }

    fn advance_pio(&mut self, direction: Direction, mut cursor: Cursor) -> Progress {
        let status = self.registers.status();
        if status.contains(StatusFlags::BUSY) {
            self.underway = Underway::Pio { direction, cursor };
            return Progress::Pending;
        }
        if let Err(error) = decode_status(status, || self.registers.error()) {
            return Progress::Ended(Err(error));
        }
        if status.contains(StatusFlags::DATA_REQUEST) {
            self.move_block(direction, &mut cursor);
        }
        // A write has one more interrupt behind its last block, a read has none.
        let is_over = match direction {
            Direction::Read => cursor.sectors_left() == 0,
            Direction::Write => !status.contains(StatusFlags::DATA_REQUEST),
        };
        if is_over {
            return Progress::Ended(Ok(()));
        }
        self.underway = Underway::Pio { direction, cursor };
        Progress::Pending
    }

    fn advance_flush(&mut self) -> Progress {
        let status = self.registers.status();
        if status.contains(StatusFlags::BUSY) {
            self.underway = Underway::Flush;
            return Progress::Pending;
        }
        Progress::Ended(decode_status(status, || self.registers.error()))
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
        match core::mem::replace(&mut self.underway, Underway::Nothing) {
            Underway::Nothing => {
                // Reading the status makes the drive take back an interrupt that nobody waits for.
                self.registers.status();
                Progress::Pending
            }
            Underway::Dma => {
                self.underway = Underway::Dma;
                self.advance_dma()
            }
            Underway::Pio { direction, cursor } => self.advance_pio(direction, cursor),
            Underway::Flush => self.advance_flush(),
        }
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
