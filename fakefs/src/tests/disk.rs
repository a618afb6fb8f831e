//! A disk that loses power, fails, and lies about what it has kept.

use std::collections::{BTreeMap, BTreeSet};

use crate::block::{BLOCK_BYTES, Block, BlockDevice, BlockIndex};

/// The disk keeps or loses whole sectors.
const SECTOR_BYTES: usize = 512;

/// Why the disk did not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskError {
    /// The blocks are not all on the disk.
    OutOfRange,
    /// The disk was told to fail.
    Told,
    /// The power is gone.
    NoPower,
}

/// A disk with a cache. A sector that is written is lost, or kept, until the next flush.
#[derive(Clone, Debug)]
pub struct Disk {
    /// What reads see.
    pub bytes: Vec<u8>,
    /// What is kept for sure.
    medium: Vec<u8>,
    /// Everything that was written to a sector since the last flush.
    unflushed: BTreeMap<usize, Vec<[u8; SECTOR_BYTES]>>,
    /// Writes and flushes so far.
    pub operations: u32,
    /// In this operation the power goes.
    pub power_cut: Option<u32>,
    /// These operations fail.
    pub failing: BTreeSet<u32>,
    /// All reads fail.
    pub is_unreadable: bool,
}

impl Disk {
    /// A disk of `block_count` blocks of zeros, all of them kept.
    pub fn new(block_count: u32) -> Self {
        let bytes = vec![0; block_count as usize * BLOCK_BYTES];
        Self {
            medium: bytes.clone(),
            bytes,
            unflushed: BTreeMap::new(),
            operations: 0,
            power_cut: None,
            failing: BTreeSet::new(),
            is_unreadable: false,
        }
    }

    /// The disk after the power is back. Of each sector it has any of the versions that were written since the last flush, or the
    /// one before: writes arrive torn and in any order.
    pub fn after_power_cut(&self, seed: u64) -> Self {
        let mut random = random(seed);
        let mut bytes = self.medium.clone();
        for (&sector, versions) in &self.unflushed {
            let choice = random() % (versions.len() + 1);
            if let Some(version) = choice.checked_sub(1).map(|index| versions[index]) {
                bytes[sector * SECTOR_BYTES..][..SECTOR_BYTES].copy_from_slice(&version);
            }
        }
        Self { medium: bytes.clone(), bytes, ..Self::new(0) }
    }

    fn range(&self, first: BlockIndex, count: usize) -> Result<std::ops::Range<usize>, DiskError> {
        let start = first.number() as usize * BLOCK_BYTES;
        let end = start + count * BLOCK_BYTES;
        if end <= self.bytes.len() { Ok(start..end) } else { Err(DiskError::OutOfRange) }
    }

    /// Counts an operation. Returns why it fails, if it does.
    fn operate(&mut self) -> Result<(), DiskError> {
        let number = self.operations;
        self.operations += 1;
        match self.power_cut {
            Some(cut) if number >= cut => Err(DiskError::NoPower),
            _ if self.failing.contains(&number) => Err(DiskError::Told),
            _ => Ok(()),
        }
    }

    /// The power is gone.
    pub fn is_off(&self) -> bool {
        self.power_cut.is_some_and(|cut| self.operations > cut)
    }
}

/// Numbers that follow from `seed` (SplitMix64; G. Steele and others, "Fast Splittable Pseudorandom Number Generators").
pub fn random(seed: u64) -> impl FnMut() -> usize {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed >> 33) as usize
    }
}

impl BlockDevice for Disk {
    type Error = DiskError;

    fn block_count(&self) -> u32 {
        u32::try_from(self.bytes.len() / BLOCK_BYTES).unwrap_or(u32::MAX)
    }

    fn read(&mut self, first: BlockIndex, blocks: &mut [Block]) -> Result<(), DiskError> {
        if self.is_unreadable {
            return Err(DiskError::Told);
        }
        let range = self.range(first, blocks.len())?;
        for (block, bytes) in blocks.iter_mut().zip(self.bytes[range].chunks_exact(BLOCK_BYTES)) {
            block.0.copy_from_slice(bytes);
        }
        Ok(())
    }

    /// A write that fails, and one in which the power goes, may have written any of its sectors.
    fn write(&mut self, first: BlockIndex, blocks: &[Block]) -> Result<(), DiskError> {
        let range = self.range(first, blocks.len())?;
        if self.is_off() {
            return Err(DiskError::NoPower);
        }
        let result = self.operate();
        let mut random = random(self.operations.into());
        let sectors = blocks.iter().flat_map(|block| block.0.chunks_exact(SECTOR_BYTES));
        for (sector, bytes) in (range.start / SECTOR_BYTES..).zip(sectors) {
            self.unflushed.entry(sector).or_default().push(bytes.try_into().unwrap());
            if result.is_ok() || random().is_multiple_of(2) {
                self.bytes[sector * SECTOR_BYTES..][..SECTOR_BYTES].copy_from_slice(bytes);
            }
        }
        result
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        if self.is_off() {
            return Err(DiskError::NoPower);
        }
        self.operate()?;
        for &sector in self.unflushed.keys() {
            let place = sector * SECTOR_BYTES..(sector + 1) * SECTOR_BYTES;
            self.medium[place.clone()].copy_from_slice(&self.bytes[place]);
        }
        self.unflushed.clear();
        Ok(())
    }
}
