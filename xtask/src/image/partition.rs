//! A partition within an image file, as the file system sees it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use abi::image::SECTOR_SIZE;
use fakefs::{BLOCK_SIZE, Block, BlockDevice, BlockIndex};

/// Blocks of an image, from some sector on.
#[derive(Debug)]
pub struct Partition<'a> {
    image: &'a mut File,
    first_sector: u32,
    block_count: u32,
}

impl<'a> Partition<'a> {
    /// The `block_count` blocks from `first_sector` on.
    pub const fn new(image: &'a mut File, first_sector: u32, block_count: u32) -> Self {
        Self { image, first_sector, block_count }
    }

    fn seek(&mut self, block: BlockIndex) -> io::Result<()> {
        let start = u64::from(self.first_sector) * u64::from(SECTOR_SIZE);
        self.image.seek(SeekFrom::Start(start + u64::from(block.number()) * u64::from(BLOCK_SIZE))).map(|_| ())
    }
}

impl BlockDevice for Partition<'_> {
    type Error = io::Error;

    fn block_count(&self) -> u32 {
        self.block_count
    }

    fn read(&mut self, first: BlockIndex, blocks: &mut [Block]) -> io::Result<()> {
        self.seek(first)?;
        blocks.iter_mut().try_for_each(|block| self.image.read_exact(&mut block.0))
    }

    fn write(&mut self, first: BlockIndex, blocks: &[Block]) -> io::Result<()> {
        self.seek(first)?;
        blocks.iter().try_for_each(|block| self.image.write_all(&block.0))
    }

    /// The host keeps the order of all writes to a file for everyone who reads it, QEMU included. An image that is being made while the
    /// host stops has no name yet, and is not used.
    fn flush(&mut self) -> io::Result<()> {
        self.image.flush()
    }
}
