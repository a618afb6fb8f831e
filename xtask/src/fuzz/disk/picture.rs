//! The contents of a disk. Many variants are made from one original.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;

use abi::image::SECTOR_SIZE;
use anyhow::{Context, Result};
use fakefs::{BLOCK_SIZE, Block, BlockDevice, BlockIndex};
use tempfile::NamedTempFile;

/// Bytes of a sector.
pub const SECTOR: usize = SECTOR_SIZE as usize;
/// Sectors of a block of the file system.
pub const SECTORS_PER_BLOCK: u32 = BLOCK_SIZE / SECTOR_SIZE;

/// The contents of a disk: those of an original, and the sectors that are different. Copies are cheap.
#[derive(Clone, Debug)]
pub struct Picture {
    original: Arc<[u8]>,
    changed: HashMap<u32, [u8; SECTOR]>,
    sector_count: u32,
    /// The sector at which the file system begins.
    first_sector: u32,
}

/// The blocks are not all on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

impl Picture {
    /// A disk with these contents, whose file system begins at `first_sector`.
    pub fn new(original: Arc<[u8]>, first_sector: u32) -> Self {
        let sector_count = u32::try_from(original.len() / SECTOR).unwrap_or(u32::MAX);
        Self { original, changed: HashMap::new(), sector_count, first_sector }
    }

    /// An empty disk of this number of blocks, for a file system that fills it.
    pub fn empty(block_count: u32) -> Self {
        Self::new(vec![0; (block_count * BLOCK_SIZE) as usize].into(), 0)
    }

    /// The same contents as an original of their own.
    pub fn settled(&self) -> Self {
        let mut bytes = self.original[..self.sector_count as usize * SECTOR].to_vec();
        for (&sector, contents) in self.changed.iter().filter(|&(&sector, _)| sector < self.sector_count) {
            bytes[sector as usize * SECTOR..][..SECTOR].copy_from_slice(contents);
        }
        Self::new(bytes.into(), self.first_sector)
    }

    /// The number of sectors.
    pub const fn sector_count(&self) -> u32 {
        self.sector_count
    }

    /// The sector at which the file system begins.
    pub const fn first_sector(&self) -> u32 {
        self.first_sector
    }

    /// The disk ends after this number of sectors.
    pub fn truncate(&mut self, sector_count: u32) {
        self.sector_count = self.sector_count.min(sector_count);
    }

    /// The contents of a sector; zeros past the end.
    pub fn sector(&self, number: u32) -> [u8; SECTOR] {
        if number >= self.sector_count {
            return [0; SECTOR];
        }
        let original = || self.original[number as usize * SECTOR..].first_chunk().copied();
        self.changed.get(&number).copied().or_else(original).unwrap_or([0; SECTOR])
    }

    /// Gives a sector other contents.
    pub fn set_sector(&mut self, number: u32, contents: [u8; SECTOR]) {
        self.changed.insert(number, contents);
    }

    /// The sectors whose contents are not those of the original.
    pub fn different_sectors(&self) -> impl Iterator<Item = u32> {
        let is_different = |&sector: &u32| {
            let original = self.original[sector as usize * SECTOR..].get(..SECTOR);
            sector < self.sector_count && original != Some(&self.sector(sector)[..])
        };
        self.changed.keys().copied().filter(is_different)
    }

    /// The disk ends before its original does.
    pub fn is_cut_short(&self) -> bool {
        self.sector_count as usize * SECTOR < self.original.len()
    }

    /// Bytes of the file system, from a block on.
    pub fn bytes(&self, block: u32, len: usize) -> Vec<u8> {
        let first = self.first_sector + block * SECTORS_PER_BLOCK;
        let mut bytes = Vec::with_capacity(len.next_multiple_of(SECTOR));
        (first..).take(len.div_ceil(SECTOR)).for_each(|sector| bytes.extend_from_slice(&self.sector(sector)));
        bytes.truncate(len);
        bytes
    }

    /// Writes bytes to the file system, from a block on. The rest of the last sector stays.
    pub fn set_bytes(&mut self, block: u32, bytes: &[u8]) {
        let first = self.first_sector + block * SECTORS_PER_BLOCK;
        for (sector, part) in (first..).zip(bytes.chunks(SECTOR)) {
            let mut contents = self.sector(sector);
            contents[..part.len()].copy_from_slice(part);
            self.set_sector(sector, contents);
        }
    }

    /// Writes an image with these contents to a new file in this folder; dropping it removes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn to_file(&self, folder: &std::path::Path) -> Result<NamedTempFile> {
        let write = || {
            let mut file = tempfile::Builder::new().prefix("disk-").suffix(".img").tempfile_in(folder)?;
            let image: &mut File = file.as_file_mut();
            image.write_all(&self.original[..self.sector_count as usize * SECTOR])?;
            for &sector in self.changed.keys().filter(|&&sector| sector < self.sector_count) {
                image.seek(SeekFrom::Start(u64::from(sector) * u64::from(SECTOR_SIZE)))?;
                image.write_all(&self.sector(sector))?;
            }
            std::io::Result::Ok(file)
        };
        write().context("cannot write a disk image")
    }

    /// The first sector of these blocks of the file system.
    fn place(&self, first: BlockIndex, count: usize) -> Result<u32, OutOfRange> {
        let start = u64::from(self.first_sector) + u64::from(first.number()) * u64::from(SECTORS_PER_BLOCK);
        let end = start + count as u64 * u64::from(SECTORS_PER_BLOCK);
        if end > u64::from(self.sector_count) {
            return Err(OutOfRange);
        }
        u32::try_from(start).map_err(|_| OutOfRange)
    }
}

impl BlockDevice for Picture {
    type Error = OutOfRange;

    fn block_count(&self) -> u32 {
        self.sector_count.saturating_sub(self.first_sector) / SECTORS_PER_BLOCK
    }

    fn read(&mut self, first: BlockIndex, blocks: &mut [Block]) -> Result<(), OutOfRange> {
        let start = self.place(first, blocks.len())?;
        let sectors = blocks.iter_mut().flat_map(|block| block.0.chunks_exact_mut(SECTOR));
        for (number, sector) in (start..).zip(sectors) {
            sector.copy_from_slice(&self.sector(number));
        }
        Ok(())
    }

    fn write(&mut self, first: BlockIndex, blocks: &[Block]) -> Result<(), OutOfRange> {
        let start = self.place(first, blocks.len())?;
        let sectors = blocks.iter().flat_map(|block| block.0.as_chunks::<SECTOR>().0);
        for (number, sector) in (start..).zip(sectors) {
            self.set_sector(number, *sector);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), OutOfRange> {
        Ok(())
    }
}
