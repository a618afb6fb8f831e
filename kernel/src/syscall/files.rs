//! `Open`, `Close`, `Create`, `Remove`, `Read`, `Write`, `Seek`, `Stat`, `Sync`, `MapFile`, `UnmapFile`.

use abi::device::FileInfo;
use abi::layout::{ANY_ADDRESS, NAME_MAX_BYTES, PAGE_SIZE};
use abi::{Access, Errno};
use alloc::vec::Vec;
use kcore::addr::{Page, VirtAddr};
use kcore::pager::GrantError;
use kcore::user_slice::UserSlice;
use kcore::vfs::{DeviceName, RandomBytes};
use kcore::vm_pool::{Backing, FileRef, Rights, VmPoolError};

use super::Caller;
use crate::drivers::console;
use crate::files::{self, FileUse};
use crate::memory::paging::{self, with_memory};
use crate::process::opened::{self, Device, Mapped};
use crate::process::scheduler;

/// A file's name, copied from the caller.
pub(super) struct FileName {
    bytes: [u8; NAME_MAX_BYTES as usize],
    len: usize,
}

impl FileName {
    /// Copies and checks a name.
    pub(super) fn read(caller: Caller, path: u32, path_len: u32) -> Result<Self, Errno> {
        let claim = UserSlice::bytes(path, path_len)?;
        if path_len == 0 || path_len > NAME_MAX_BYTES {
            caller.memory.check(claim, Access::Read)?;
            return Err(Errno::BadName);
        }
        let mut bytes = [0; NAME_MAX_BYTES as usize];
        let len = caller.memory.read(claim, &mut bytes)?.len();
        core::str::from_utf8(&bytes[..len]).map_err(|_| Errno::BadName)?;
        Ok(Self { bytes, len })
    }

    /// The name.
    pub(super) fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.len]).unwrap_or("")
    }
}

/// Opens a device.
pub(super) fn open(caller: Caller, path: u32, path_len: u32) -> Result<u32, Errno> {
    let name = FileName::read(caller, path, path_len)?;
    opened::add(match DeviceName::parse(name.as_str())? {
        DeviceName::File(name) => Device::file(FileUse::open(name)?),
        DeviceName::Random(seed) => Device::Random(RandomBytes::new(seed)),
        DeviceName::Console(mode) => Device::Console(console::check_mode(mode)?),
        DeviceName::Null => Device::Null,
    })
}

/// Makes a file and opens it.
pub(super) fn create(caller: Caller, path: u32, path_len: u32) -> Result<u32, Errno> {
    let name = FileName::read(caller, path, path_len)?;
    // The handle first: a file without a name is nobody else's, and goes when it is closed.
    let file = FileUse::create(name.as_str())?;
    let same = file.again()?;
    let handle = opened::add(Device::file(file))?;
    if let Err(error) = files::save_name(&same) {
        opened::close(handle)?;
        return Err(error);
    }
    Ok(handle)
}

/// Removes a name.
pub(super) fn remove(caller: Caller, path: u32, path_len: u32) -> Result<u32, Errno> {
    let name = FileName::read(caller, path, path_len)?;
    files::remove(name.as_str()).map(|()| 0)
}

/// Closes a handle.
pub(super) fn close(handle: u32) -> Result<u32, Errno> {
    opened::close(handle).map(|()| 0)
}

/// Sets the position.
pub(super) fn seek(handle: u32, offset: u32) -> Result<u32, Errno> {
    opened::with_device(handle, |device| device.seek(offset))?.map(|()| 0)
}

/// Tells about a device.
pub(super) fn stat(caller: Caller, handle: u32, info: u32) -> Result<u32, Errno> {
    caller.memory.check_record::<FileInfo>(info)?;
    let found = opened::with_device(handle, |device| device.info(|file| files::len_bytes(file.file_ref())))?;
    caller.memory.write_record(info, &found).map(|()| 0)
}

/// Brings a file's changes onto the disk.
pub(super) fn sync(handle: u32) -> Result<u32, Errno> {
    let file = opened::with(handle, |file| file.file.file_ref())?;
    files::sync(file).map(|()| 0)
}

/// Kernel memory through which `len_bytes` bytes go on their way between a file and a program, a page at a time: either side may have to wait.
fn buffer_for(len_bytes: u32) -> Result<Vec<u8>, Errno> {
    let len = len_bytes.min(PAGE_SIZE) as usize;
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(len).map_err(|_| Errno::OutOfMemory)?;
    buffer.resize(len, 0);
    Ok(buffer)
}

/// How many bytes to move next, so that whole pages of the file are moved at once.
fn next_len(offset: u32, rest: u32) -> usize {
    rest.min(PAGE_SIZE - offset % PAGE_SIZE) as usize
}

/// What one step of a call moves between a file and a program.
struct Part<'a> {
    file: FileRef,
    /// Where in the file it begins.
    offset: u32,
    /// How many bytes were moved before it.
    done: u32,
    /// Room for it on its way.
    bytes: &'a mut [u8],
}

