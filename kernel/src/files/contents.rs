//! What is in files: the same pages that are mapped, so that a call and a mapping always see the same.

use abi::Errno;
use kcore::addr::PAGE_SIZE;
use kcore::fault::FaultError;
use kcore::frame_table::SpaceId;
use kcore::pager::{FileStep, RUN_MAX, WriteBack};
use kcore::vm_pool::{FilePage, FileRef};

use super::{errno, id_of, len_bytes, partition, with_files};
use crate::memory::paging::{self, with_memory};
use crate::memory::window::{Purpose, with_frame};
use crate::memory::write_back;
use crate::process::transit;

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
    let mut work = Some(work);
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
        match step.map_err(|_: FaultError| Errno::OutOfMemory)? {
            FileStep::Here(_) => return Ok(()),
            FileStep::Read(ticket) => paging::read_in(ticket).map_err(|_| Errno::Io)?,
            FileStep::Write(ticket) => paging::write_out(ticket),
            FileStep::Wait => transit::wait(),
        }
    }
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
    let old_len = len_bytes(file);
    if end > old_len {
        extend(space, file, old_len, end)?;
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

/// Makes a file longer; what is new is zero.
fn extend(space: SpaceId, file: FileRef, old_len: u32, new_len: u32) -> Result<(), Errno> {
    // A mapping may have left bytes behind the old end, where they were nobody's.
    let (tail_page, tail) = (old_len / PAGE_SIZE, (old_len % PAGE_SIZE) as usize);
    if tail > 0 {
        let clear = |bytes: &mut [u8; PAGE_BYTES]| bytes[tail..].fill(0);
        with_page(space, FilePage { file, number: tail_page }, 0, Use::Change, clear)?;
    }
    let grown = with_files(|files| files.grow(id_of(file), new_len).map_err(|error| errno(&error)));
    grown.unwrap_or(Err(Errno::Io))?;
    for number in old_len.div_ceil(PAGE_SIZE)..new_len.div_ceil(PAGE_SIZE) {
        with_page(space, FilePage { file, number }, 0, Use::Fill, |bytes| bytes.fill(0))?;
    }
    Ok(())
}

/// Writes all changes of a file, or of all files, to the disk; waits until they are there.
///
/// # Errors
/// `Io` if some could not be written.
pub fn sync(file: Option<FileRef>) -> Result<(), Errno> {
    write_back::forget_errors(file);
    loop {
        match with_memory(|memory| memory.pager.write_back(&mut memory.mmu, file)) {
            WriteBack::Write(ticket) => write_back::begin(ticket),
            WriteBack::Wait => transit::wait(),
            WriteBack::Done => break,
        }
        if write_back::has_failed(file) {
            return Err(Errno::Io);
        }
    }
    let grown = with_files(|files| files.commit_growth().map_err(|error| errno(&error)));
    grown.unwrap_or(Ok(()))?;
    partition::commit()
}
