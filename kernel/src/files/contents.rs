//! What is in files: the same pages that are mapped, so that a call and a mapping always see the same.
//!
//! A file grows only together with bytes that were written to it. They are put into the frame of their page, and the file grows over
//! them. No other process can interrupt this step. `docs/files.md` has the rules.

use abi::Errno;
use kcore::addr::PAGE_SIZE;
use kcore::fault::FaultError;
use kcore::frame_table::SpaceId;
use kcore::pager::{FileStep, RUN_MAX};
use kcore::vm_pool::{FilePage, FileRef};

use super::{bytes_in_page, errno, id_of, len_bytes, with_files};
use crate::memory::paging::{self, with_memory};
use crate::memory::window::{Purpose, with_frame};
use crate::process::{Killed, scheduler, transit};

const PAGE_BYTES: usize = PAGE_SIZE as usize;

/// Shows a page of a file to `look`; may wait before that. Up to `ahead` pages after it are worth reading with it.
fn with_page(space: SpaceId, page: FilePage, ahead: u32, look: impl FnOnce(&[u8; PAGE_BYTES])) -> Result<(), Errno> {
    let (mut look, mut ahead) = (Some(look), ahead);
    loop {
        let step = with_memory(|memory| {
            let step = memory.pager.file_page(&mut memory.mmu, space, page, ahead)?;
            if let FileStep::Here(frame) = step
                && let Some(look) = look.take()
            {
                // SAFETY: the frame holds the file's page, which programs may map and change, but not while the kernel works; `look`
                // only moves bytes.
                unsafe { with_frame(Purpose::Fill, frame, |bytes| look(bytes)) };
            }
            Ok(step)
        });
        if matches!(step, Ok(FileStep::Read(_))) {
            // If it is not there then, it is read alone: one of its neighbours may be unreadable.
            ahead = 0;
        }
        if is_here(step)? {
            return Ok(());
        }
    }
}

/// Shows a file's first page, which must be there, to `look`, for `space`; may wait before that.
///
/// # Errors
/// `Io`, `OutOfMemory`.
pub fn look_at_first_page(space: SpaceId, file: FileRef, look: impl FnOnce(&[u8])) -> Result<(), Errno> {
    let ahead = len_bytes(file).div_ceil(PAGE_SIZE).min(RUN_MAX) - 1;
    with_page(space, FilePage { file, number: 0 }, ahead, |bytes| look(bytes))
}

/// True if the page is here; otherwise does what the step wants, which waits.
fn is_here(step: Result<FileStep, FaultError>) -> Result<bool, Errno> {
    match step.map_err(|_| Errno::OutOfMemory)? {
        FileStep::Here(_) => return Ok(true),
        FileStep::Read(ticket) => paging::read_in(ticket).map_err(|_| Errno::Io)?,
        FileStep::Write(ticket) => paging::write_out(ticket),
        FileStep::Wait => transit::wait(),
    }
    Ok(false)
}

/// The page that holds byte `offset` of a file, and the place of the byte in it.
const fn place(file: FileRef, offset: u32) -> (FilePage, usize) {
    (FilePage { file, number: offset / PAGE_SIZE }, (offset % PAGE_SIZE) as usize)
}

/// Reads from byte `offset` on, for `space`, up to the end of the page; returns the number of bytes. May wait.
///
/// # Errors
/// `Io`, `OutOfMemory`.
pub fn read_at(space: SpaceId, file: FileRef, offset: u32, buffer: &mut [u8]) -> Result<usize, Errno> {
    let file_len = len_bytes(file);
    let (page, within) = place(file, offset);
    let len = buffer.len().min(file_len.saturating_sub(offset) as usize).min(PAGE_BYTES - within);
    if len > 0 {
        let ahead = (file_len.div_ceil(PAGE_SIZE) - page.number).min(RUN_MAX) - 1;
        let copy = |bytes: &[u8; PAGE_BYTES]| buffer[..len].copy_from_slice(&bytes[within..within + len]);
        with_page(space, page, ahead, copy)?;
    }
    Ok(len)
}

