//! What a drive is told to do, before it is said in the drive's own words (`task_file.rs`).

use super::request::{Direction, SectorIndex};

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Moves data.
    Transfer(Direction),
    /// Brings everything written before onto the medium.
    Flush,
}

/// One command to the drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// What it does.
    pub operation: Operation,
    /// Its first sector.
    pub first_sector: SectorIndex,
    /// How many sectors it moves; none for a flush.
    pub sector_count: u32,
}

impl Command {
    /// One past its last sector; [`Queue::submit`](super::Queue::submit) has checked that the disk does not end before.
    pub(super) const fn end(self) -> u32 {
        self.first_sector.number() + self.sector_count
    }

    /// The order of the two must be kept.
    pub(super) fn conflicts_with(self, other: Self) -> bool {
        match (self.operation, other.operation) {
            (Operation::Flush, _) | (_, Operation::Flush) => true,
            (Operation::Transfer(Direction::Read), Operation::Transfer(Direction::Read)) => false,
            _ => self.first_sector.number() < other.end() && other.first_sector.number() < self.end(),
        }
    }
}
