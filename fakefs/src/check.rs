//! A look at the whole: does every block have one owner?

use core::fmt;

use crate::allocate::FreeMap;
use crate::file_system::FileSystem;

/// Something that does not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckError {
    /// Two files claim the same block, or one lies outside the device.
    SharedBlock,
    /// A file is longer than its blocks.
    TooFewBlocks,
    /// Blocks are neither free nor anybody's.
    LostBlocks {
        /// How many are marked free.
        marked_free: u32,
        /// How many belong to nobody.
        unowned: u32,
    },
    /// There is no memory for the check.
    OutOfMemory,
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SharedBlock => f.write_str("two files claim the same block"),
            Self::TooFewBlocks => f.write_str("a file is longer than its blocks"),
            Self::LostBlocks { marked_free, unowned } => {
                write!(f, "{marked_free} blocks are marked free, {unowned} belong to nobody")
            }
            Self::OutOfMemory => f.write_str("out of memory"),
        }
    }
}

impl core::error::Error for CheckError {}

impl FileSystem {
    /// Compares what is known of the files with what is known of the blocks.
    ///
    /// # Errors
    /// The first thing that does not add up.
    pub fn check(&self) -> Result<(), CheckError> {
        let mut map = FreeMap::new(self.free.block_count()).map_err(|_| CheckError::OutOfMemory)?;
        for (_, file) in self.table.iter() {
            if file.blocks_needed() > file.block_count() {
                return Err(CheckError::TooFewBlocks);
            }
            if !file.extents.iter().all(|&extent| map.claim(extent)) {
                return Err(CheckError::SharedBlock);
            }
        }
        let (marked_free, unowned) = (self.free.free_count(), map.free_count());
        if marked_free == unowned { Ok(()) } else { Err(CheckError::LostBlocks { marked_free, unowned }) }
    }
}