/// Moves up to `len_bytes` bytes from the handle's position on, part by part. `step` says how many bytes of a part it has moved; none is
/// the end.
///
/// # Errors
/// Those of the first part; later ones end the call, and what was moved counts.
fn in_parts(handle: u32, len_bytes: u32, mut step: impl FnMut(Part<'_>) -> Result<usize, Errno>) -> Result<u32, Errno> {
    let mut buffer = buffer_for(len_bytes)?;
    let (file, start) = opened::with(handle, |file| (file.file.file_ref(), file.claim(len_bytes)))?;
    let mut done = 0;
    let mut moved = Ok(0);
    while done < len_bytes && !scheduler::is_killed() {
        scheduler::preemption_point();
        // No file reaches as far as the largest offset: nothing is read from there, and nothing written.
        let offset = start.saturating_add(done);
        let bytes = &mut buffer[..next_len(offset, len_bytes - done)];
        moved = step(Part { file, offset, done, bytes });
        match moved {
            Ok(0) | Err(_) => break,
            Ok(count) => done += u32::try_from(count).unwrap_or(0),
        }
    }
    opened::with(handle, |file| file.settle(start, len_bytes, done))?;
    if done == 0 { moved.map(|_| 0) } else { Ok(done) }
}

/// Reads from a file.
pub(super) fn read(caller: Caller, handle: u32, claim: UserSlice, len_bytes: u32) -> Result<u32, Errno> {
    caller.memory.check(claim, Access::Write)?;
    in_parts(handle, len_bytes, |Part { file, offset, done, bytes }| {
        let count = files::read_at(caller.process.space, file, offset, bytes)?;
        caller.memory.write(claim.skip(done), &bytes[..count]).map(|()| count)
    })
}

/// Writes to a file.
pub(super) fn write(caller: Caller, handle: u32, claim: UserSlice, len_bytes: u32) -> Result<u32, Errno> {
    let writer = opened::with(handle, |file| file.file.again())??;
    caller.memory.check(claim, Access::Read)?;
    // From here on until the call is over nobody can start the file as a program, though the call may wait in between.
    let _writer = writer.into_writer()?;
    in_parts(handle, len_bytes, |Part { file, offset, done, bytes }| {
        let bytes = caller.memory.read(claim.skip(done), bytes)?;
        files::write_at(caller.process.space, file, offset, bytes).map(|()| bytes.len())
    })
}

const READ: u32 = 1;
const READ_AND_WRITE: u32 = 3;

/// Maps a file.
pub(super) fn map(
    caller: Caller,
    handle: u32,
    offset: u32,
    len_bytes: u32,
    access: u32,
    address: u32,
) -> Result<u32, Errno> {
    let rights = match access {
        READ => Rights::READ,
        READ_AND_WRITE => Rights::READ | Rights::WRITE,
        _ => return Err(Errno::InvalidArgument),
    };
    let at = (address != ANY_ADDRESS).then_some(VirtAddr::new(address));
    let is_misaligned = at.is_some_and(|at| at.page_offset() != 0) || !offset.is_multiple_of(PAGE_SIZE);
    if len_bytes == 0 || is_misaligned {
        return Err(Errno::InvalidArgument);
    }
    let file = opened::with(handle, |file| file.file.again())??;
    let file = if access == READ_AND_WRITE { file.into_writer()? } else { file };
    let in_file = files::len_bytes(file.file_ref()).saturating_sub(offset);
    let backing = Backing::File {
        file: file.file_ref(),
        first_page: offset / PAGE_SIZE,
        len_bytes: len_bytes.min(in_file),
        shared: true,
    };
    let page_count = len_bytes.div_ceil(PAGE_SIZE);
    opened::reserve_mapping()?;
    let granted = with_memory(|memory| {
        memory.pager.map_file(caller.process.space, at.map(Page::containing), page_count, rights, backing)
    });
    let start = granted.map_err(|error| match (error, at) {
        (GrantError::Pool(VmPoolError::Overlaps), _) => Errno::Overlaps,
        (GrantError::Pool(VmPoolError::TooManyRegions), _) => Errno::TooManyOpen,
        (GrantError::Pool(_), Some(_)) => Errno::BadAddress,
        (GrantError::Pool(_), None) => Errno::OutOfAddressSpace,
        (GrantError::OverLimit, _) => Errno::OverLimit,
        (GrantError::NoSpace | GrantError::Refused | GrantError::KernelMemory, _) => Errno::OutOfMemory,
    })?;
    opened::add_mapping(Mapped { start, file, writes: access == READ_AND_WRITE });
    Ok(start.start().raw())
}

/// Ends a mapping.
pub(super) fn unmap(caller: Caller, start: u32) -> Result<u32, Errno> {
    let start = VirtAddr::new(start);
    if start.page_offset() != 0 {
        return Err(Errno::BadAddress);
    }
    let start = Page::containing(start);
    let space = caller.process.space;
    paging::free_all(|memory| memory.pager.unmap_file(&mut memory.mmu, space, start)).map_err(|_| Errno::BadAddress)?;
    match opened::take_mapping(start) {
        Some(mapped) if mapped.writes => files::sync(mapped.file.file_ref()).map(|()| 0),
        _ => Ok(0),
    }
}
