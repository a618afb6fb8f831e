//! The files on the disk.

use abi::record::DirectoryEntry;

use crate::call;
use crate::memory::filled;

/// The entries of the directory, one after the other.
pub fn directory() -> impl Iterator<Item = DirectoryEntry> {
    (0..).map_while(|index| filled(|entry| call::read_directory(index, entry)).ok())
}
