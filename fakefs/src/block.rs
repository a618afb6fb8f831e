//! Blocks, runs of them, and the device they are on.

/// Bytes in a block: a page of memory, so that page i of a file is one block.
pub const BLOCK_SIZE: u32 = 4096;

/// The same, as a length of slices.
pub(crate) const BLOCK_BYTES: usize = BLOCK_SIZE as usize;

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
    /// How many blocks.
    pub block_count: u32,
}

impl Extent {
    /// The number of the block behind the last; `None` if there is no such number.
    pub const fn end(&self) -> Option<u32> {
        self.first.0.checked_add(self.block_count)
    }
}

/// Something that keeps blocks of [`BLOCK_SIZE`] bytes, `0..block_count()`. Buffers are whole numbers of blocks, which its user keeps in
/// that range.
pub trait BlockDevice {
    /// What can go wrong.
    type Error: core::fmt::Debug;

    /// How many blocks it has.
    fn block_count(&self) -> u32;

    /// Reads blocks from `first` on.
    ///
    /// # Errors
    /// The device's own; what is in `buffer` then is not known.
    fn read(&mut self, first: BlockIndex, buffer: &mut [u8]) -> Result<(), Self::Error>;

    /// Writes blocks from `first` on. They may be lost or late until [`flush`](Self::flush) has returned.
    ///
    /// # Errors
    /// The device's own; what the blocks hold then is not known.
    fn write(&mut self, first: BlockIndex, data: &[u8]) -> Result<(), Self::Error>;

    /// Makes sure that all that was written is kept.
    ///
    /// # Errors
    /// The device's own; any write since the last flush may be lost then.
    fn flush(&mut self) -> Result<(), Self::Error>;
}
