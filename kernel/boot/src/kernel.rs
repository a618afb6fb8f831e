//! The kernel, from the disk to memory: each segment goes straight to where it is linked to be loaded.

use abi::image::{KERNEL_SECTOR, SECTOR_SIZE};

use crate::disk::{Disk, MAX_SECTORS};
use crate::elf::{LOWEST, Program, Segment};
use crate::error::BootError;
use crate::memory_map::MemoryMap;

/// Loads the kernel, a file of `file_len` bytes; returns its entry.
///
/// # Errors
/// `Unreadable`, what [`Program::parse`] finds, `TooLittleMemory`.
pub fn load(disk: &mut Disk, file_len: u32, map: &MemoryMap) -> Result<u32, BootError> {
    let program = Program::parse(disk.read(KERNEL_SECTOR, 1)?, file_len)?;
    check_memory(&program.segments, map)?;
    let mut done = 0;
    while done < file_len {
        let sectors = (file_len - done).div_ceil(SECTOR_SIZE).min(MAX_SECTORS.into());
        let sector = KERNEL_SECTOR + done / SECTOR_SIZE;
        let bytes = disk.read(sector, u16::try_from(sectors).unwrap_or(MAX_SECTORS))?;
        program.segments.iter().for_each(|segment| take(segment, bytes, done));
        done += sectors * SECTOR_SIZE;
    }
    program.segments.iter().for_each(clear_rest);
    Ok(program.entry)
}

/// There is memory where the kernel goes.
fn check_memory(segments: &[Segment], map: &MemoryMap) -> Result<(), BootError> {
    let needed_end = segments.iter().map(Segment::end).max().unwrap_or(LOWEST);
    let available = map.available_from(LOWEST.into());
    if u64::from(needed_end.saturating_sub(LOWEST)) > available {
        return Err(BootError::TooLittleMemory { needed_end, available });
    }
    Ok(())
}

/// Copies what is the segment's from `bytes`, which are the file's from `offset` on.
fn take(segment: &Segment, bytes: &[u8], offset: u32) {
    let len = u32::try_from(bytes.len()).unwrap_or(0);
    let start = segment.file_offset.max(offset);
    let end = (segment.file_offset + segment.file_len).min(offset + len);
    if start >= end {
        return;
    }
    let from = &bytes[(start - offset) as usize..(end - offset) as usize];
    // SAFETY: `Program::parse` and `check_memory` found that it is memory, above the loader and its buffer; nothing else is in it yet.
    unsafe { memory(segment.address + (start - segment.file_offset), from.len()) }.copy_from_slice(from);
}

/// Fills what is not in the file with zeros.
fn clear_rest(segment: &Segment) {
    let len = (segment.memory_len - segment.file_len) as usize;
    if len > 0 {
        // SAFETY: as in `take`.
        unsafe { memory(segment.address + segment.file_len, len) }.fill(0);
    }
}

/// Physical memory.
///
/// # Safety
/// It must be there, and nothing else may use it.
unsafe fn memory(at: u32, len: usize) -> &'static mut [u8] {
    // SAFETY: the caller's promise; paging is off, and any bytes are bytes.
    unsafe { core::slice::from_raw_parts_mut(core::ptr::with_exposed_provenance_mut(at as usize), len) }
}