/// Writes all of `data` from byte `offset` on, for `space`; it must end within the page. The file grows as needed, and bytes between its
/// old end and `offset` become zeros. May wait.
///
/// # Errors
/// `DiskFull`, `OutOfMemory`, `Io`, and some error if the process was killed: nothing has changed then.
pub fn write_at(space: SpaceId, file: FileRef, offset: u32, data: &[u8]) -> Result<(), Errno> {
    let (page, within) = place(file, offset);
    debug_assert!(within + data.len() <= PAGE_BYTES, "{} bytes from {offset} on are not in one page", data.len());
    let end = u32::try_from(data.len()).ok().and_then(|len| offset.checked_add(len)).ok_or(Errno::DiskFull)?;
    if end <= len_bytes(file) {
        return put(space, page, within, data);
    }
    with_files(|files| files.reserve(id_of(file), end)).map_err(errno)?;
    let written = prepare_gap(space, page).and_then(|()| put(space, page, within, data));
    give_back(file);
    written
}

/// Puts bytes into a page of a file, and makes the file longer if they end past its end. The file has a block for the page, and
/// the [gap](prepare_gap) before it is prepared.
fn put(space: SpaceId, page: FilePage, within: usize, data: &[u8]) -> Result<(), Errno> {
    let end = within + data.len();
    loop {
        let step = with_memory(|memory| {
            // No other process runs between this look at the length and the end of this step.
            let valid = bytes_in_page(page);
            let covers_all = valid == 0 || within == 0 && end >= valid;
            let step = match covers_all {
                true => memory.pager.fresh_file_page(&mut memory.mmu, page)?,
                false => memory.pager.file_page(&mut memory.mmu, space, page, 0)?,
            };
            if let FileStep::Here(frame) = step {
                // SAFETY: as in `with_page`.
                unsafe {
                    with_frame(Purpose::Fill, frame, |bytes| {
                        if end > valid {
                            // A mapping may have left bytes past the old end, where they were no part of the file.
                            bytes[valid.min(within)..within].fill(0);
                            bytes[end..].fill(0);
                        }
                        bytes[within..end].copy_from_slice(data);
                    });
                }
                memory.pager.file_page_changed(frame);
                if end > valid {
                    let before = page.number * PAGE_SIZE;
                    with_files(|files| files.grow(id_of(page.file), before.saturating_add(len_word(end))));
                }
            }
            Ok(step)
        });
        if is_here(step)? {
            return Ok(());
        }
    }
}

/// A number of bytes of a page.
fn len_word(len: usize) -> u32 {
    u32::try_from(len.min(PAGE_BYTES)).unwrap_or(PAGE_SIZE)
}

/// Fills the pages before `page` with zeros, as far as they lie past the end of the file. The file does not grow: these pages
/// are no part of it until bytes after them are [put](put) into it.
///
/// # Errors
/// `OutOfMemory`, `Io`, and some error if the process was killed.
fn prepare_gap(space: SpaceId, page: FilePage) -> Result<(), Errno> {
    for number in len_bytes(page.file) / PAGE_SIZE..page.number {
        clear_past_end(space, FilePage { number, ..page })?;
        scheduler::preemption_point();
        if scheduler::is_killed() {
            return Err(Killed.into());
        }
    }
    Ok(())
}

/// Fills a page of a file with zeros from the end of the file on. A page wholly past the end becomes zeros in memory, whatever the
/// disk has.
fn clear_past_end(space: SpaceId, page: FilePage) -> Result<(), Errno> {
    loop {
        let valid = bytes_in_page(page);
        if valid == PAGE_BYTES {
            return Ok(());
        }
        let step = with_memory(|memory| {
            if valid == 0 {
                return memory.pager.fresh_file_page(&mut memory.mmu, page);
            }
            let step = memory.pager.file_page(&mut memory.mmu, space, page, 0)?;
            if let FileStep::Here(frame) = step {
                // SAFETY: as in `with_page`.
                unsafe { with_frame(Purpose::Fill, frame, |bytes| bytes[valid..].fill(0)) };
                memory.pager.file_page_changed(frame);
            }
            Ok(step)
        });
        if is_here(step)? {
            return Ok(());
        }
    }
}

/// Ends a writer's reservation of blocks. The last writer frees the blocks and forgets the pages past the end of the file; waits as long
/// as the disk uses them.
fn give_back(file: FileRef) {
    with_files(|files| files.end_reservation(id_of(file)));
    while let Some(first) = with_files(|files| files.surplus(id_of(file))) {
        if paging::for_all_frames(|memory, places| memory.pager.forget_pages_from(file, first, places)) {
            with_files(|files| files.trim(id_of(file)));
        } else {
            transit::wait();
        }
    }
}
