//! The disk, as far as it can be decided without one: requests and their queue, what to tell the drive, what its answers
//! mean, and what to do when it does not answer.
//!
//! ```text
//! submit -> Queue -> Command -> Controller (the registers; in the kernel)
//!                                   | interrupt, or a tick too many
//! take   <- Queue <- result --------+
//! ```
//!
//! [`Channel`] holds it together. The queue merges requests that continue each other, because a command costs the drive
//! about as much for one page as for thirty.

mod channel;
mod command;
mod cursor;
mod error;
mod identify;
mod pages;
mod prd;
mod queue;
mod request;
mod task_file;

pub use channel::{Channel, Controller, Progress};
pub use command::{Command, Operation};
pub use cursor::{Cursor, Piece};
pub use error::{DiskError, StatusFlags, decode_status};
pub use identify::{Identity, UnusableDisk};
pub use pages::{PagePieces, RunTransfer, Segments, request_from};
pub use prd::{PRD_ENTRIES_MAX, PrdEntry, prd_entries};
pub use queue::{COMMAND_SEGMENTS_MAX, QUEUE_CAPACITY, Queue, RequestId};
pub use request::{Direction, REQUEST_SEGMENTS_MAX, Request, SECTOR_SIZE, SectorIndex, Segment, SubmitError};
pub use task_file::{Addressing, FLUSH_CACHE, IDENTIFY, Method, SET_MULTIPLE, TaskFile};

#[cfg(test)]
mod tests;
