//! The partition that the file system lies on.
//!
//! The file system's own blocks are written in two steps. It says what is to be written while it is being worked on, which must not
//! wait; [`commit`] then writes it, and the process waits. File contents never come this way: they are pages.

use alloc::vec::Vec;

use abi::Errno;
use fakefs::{BLOCK_SIZE, BlockDevice, BlockIndex};
use kcore::addr::{PAGE_SIZE, VirtAddr};
use kcore::disk::{Direction, DiskError, SECTOR_SIZE, SectorIndex, Segment};

use super::with_files;
use crate::cell::KernelCell;
use crate::drivers::ata;
use crate::memory::frames;
use crate::process::waiters::Waiters;
use crate::process::{WaitsFor, scheduler};

const SECTORS_PER_BLOCK: u32 = BLOCK_SIZE / SECTOR_SIZE;
const _: () = assert!(BLOCK_SIZE == PAGE_SIZE, "a file's page is a block");

/// The partition, as the file system sees it.
pub struct Partition {
    first_sector: u32,
    block_count: u32,
    /// What the file system wants written, oldest first; one entry for each place.
    pending: Vec<(SectorIndex, Vec<u8>)>,
}

impl Partition {
    /// The partition of `sector_count` sectors from `first_sector` on.
    pub const fn new(first_sector: u32, sector_count: u32) -> Self {
        Self { first_sector, block_count: sector_count / SECTORS_PER_BLOCK, pending: Vec::new() }
    }

    /// The sector at which a block begins.
    pub const fn sector_of(&self, block: BlockIndex) -> SectorIndex {
        SectorIndex::new(self.first_sector + block.number() * SECTORS_PER_BLOCK)
    }

    /// These could not be written. What the file system has said of the same places since replaces them.
    fn put_back(&mut self, mut unwritten: Vec<(SectorIndex, Vec<u8>)>) {
        for (sector, bytes) in self.pending.drain(..) {
            match unwritten.iter_mut().find(|(place, _)| *place == sector) {
                Some((_, older)) => *older = bytes,
                // Room for the two copies of the table, at most: there are no other places.
                None => unwritten.push((sector, bytes)),
            }
        }
        self.pending = unwritten;
    }
}

impl BlockDevice for Partition {
    type Error = DiskError;

    fn block_count(&self) -> u32 {
        self.block_count
    }

    /// Only mounting reads, while no process runs.
    fn read(&mut self, first: BlockIndex, buffer: &mut [u8]) -> Result<(), DiskError> {
        read_sectors(self.sector_of(first), buffer)
    }

    fn write(&mut self, first: BlockIndex, data: &[u8]) -> Result<(), DiskError> {
        let mut copy = Vec::new();
        let room = copy.try_reserve_exact(data.len()).and_then(|()| self.pending.try_reserve(1));
        room.map_err(|_| DiskError::Aborted)?;
        copy.extend_from_slice(data);
        let sector = self.sector_of(first);
        match self.pending.iter_mut().find(|(place, _)| *place == sector) {
            Some((_, older)) => *older = copy,
            None => self.pending.push((sector, copy)),
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        Ok(())
    }
}

/// Somebody writes the file system's blocks, and others wait for him to be done.
static COMMITTING: KernelCell<(bool, Waiters)> = KernelCell::new((false, Waiters::new()));

/// Brings what the file system has said onto the disk; the process waits. What cannot be written is tried again next time, before
/// anything later: as long as one copy of the table cannot be written, the other is not written over.
///
/// # Errors
/// `Io`.
pub fn commit() -> Result<(), Errno> {
    while COMMITTING.with(|(busy, waiters)| {
        let was_busy = core::mem::replace(busy, true);
        if was_busy {
            waiters.add(scheduler::current_slot());
        }
        was_busy
    }) {
        scheduler::block(WaitsFor::Disk);
    }
    let mut pending = with_files(|files| core::mem::take(&mut files.device_mut().pending)).unwrap_or_default();
    // A copy of the table is written once all that it speaks of is on the medium, and so is the other copy.
    let write = |(sector, bytes): &(SectorIndex, Vec<u8>)| ata::flush().and_then(|()| write_sectors(*sector, bytes));
    let written = pending.iter().take_while(|place| write(place).is_ok()).count();
    pending.drain(..written);
    let is_complete = pending.is_empty();
    if !is_complete {
        with_files(|files| files.device_mut().put_back(pending));
    }
    let flushed = ata::flush();
    let result = if is_complete { flushed } else { Err(DiskError::Aborted) };
    COMMITTING.with(|(busy, waiters)| {
        *busy = false;
        waiters.wake_all();
    });
    result.map_err(|_| Errno::Io)
}

/// The most bytes moved by one request.
const CHUNK_BYTES: usize = 64 << 10;

/// Reads whole sectors into `buffer`.
///
/// # Errors
/// A [`DiskError`]; `Aborted` also if the kernel has no memory for it.
pub fn read_sectors(first: SectorIndex, buffer: &mut [u8]) -> Result<(), DiskError> {
    let run = KernelRun::for_bytes(buffer.len())?;
    let mut sector = first.number();
    for chunk in buffer.chunks_mut(CHUNK_BYTES) {
        sector += run.transfer(Direction::Read, sector, chunk.len())?;
        chunk.copy_from_slice(&run.bytes()[..chunk.len()]);
    }
    Ok(())
}

fn write_sectors(first: SectorIndex, data: &[u8]) -> Result<(), DiskError> {
    let mut run = KernelRun::for_bytes(data.len())?;
    let mut sector = first.number();
    for chunk in data.chunks(CHUNK_BYTES) {
        run.bytes_mut()[..chunk.len()].copy_from_slice(chunk);
        sector += run.transfer(Direction::Write, sector, chunk.len())?;
    }
    Ok(())
}

/// Kernel frames that lie one behind the other in physical memory, for transfers of the kernel's own.
struct KernelRun {
    first: kcore::addr::Frame,
    len: usize,
}

impl KernelRun {
    fn for_bytes(len: usize) -> Result<Self, DiskError> {
        let frame_count = len.min(CHUNK_BYTES).div_ceil(PAGE_SIZE as usize);
        let count = u32::try_from(frame_count).map_err(|_| DiskError::Aborted)?;
        let first = frames::take(count).ok_or(DiskError::Aborted)?;
        Ok(Self { first, len: frame_count * PAGE_SIZE as usize })
    }

    fn start(&self) -> VirtAddr {
        frames::address_of(self.first)
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the frames are this value's own, the direct map shows them, and no transfer of them is under way.
        unsafe {
            core::slice::from_raw_parts(core::ptr::with_exposed_provenance(self.start().raw() as usize), self.len)
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let start = core::ptr::with_exposed_provenance_mut(self.start().raw() as usize);
        // SAFETY: as in `bytes`; the borrow is exclusive.
        unsafe { core::slice::from_raw_parts_mut(start, self.len) }
    }

    /// Moves the first `len` bytes; returns how many sectors that is.
    fn transfer(&self, direction: Direction, first_sector: u32, len: usize) -> Result<u32, DiskError> {
        let len_bytes = u32::try_from(len).map_err(|_| DiskError::Aborted)?;
        let segments = [Segment { start: self.first.start(), len_bytes }];
        // SAFETY: the frames are this value's own.
        unsafe { ata::transfer(direction, SectorIndex::new(first_sector), &segments)? };
        Ok(len_bytes / SECTOR_SIZE)
    }
}

impl Drop for KernelRun {
    fn drop(&mut self) {
        frames::release(self.first);
    }
}
