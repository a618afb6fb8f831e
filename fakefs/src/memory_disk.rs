//! A device in memory that can be told to fail.

use alloc::vec;
use alloc::vec::Vec;

use crate::block::{BLOCK_BYTES, BlockDevice, BlockIndex};

/// What went wrong with a [`MemoryDisk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryDiskError {
    /// The blocks are not all on the device.
    OutOfRange,
    /// It was told to fail.
    Told,
}

/// A device in memory.
#[derive(Clone, Debug)]
pub struct MemoryDisk {
    bytes: Vec<u8>,
    /// After so many more writes all others fail, as if the power had gone.
    writes_left: Option<u32>,
    /// The next so many reads fail.
    failing_reads: u32,
}

impl MemoryDisk {
    /// A device of `block_count` blocks of zeros.
    pub fn new(block_count: u32) -> Self {
        Self { bytes: vec![0; block_count as usize * BLOCK_BYTES], writes_left: None, failing_reads: 0 }
    }

    /// All bytes.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// After `count` more writes, writes and flushes fail.
    pub const fn stop_after_writes(&mut self, count: u32) {
        self.writes_left = Some(count);
    }

    /// Writes work again.
    pub const fn repair(&mut self) {
        self.writes_left = None;
        self.failing_reads = 0;
    }

    /// The next `count` reads fail.
    pub const fn fail_reads(&mut self, count: u32) {
        self.failing_reads = count;
    }

    fn range(&self, first: BlockIndex, len: usize) -> Result<core::ops::Range<usize>, MemoryDiskError> {
        let start = first.number() as usize * BLOCK_BYTES;
        let end = start.checked_add(len).filter(|&end| end <= self.bytes.len());
        end.filter(|_| len.is_multiple_of(BLOCK_BYTES)).map(|end| start..end).ok_or(MemoryDiskError::OutOfRange)
    }
}

impl BlockDevice for MemoryDisk {
    type Error = MemoryDiskError;

    fn block_count(&self) -> u32 {
        u32::try_from(self.bytes.len() / BLOCK_BYTES).unwrap_or(u32::MAX)
    }

    fn read(&mut self, first: BlockIndex, buffer: &mut [u8]) -> Result<(), MemoryDiskError> {
        if let Some(left) = self.failing_reads.checked_sub(1) {
            self.failing_reads = left;
            return Err(MemoryDiskError::Told);
        }
        let range = self.range(first, buffer.len())?;
        buffer.copy_from_slice(&self.bytes[range]);
        Ok(())
    }

    fn write(&mut self, first: BlockIndex, data: &[u8]) -> Result<(), MemoryDiskError> {
        let range = self.range(first, data.len())?;
        for (place, block) in self.bytes[range].chunks_exact_mut(BLOCK_BYTES).zip(data.chunks_exact(BLOCK_BYTES)) {
            match &mut self.writes_left {
                Some(0) => return Err(MemoryDiskError::Told),
                Some(left) => *left -= 1,
                None => {}
            }
            place.copy_from_slice(block);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), MemoryDiskError> {
        if self.writes_left == Some(0) { Err(MemoryDiskError::Told) } else { Ok(()) }
    }
}
