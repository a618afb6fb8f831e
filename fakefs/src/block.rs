//! Blocks, runs of blocks, and the device that holds them.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

/// Bytes in a block. A block is as long as a page of memory, so that page `i` of a file is one block.
pub const BLOCK_SIZE: u32 = 4096;

/// The same, as a length of slices.
pub(crate) const BLOCK_BYTES: usize = BLOCK_SIZE as usize;

/// The contents of a block. Aligned to its length, so that a disk can move it directly.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C, align(4096))]
pub struct Block(pub [u8; BLOCK_BYTES]);

impl Block {
    /// A block of zeros.
    pub const ZERO: Self = Self([0; BLOCK_BYTES]);

    /// Makes `count` blocks of zeros.
    ///
    /// # Errors
    /// `TryReserveError` if there is no memory for them.
    pub fn zeros(count: usize) -> Result<Vec<Self>, TryReserveError> {
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(count)?;
        blocks.resize(count, Self::ZERO);
        Ok(blocks)
    }
}

/// A block of the device, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockIndex(u32);

impl BlockIndex {
    /// The block with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// A run of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first block.
    pub first: BlockIndex,
    /// The number of blocks.
    pub block_count: u32,
}

impl Extent {
    /// The number of the block after the last one; `None` if there is no such number.
    pub const fn end(&self) -> Option<u32> {
        self.first.0.checked_add(self.block_count)
    }
}

/// A device that holds blocks `0..block_count()`. The caller stays in that range.
pub trait BlockDevice {
    /// Errors of the device.
    type Error: core::fmt::Debug;

    /// The number of blocks.
    fn block_count(&self) -> u32;

    /// Reads blocks from `first` on.
    ///
    /// # Errors
    /// The device's own. The contents of `blocks` are unknown then.
    fn read(&mut self, first: BlockIndex, blocks: &mut [Block]) -> Result<(), Self::Error>;

    /// Writes blocks from `first` on. Until [`flush`](Self::flush) has returned, a machine that stops may lose any of their sectors, and
    /// may keep later writes and lose earlier ones.
    ///
    /// # Errors
    /// The device's own. The contents of the blocks on the device are unknown then.
    fn write(&mut self, first: BlockIndex, blocks: &[Block]) -> Result<(), Self::Error>;

    /// Returns once all earlier writes are kept, even if the machine stops.
    ///
    /// # Errors
    /// The device's own. Any write since the last successful flush may be lost then.
    fn flush(&mut self) -> Result<(), Self::Error>;
}
