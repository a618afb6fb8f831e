//! The files on the disk.

use abi::record::DirectoryEntry;

use crate::call;
use crate::memory::filled;

/// The entries of the directory, one after the other.
///
/// ```no_run
/// for file in libsys::files::directory() {
///     libsys::println!("{:>10}  {}", file.len_bytes(), file.name());
/// }
/// ```
pub fn directory() -> impl Iterator<Item = DirectoryEntry> {
    (0..).map_while(|index| filled(|entry| call::read_directory(index, entry)).ok())
}
