//! A file that the kernel uses for itself: the swap file.

use core::fmt;

use fakefs::{Extent, FileId, FsError};
use kcore::addr::PAGE_SIZE;
use kcore::disk::PagePieces;

use super::commit::commit;
use super::{partition, with_files};

/// A file that is open as long as the machine runs.
#[derive(Clone, Copy, Debug)]
pub struct KernelFile(FileId);

/// Why a file cannot be made longer. Its length on the disk is unchanged.
#[derive(Clone, Copy, Debug)]
pub enum GrowError {
    /// The file system refused.
    Refused(FsError),
    /// The disk failed.
    Disk,
}

impl fmt::Display for GrowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Disk => f.write_str("the disk failed"),
        }
    }
}

impl KernelFile {
    /// Opens the file of this name.
    ///
    /// # Errors
    /// `NoSuchFile`.
    pub fn open(name: &str) -> Result<Self, FsError> {
        with_files(|files| files.open(name)).map(Self)
    }

    /// Makes an empty file of this name and opens it. The disk has its name once it has
    /// [grown](Self::grow).
    ///
    /// # Errors
    /// `BadName`, `AlreadyExists`, `TableFull`, `OutOfMemory`.
    pub fn create(name: &str) -> Result<Self, FsError> {
        with_files(|files| files.create(name)).map(Self)
    }

    /// Makes the file `pages` pages long, unless it is longer, and returns once the disk knows. The
    /// contents of new pages are whatever the disk has.
    ///
    /// # Errors
    /// `Refused` if the file system has no room, `Disk`.
    pub fn grow(self, pages: u32) -> Result<(), GrowError> {
        let grown = pages.checked_mul(PAGE_SIZE).ok_or(FsError::TooLong);
        let grown = grown.and_then(|len_bytes| with_files(|files| files.preallocate(self.0, len_bytes)));
        commit(grown.map_err(GrowError::Refused)?).map_err(|_| GrowError::Disk)
    }

    /// Returns where the file's pages lie on the disk. As long as the file does not grow, its pages
    /// can be moved there without asking the file system again.
    pub fn pieces(self) -> PagePieces {
        let partition = partition();
        let run = |extent: &Extent| (partition.sector_of(extent.first), extent.block_count);
        with_files(|files| PagePieces::new(files.extents(self.0).unwrap_or_default().iter().map(run).collect()))
    }
}
