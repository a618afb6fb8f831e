//! Commits: how a change of names or lengths gets onto the device.
//!
//! The file system itself does no I/O here. [`begin_commit`](FileSystem::begin_commit) makes a ticket, a [`Commit`], with a table that
//! has all changes made until then. The caller carries it out, which may take long, and brings it back to
//! [`committed`](FileSystem::committed) with the result. Changes that are made meanwhile wait for the next commit.
//!
//! ```text
//!             create                  committed
//!  (no file) -------> Arriving -------------------> Named <-----------.
//!                        |                            | remove        | keep_name
//!                        | close                      v               |
//!                        v                         Leaving -----------'
//!                     (no file)                       | committed
//!                        ^          last close        v
//!                        '------------------------ Removed
//! ```
//!
//! Blocks of a file are free again only once it is `Removed`: the table on the device does not have it then. A commit that failed may
//! have written its table completely, or in part, or not at all. So the next commit writes the same copy of the table again, and until
//! one succeeds the other copy stays as it is.

use alloc::vec::Vec;

use crate::block::{Block, BlockDevice, BlockIndex};
use crate::file_system::FileSystem;
use crate::layout::TABLE_STARTS;
use crate::records::encode_table;
use crate::table::{File, FileId, State};

/// The number of a change to names or lengths. A later change has a higher number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change(u64);

impl Change {
    /// The state of the device before any change.
    pub const NONE: Self = Self(0);
}

/// What the caller must do so that a change gets onto the device.
#[derive(Debug)]
#[must_use = "a ticket in it has to be brought back"]
pub enum CommitStep {
    /// Nothing: the change is on the device.
    Saved,
    /// Another commit is under way. Ask again when it has ended.
    UnderWay,
    /// Carry this out, and bring it back to [`committed`](FileSystem::committed).
    Write(Commit),
}

/// A ticket: a table of files that must be written.
#[derive(Debug)]
#[must_use = "no other commit can begin until the ticket comes back"]
pub struct Commit {
    /// The copy of the table, and unused blocks after it.
    blocks: Vec<Block>,
    /// Number of blocks of the copy.
    block_count: usize,
    /// Index of the place to which the copy goes.
    target: usize,
    /// The latest change that the table has.
    change: Change,
}

impl Commit {
    /// Writes the table; may take long. The table is written once everything that it speaks of is on the device. It counts from the
    /// moment at which it is complete there.
    ///
    /// # Errors
    /// The device's own. The table may be on the device then, or not.
    pub fn write_to<D: BlockDevice>(&self, device: &mut D) -> Result<(), D::Error> {
        device.flush()?;
        device.write(BlockIndex::new(TABLE_STARTS[self.target]), &self.blocks[..self.block_count])?;
        device.flush()
    }
}

/// What is known of the tables on the device.
pub(crate) struct Commits {
    /// The sequence number of the copy that counts.
    sequence: u64,
    /// Index of the copy that counts.
    current: usize,
    /// The latest change.
    newest: Change,
    /// The latest change that is on the device.
    saved: Change,
    /// Memory for a copy of the table; taken while a commit is under way. It was allocated by mounting, so that a commit needs none.
    buffer: Option<Vec<Block>>,
}

impl Commits {
    /// The device has this copy of the table, and `buffer` has room for any.
    pub const fn new(sequence: u64, current: usize, buffer: Vec<Block>) -> Self {
        Self { sequence, current, newest: Change::NONE, saved: Change::NONE, buffer: Some(buffer) }
    }

    /// The sequence number of the next copy. The number 0 follows the highest one.
    const fn next_sequence(&self) -> u64 {
        self.sequence.wrapping_add(1)
    }

    /// Counts one more change.
    pub const fn next_change(&mut self) -> Change {
        self.newest.0 += 1;
        self.newest
    }
}

impl FileSystem {
    /// Begins to write all changes, unless `change` is on the device already or another commit is under way.
    pub fn begin_commit(&mut self, change: Change) -> CommitStep {
        if self.is_saved(change) {
            return CommitStep::Saved;
        }
        let Some(mut blocks) = self.commits.buffer.take() else { return CommitStep::UnderWay };
        let written = self.table.iter().map(|(_, file)| file).filter(|file| file.state.is_written());
        let block_count = encode_table(self.commits.next_sequence(), written, &mut blocks);
        let target = 1 - self.commits.current;
        CommitStep::Write(Commit { blocks, block_count, target, change: self.commits.newest })
    }

    /// Takes a ticket back with its result, which is returned.
    ///
    /// # Errors
    /// That of the result. All changes stay as they are in memory, and the next commit tries them again.
    pub fn committed<E>(&mut self, commit: Commit, result: Result<(), E>) -> Result<(), E> {
        let Commit { blocks, target, change, .. } = commit;
        self.commits.buffer = Some(blocks);
        result?;
        self.commits.current = target;
        self.commits.sequence = self.commits.next_sequence();
        self.commits.saved = change;
        let is_included = |file: &File| file.change <= change;
        for (_, file) in self.table.iter_mut().filter(|(_, file)| is_included(file)) {
            file.state = match file.state {
                State::Arriving => State::Named,
                State::Leaving => State::Removed,
                other => other,
            };
        }
        while let Some(id) = self.unused() {
            self.forget(id);
        }
        Ok(())
    }

    /// A removed file that no user has open.
    fn unused(&self) -> Option<FileId> {
        let is_unused = |file: &File| file.state == State::Removed && file.openers == 0;
        self.table.iter().find(|(_, file)| is_unused(file)).map(|(id, _)| id)
    }

    /// The change is on the device.
    pub fn is_saved(&self, change: Change) -> bool {
        change <= self.commits.saved
    }

    /// The latest change of all.
    pub const fn last_change(&self) -> Change {
        self.commits.newest
    }

    /// The latest change of this file's name or length; [`Change::NONE`] if the file is gone.
    pub fn change_of(&self, id: FileId) -> Change {
        self.table.get(id).map_or(Change::NONE, |file| file.change)
    }

    /// The entry of a file in the table has changed.
    pub(crate) fn note_change(&mut self, id: FileId) {
        let change = self.commits.next_change();
        if let Some(file) = self.table.get_mut(id) {
            file.change = change;
        }
    }
}
