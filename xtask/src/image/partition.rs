//! A partition within an image file, as the file system sees it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use abi::image::SECTOR_SIZE;
use fakefs::{BLOCK_SIZE, BlockDevice, BlockIndex};

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

    fn read(&mut self, first: BlockIndex, buffer: &mut [u8]) -> io::Result<()> {
        self.seek(first)?;
        self.image.read_exact(buffer)
    }

    fn write(&mut self, first: BlockIndex, data: &[u8]) -> io::Result<()> {
        self.seek(first)?;
        self.image.write_all(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.image.flush()
    }
}
