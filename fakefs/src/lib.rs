//! The fake file system: flat names, extents, and nothing else.
//!
//! The kernel mounts it, the image builder writes it, tests break it. All that is known of the files is in memory once it is mounted. On
//! the device it is kept twice, and a commit writes the copy that does not count: whenever the machine stops, one of the two is whole.
//! `docs/fakefs.md` tells the story, [`layout`] draws the bytes.
//!
//! * `file_system.rs`: names, and who has a file open; `length.rs`: lengths, and the blocks for them,
//! * `commit.rs`: changes get onto the device; `mount.rs`: they are read back,
//! * `volume.rs`: all of that for a host that can wait,
//! * `table.rs`, `allocate.rs`, `loss.rs`: the books in memory, which `check.rs` compares; `records.rs`: their form on the device.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod allocate;
mod block;
mod check;
mod commit;
mod error;
mod file_system;
pub mod layout;
mod length;
mod loss;
mod mount;
mod records;
mod table;
#[cfg(test)]
mod tests;
mod volume;

pub use block::{BLOCK_SIZE, Block, BlockDevice, BlockIndex, Extent};
pub use check::CheckError;
pub use commit::{Change, Commit, CommitStep};
pub use error::{Damage, FsError, MountError, VolumeError};
pub use file_system::{Entry, FileSystem};
pub use table::FileId;
pub use volume::Volume;

/// Blocks that the file system keeps for itself, at its start.
pub const METADATA_BLOCKS: u32 = layout::DATA_START;
