//! The partition with the file system, as a device of blocks. Its callers wait for the disk.
//!
//! Mounting reads its blocks, and commits write them. File contents never come this way: they are pages.

use fakefs::layout::TABLE_BLOCKS;
use fakefs::{BLOCK_SIZE, Block, BlockDevice, BlockIndex};
use kcore::addr::{PAGE_SIZE, VirtAddr};
use kcore::disk::{Direction, DiskError, SECTOR_SIZE, SectorIndex, Segment};

use crate::drivers::ata;
use crate::memory::layout;

const SECTORS_PER_BLOCK: u32 = BLOCK_SIZE / SECTOR_SIZE;
const _: () = assert!(BLOCK_SIZE == PAGE_SIZE, "a file's page is a block");
const _: () = assert!(TABLE_BLOCKS * SECTORS_PER_BLOCK <= 256, "one command moves a table, on disks of any size");

/// The partition.
#[derive(Clone, Copy)]
pub struct Partition {
    first_sector: u32,
    block_count: u32,
}

impl Partition {
    /// The partition of `sector_count` sectors from `first_sector` on.
    pub const fn new(first_sector: u32, sector_count: u32) -> Self {
        Self { first_sector, block_count: sector_count / SECTORS_PER_BLOCK }
    }

    /// The sector at which a block begins.
    pub const fn sector_of(&self, block: BlockIndex) -> SectorIndex {
        SectorIndex::new(self.first_sector + block.number() * SECTORS_PER_BLOCK)
    }
}

impl BlockDevice for Partition {
    type Error = DiskError;

    fn block_count(&self) -> u32 {
        self.block_count
    }

    fn read(&mut self, first: BlockIndex, blocks: &mut [Block]) -> Result<(), DiskError> {
        let segment = segment(blocks.as_mut_ptr(), size_of_val(blocks));
        // SAFETY: the blocks are borrowed exclusively until the transfer has ended, and any bytes are a block.
        unsafe { ata::transfer(Direction::Read, self.sector_of(first), &[segment]) }
    }

    fn write(&mut self, first: BlockIndex, blocks: &[Block]) -> Result<(), DiskError> {
        let segment = segment(blocks.as_ptr(), size_of_val(blocks));
        // SAFETY: the blocks are borrowed until the transfer has ended, so that nothing changes them.
        unsafe { ata::transfer(Direction::Write, self.sector_of(first), &[segment]) }
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        ata::flush()
    }
}

/// Reads the first sector of the disk into the beginning of `block`.
///
/// # Errors
/// A [`DiskError`].
pub fn read_first_sector(block: &mut Block) -> Result<(), DiskError> {
    let segment = segment(block, SECTOR_SIZE as usize);
    // SAFETY: as in `read`.
    unsafe { ata::transfer(Direction::Read, SectorIndex::new(0), &[segment]) }
}

/// The physical memory of blocks in the kernel's heap.
///
/// # Panics
/// If the blocks are elsewhere: only the direct map maps what follows each other in memory to frames that do.
fn segment(start: *const Block, len: usize) -> Segment {
    let (Ok(first), Ok(len_bytes)) = (u32::try_from(start.expose_provenance()), u32::try_from(len)) else {
        panic!("blocks at {start:?} are not in the kernel's half")
    };
    let Some(start) = layout::physical_run(VirtAddr::new(first), len_bytes) else {
        panic!("{len_bytes} bytes of blocks at {start:?} are not in the direct map")
    };
    Segment { start, len_bytes }
}
