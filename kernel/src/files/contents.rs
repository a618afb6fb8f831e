//! What is in files: the same pages that are mapped, so that a call and a mapping always see the same.

use abi::Errno;
use kcore::addr::PAGE_SIZE;
use kcore::fault::FaultError;
use kcore::frame_table::SpaceId;
use kcore::pager::{FileStep, RUN_MAX};
use kcore::vm_pool::{FilePage, FileRef};

use super::{errno, id_of, len_bytes, partition, with_files};
use crate::memory::paging::{self, with_memory};
use crate::memory::window::{Purpose, with_frame};
use crate::memory::write_back;
use crate::process::{Killed, scheduler, transit};

const PAGE_BYTES: usize = PAGE_SIZE as usize;

/// What is done with a page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Read,
    /// Some bytes are changed.
    Change,
    /// All bytes that matter are changed, or the page is new.
    Fill,
}

/// Shows a page of a file to `work`; may wait before that. Up to `ahead` pages behind it are worth reading with it.
fn with_page(
    space: SpaceId,
    page: FilePage,
    ahead: u32,
    purpose: Use,
    work: impl FnOnce(&mut [u8; PAGE_BYTES]),
) -> Result<(), Errno> {
    let (mut work, mut ahead) = (Some(work), ahead);
    loop {
        let step = with_memory(|memory| {
            let step = match purpose {
                Use::Fill => memory.pager.fresh_file_page(&mut memory.mmu, page)?,
                Use::Read | Use::Change => memory.pager.file_page(&mut memory.mmu, space, page, ahead)?,
            };
            if let FileStep::Here(frame) = step
                && let Some(work) = work.take()
            {
                // SAFETY: the frame holds the file's page, which programs may map and change, but not while the kernel works; `work`
                // only moves bytes.
                unsafe { with_frame(Purpose::Fill, frame, work) };
                if purpose != Use::Read {
                    memory.pager.file_page_changed(frame);
                }
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
    with_page(space, FilePage { file, number: 0 }, ahead, Use::Read, |bytes| look(bytes))
}

/// The page is here; else does what the step wants, which waits.
fn is_here(step: Result<FileStep, FaultError>) -> Result<bool, Errno> {
    match step.map_err(|_| Errno::OutOfMemory)? {
        FileStep::Here(_) => return Ok(true),
        FileStep::Read(ticket) => paging::read_in(ticket).map_err(|_| Errno::Io)?,
        FileStep::Write(ticket) => paging::write_out(ticket),
        FileStep::Wait => transit::wait(),
    }
    Ok(false)
}

/// The parts of pages that `len` bytes from `offset` on make up: the page's number, where in it, and how many.
fn parts(offset: u32, len: usize) -> impl Iterator<Item = (u32, usize, usize)> {
    let mut done = 0;
    core::iter::from_fn(move || {
        let at = offset as usize + done;
        let (number, within) = (at / PAGE_BYTES, at % PAGE_BYTES);
        let count = (PAGE_BYTES - within).min(len - done);
        done += count;
        (count > 0).then_some((u32::try_from(number).ok()?, within, count))
    })
}

/// Reads from byte `offset` on, for `space`; returns how many bytes there were. May wait.
///
/// # Errors
/// `Io`, `OutOfMemory`.
pub fn read_at(space: SpaceId, file: FileRef, offset: u32, buffer: &mut [u8]) -> Result<usize, Errno> {
    let file_len = len_bytes(file);
    let len = buffer.len().min(file_len.saturating_sub(offset) as usize);
    let last_page = file_len.div_ceil(PAGE_SIZE);
    let mut rest = &mut buffer[..len];
    for (number, within, count) in parts(offset, len) {
        let (part, others) = rest.split_at_mut(count);
        rest = others;
        let ahead = (last_page - number).min(RUN_MAX) - 1;
        let copy = |bytes: &mut [u8; PAGE_BYTES]| part.copy_from_slice(&bytes[within..within + count]);
        with_page(space, FilePage { file, number }, ahead, Use::Read, copy)?;
    }
    Ok(len)
}

/// Writes all of `data` from byte `offset` on, for `space`. The file grows as needed, and what lies between its old end and `offset`
/// reads as zeros. May wait.
///
/// # Errors
/// `DiskFull`, `OutOfMemory`: nothing has changed then. `Io`: some of it may have been written.
pub fn write_at(space: SpaceId, file: FileRef, offset: u32, data: &[u8]) -> Result<(), Errno> {
    let end = u32::try_from(data.len()).ok().and_then(|len| offset.checked_add(len)).ok_or(Errno::DiskFull)?;
    if end > len_bytes(file) {
        extend(file, end)?;
    }
    let mut rest = data;
    for (number, within, count) in parts(offset, data.len()) {
        let (part, others) = rest.split_at(count);
        rest = others;
        let purpose = if count == PAGE_BYTES { Use::Fill } else { Use::Change };
        let copy = |bytes: &mut [u8; PAGE_BYTES]| bytes[within..within + count].copy_from_slice(part);
        with_page(space, FilePage { file, number }, 0, purpose, copy)?;
    }
    Ok(())
}

/// Makes a file at least `new_len` bytes long; what is new is zero. The file grows page by page, each after its bytes have become
/// zero, so that nobody ever sees what the disk had there; and as others may make it longer in between, each step looks anew.
fn extend(file: FileRef, new_len: u32) -> Result<(), Errno> {
    with_files(|files| files.reserve(id_of(file), new_len).map_err(|error| errno(&error))).unwrap_or(Err(Errno::Io))?;
    loop {
        let len = len_bytes(file);
        if len >= new_len {
            return Ok(());
        }
        let (number, within) = (len / PAGE_SIZE, (len % PAGE_SIZE) as usize);
        let page = FilePage { file, number };
        let step = with_memory(|memory| {
            let step = match within {
                0 => memory.pager.fresh_file_page(&mut memory.mmu, page)?,
                _ => memory.pager.file_page(&mut memory.mmu, SpaceId::FILES, page, 0)?,
            };
            if let FileStep::Here(frame) = step {
                // A mapping may have left bytes behind the old end, where they were nobody's.
                // SAFETY: as in `with_page`.
                unsafe { with_frame(Purpose::Fill, frame, |bytes| bytes[within..].fill(0)) };
                memory.pager.file_page_changed(frame);
            }
            Ok(step)
        });
        if is_here(step)? {
            // Nobody has run since the look at the length.
            let end = number.saturating_add(1).saturating_mul(PAGE_SIZE).min(new_len);
            let grown = with_files(|files| files.grow(id_of(file), end).map_err(|error| errno(&error)));
            grown.unwrap_or(Err(Errno::Io))?;
            scheduler::preemption_point();
            if scheduler::is_killed() {
                return Err(Killed.into());
            }
        }
    }
}

/// Writes back what was changed of a file, without telling of errors; waits.
pub fn write_back(file: FileRef) {
    write_back::write_back(Some(file));
}

/// Writes all changes of a file, or of all files, to the disk; waits until they are there.
///
/// # Errors
/// `Io` if some could not be written, or were lost since somebody was told last.
pub fn sync(file: Option<FileRef>) -> Result<(), Errno> {
    write_back::write_back(file);
    let has_losses = with_files(|files| files.take_losses(file.map(id_of))) == Some(true);
    let is_incomplete = has_losses || with_memory(|memory| memory.pager.has_unwritable(file));
    let written = if is_incomplete { Err(Errno::Io) } else { Ok(()) };
    // Lengths get onto the disk whatever became of the contents.
    let grown = with_files(|files| files.commit_growth().map_err(|error| errno(&error)));
    written.and(grown.unwrap_or(Ok(()))).and(partition::commit())
}
