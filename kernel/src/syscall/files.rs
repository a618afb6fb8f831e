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
use crate::memory::paging::with_memory;
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
    let file = files::create(name.as_str())?;
    let same = file.again()?;
    opened::add(Device::file(file)).inspect_err(|_| {
        // If that fails there is an empty file that nobody asked for, and a disk that does not work.
        let _ = files::remove_file(same);
    })
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
    files::sync(Some(file)).map(|()| 0)
}

/// A page of kernel memory, through which bytes go on their way between a file and a program: either side may have to wait.
fn page_buffer() -> Result<Vec<u8>, Errno> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(PAGE_SIZE as usize).map_err(|_| Errno::OutOfMemory)?;
    buffer.resize(PAGE_SIZE as usize, 0);
    Ok(buffer)
}

/// How many bytes to move next, so that whole pages of the file are moved at once.
fn next_len(offset: u32, rest: u32) -> usize {
    rest.min(PAGE_SIZE - offset % PAGE_SIZE) as usize
}

/// Reads from a file.
pub(super) fn read(caller: Caller, handle: u32, claim: UserSlice, len_bytes: u32) -> Result<u32, Errno> {
    caller.memory.check(claim, Access::Write)?;
    let mut buffer = page_buffer()?;
    let (file, start) = opened::with(handle, |file| (file.file.file_ref(), file.claim(len_bytes)))?;
    let mut done = 0;
    while done < len_bytes && !scheduler::is_killed() {
        scheduler::preemption_point();
        let Some(offset) = start.checked_add(done) else { break };
        let part = &mut buffer[..next_len(offset, len_bytes - done)];
        let step = files::read_at(caller.process.space, file, offset, part)
            .and_then(|count| caller.memory.write(claim.skip(done), &part[..count]).map(|()| count));
        match step {
            Ok(0) => break,
            Ok(count) => done += u32::try_from(count).unwrap_or(0),
            Err(error) if done == 0 => {
                opened::with(handle, |file| file.settle(start, len_bytes, 0))?;
                return Err(error);
            }
            Err(_) => break,
        }
    }
    opened::with(handle, |file| file.settle(start, len_bytes, done))?;
    Ok(done)
}

/// Writes to a file.
pub(super) fn write(caller: Caller, handle: u32, claim: UserSlice, len_bytes: u32) -> Result<u32, Errno> {
    let writer = opened::with(handle, |file| file.file.again())??;
    caller.memory.check(claim, Access::Read)?;
    // From here on until the call is over nobody can start the file as a program, though the call may wait in between.
    let writer = writer.into_writer()?;
    let file = writer.file_ref();
    let mut buffer = page_buffer()?;
    let start = opened::with(handle, |file| file.claim(len_bytes))?;
    let mut done = 0;
    while done < len_bytes && !scheduler::is_killed() {
        scheduler::preemption_point();
        let step = write_part(caller, file, start.checked_add(done), claim.skip(done), len_bytes - done, &mut buffer);
        match step {
            Ok(count) => done += count,
            Err(error) if done == 0 => {
                opened::with(handle, |file| file.settle(start, len_bytes, 0))?;
                return Err(error);
            }
            Err(_) => break,
        }
    }
    opened::with(handle, |file| file.settle(start, len_bytes, done))?;
    Ok(done)
}

fn write_part(
    caller: Caller,
    file: FileRef,
    offset: Option<u32>,
    from: UserSlice,
    rest: u32,
    buffer: &mut [u8],
) -> Result<u32, Errno> {
    let offset = offset.ok_or(Errno::DiskFull)?;
    let part = caller.memory.read(from, &mut buffer[..next_len(offset, rest)])?;
    files::write_at(caller.process.space, file, offset, part)?;
    Ok(u32::try_from(part.len()).unwrap_or(0))
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
    with_memory(|memory| memory.pager.unmap_file(&mut memory.mmu, caller.process.space, start))
        .map_err(|_| Errno::BadAddress)?;
    match opened::take_mapping(start) {
        Some(mapped) if mapped.writes => files::sync(Some(mapped.file.file_ref())).map(|()| 0),
        _ => Ok(0),
    }
}
