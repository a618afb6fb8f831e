//! The kernel: an ELF file from the disk, its segments to where they are linked to be loaded (System V ABI, "Program Header").

use abi::image::{KERNEL_SECTOR, SECTOR_SIZE};

use crate::disk::{self, MAX_SECTORS};
use crate::error::BootError;
use crate::memory_map::MemoryMap;

/// Where kernels are loaded: the first byte above the BIOS's own memory.
const LOWEST: u32 = 1 << 20;
/// The most segments a kernel may have.
const MAX_SEGMENTS: usize = 8;

const HEADER_BYTES: usize = 52;
const PROGRAM_HEADER_BYTES: usize = 32;
const LOAD: u32 = 1;

/// A part of the file that goes to memory.
#[derive(Clone, Copy, Debug, Default)]
struct Segment {
    file_offset: u32,
    file_len: u32,
    address: u32,
    memory_len: u32,
}

/// Loads the kernel; returns its entry.
///
/// # Errors
/// `Unreadable`, `NotElf`, `TooLittleMemory`.
pub fn load(drive: u32, file_len: u32, map: &MemoryMap) -> Result<u32, BootError> {
    let first = disk::read(drive, KERNEL_SECTOR, 1)?;
    let (entry, segments) = parse(first).ok_or(BootError::NotElf)?;
    for segment in segments {
        segment.check(file_len).ok_or(BootError::NotElf)?;
    }
    check_memory(&segments, map)?;
    let mut done = 0;
    while done < file_len {
        let sectors = (file_len - done).div_ceil(SECTOR_SIZE).min(MAX_SECTORS.into());
        let sector = KERNEL_SECTOR + done / SECTOR_SIZE;
        let bytes = disk::read(drive, sector, u16::try_from(sectors).unwrap_or(1))?;
        segments.iter().for_each(|segment| segment.take(bytes, done));
        done += sectors * SECTOR_SIZE;
    }
    segments.iter().for_each(Segment::clear_rest);
    Ok(entry)
}

/// The entry and the segments, by the file's first sector.
fn parse(file: &[u8]) -> Option<(u32, [Segment; MAX_SEGMENTS])> {
    let word = |at: usize| Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?));
    let half = |at: usize| Some(usize::from(u16::from_le_bytes(*file.get(at..)?.first_chunk()?)));
    if !file.starts_with(b"\x7FELF\x01\x01") || half(42)? != PROGRAM_HEADER_BYTES {
        return None;
    }
    let (entry, table, count) = (word(24)?, word(28)? as usize, half(44)?);
    if table < HEADER_BYTES || count > MAX_SEGMENTS {
        return None;
    }
    let mut segments = [Segment::default(); MAX_SEGMENTS];
    for (index, place) in segments.iter_mut().enumerate().take(count) {
        let at = table.checked_add(index * PROGRAM_HEADER_BYTES)?;
        if word(at)? == LOAD {
            *place = Segment {
                file_offset: word(at + 4)?,
                address: word(at + 12)?,
                file_len: word(at + 16)?,
                memory_len: word(at + 20)?,
            };
        }
    }
    Some((entry, segments))
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

impl Segment {
    /// The segment's bytes are in the file, and its place is above the loader.
    fn check(&self, file_len: u32) -> Option<()> {
        let file_end = self.file_offset.checked_add(self.file_len)?;
        self.address.checked_add(self.memory_len)?;
        let is_above = self.address >= LOWEST || self.memory_len == 0;
        (file_end <= file_len && self.file_len <= self.memory_len && is_above).then_some(())
    }

    const fn end(&self) -> u32 {
        self.address + self.memory_len
    }

    /// Takes what is the segment's from `bytes`, which are the file's from `offset` on.
    fn take(&self, bytes: &[u8], offset: u32) {
        let len = u32::try_from(bytes.len()).unwrap_or(0);
        let start = self.file_offset.max(offset);
        let end = (self.file_offset + self.file_len).min(offset + len);
        if start >= end {
            return;
        }
        let from = &bytes[(start - offset) as usize..(end - offset) as usize];
        // SAFETY: `check` and `check_memory` found memory there, above the loader and its buffer, and nothing else is in it yet.
        unsafe { memory(self.address + (start - self.file_offset), from.len()) }.copy_from_slice(from);
    }

    /// Fills what is not in the file with zeros.
    fn clear_rest(&self) {
        let len = (self.memory_len - self.file_len) as usize;
        if len > 0 {
            // SAFETY: as above.
            unsafe { memory(self.address + self.file_len, len) }.fill(0);
        }
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
