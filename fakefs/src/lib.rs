//! The fake file system: flat names, extents, and nothing else.
//!
//! The kernel mounts it, the image builder writes it, tests break it. All that is known of the files is in memory once it is mounted;
//! on disk it is kept twice, and a change writes the copy that is not in use: whenever the machine stops, one of the two is whole.
//! `docs/fakefs.md` tells the story, [`layout`] draws the bytes.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod allocate;
mod block;
mod check;
mod error;
mod file;
mod file_system;
pub mod layout;
mod loss;
pub mod memory_disk;
mod records;
mod table;
#[cfg(test)]
mod tests;

pub use block::{BLOCK_SIZE, BlockDevice, BlockIndex, Extent};
pub use check::CheckError;
pub use error::{Damage, FsError};
pub use file_system::{Entry, FileSystem};
pub use table::FileId;

/// Blocks that the file system keeps for itself, at its start.
pub const METADATA_BLOCKS: u32 = layout::DATA_START;
