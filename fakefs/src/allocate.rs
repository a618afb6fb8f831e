//! Which blocks are free: a bit for each, derived from the extents of all files.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use crate::block::{BlockIndex, Extent};
use crate::layout::DATA_START;

/// The free blocks.
pub struct FreeMap {
    used: Vec<u32>,
    block_count: u32,
    free_count: u32,
}

impl FreeMap {
    /// A map in which only the file system's own blocks are used.
    pub fn new(block_count: u32) -> Result<Self, TryReserveError> {
        let words = block_count.div_ceil(32) as usize;
        let mut used = Vec::new();
        used.try_reserve_exact(words)?;
        used.resize(words, 0);
        let mut map = Self { used, block_count, free_count: block_count };
        map.set_range(0, DATA_START.min(block_count), true);
        Ok(map)
    }

    /// How many blocks are free.
    pub const fn free_count(&self) -> u32 {
        self.free_count
    }

    /// Number of blocks of the file system, free or not.
    pub const fn block_count(&self) -> u32 {
        self.block_count
    }

    /// Marks an extent used; false, with nothing changed, if it is not wholly free and on the device.
    pub fn claim(&mut self, extent: Extent) -> bool {
        let Some(end) = extent.end().filter(|&end| end <= self.block_count) else { return false };
        if extent.block_count == 0 || !self.is_free(extent.first.number(), end) {
            return false;
        }
        self.set_range(extent.first.number(), end, true);
        true
    }

    /// Marks an extent free.
    pub fn release(&mut self, extent: Extent) {
        if let Some(end) = extent.end().filter(|&end| end <= self.block_count) {
            self.set_range(extent.first.number(), end, false);
        }
    }

    /// Finds and claims the best run for `wanted` blocks: right behind `after` if that is free, else the first run that holds all, else
    /// the longest there is. `None` if no block is free.
    pub fn find(&mut self, wanted: u32, after: Option<u32>) -> Option<Extent> {
        let behind = after.map(|start| (start, self.run_at(start, wanted))).filter(|&(_, len)| len > 0);
        let (start, len) = behind.or_else(|| self.first_fit(wanted))?;
        let extent = Extent { first: BlockIndex::new(start), block_count: len };
        self.set_range(start, start + len, true);
        Some(extent)
    }

    fn first_fit(&self, wanted: u32) -> Option<(u32, u32)> {
        let mut best: Option<(u32, u32)> = None;
        let mut at = DATA_START;
        while at < self.block_count {
            let len = self.run_at(at, wanted);
            if len >= wanted {
                return Some((at, len));
            }
            if len > best.map_or(0, |(_, len)| len) {
                best = Some((at, len));
            }
            at = self.skip_used(at + len);
        }
        best
    }

    /// How many of the `wanted` blocks from `start` on are free in a row.
    fn run_at(&self, start: u32, wanted: u32) -> u32 {
        let end = start.saturating_add(wanted).min(self.block_count);
        let mut at = start;
        while at < end && !self.is_used(at) {
            // Whole words at a time, where a word's blocks are all free.
            let step =
                if at.is_multiple_of(32) && at + 32 <= end && self.used[(at / 32) as usize] == 0 { 32 } else { 1 };
            at += step;
        }
        at.saturating_sub(start)
    }

    /// The first block at `start` or behind it that is free.
    fn skip_used(&self, start: u32) -> u32 {
        let mut at = start;
        while at < self.block_count && self.is_used(at) {
            at += if at.is_multiple_of(32) && self.used[(at / 32) as usize] == u32::MAX { 32 } else { 1 };
        }
        at
    }

    fn is_used(&self, block: u32) -> bool {
        self.used.get((block / 32) as usize).is_none_or(|word| word & 1 << (block % 32) != 0)
    }

    fn is_free(&self, start: u32, end: u32) -> bool {
        self.run_at(start, end - start) == end - start
    }

    fn set_range(&mut self, start: u32, end: u32, used: bool) {
        for block in start..end {
            let (word, bit) = (&mut self.used[(block / 32) as usize], 1 << (block % 32));
            match (*word & bit != 0, used) {
                (false, true) => self.free_count -= 1,
                (true, false) => self.free_count += 1,
                _ => {}
            }
            *word = if used { *word | bit } else { *word & !bit };
        }
    }
}
