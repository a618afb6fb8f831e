//! `AllocateMemory`, `FreeMemory`, `GetMapping`.

use abi::Errno;
use abi::layout::PAGE_SIZE;
use abi::record::Mapping;
use kcore::addr::{Page, VirtAddr};
use kcore::pager::GrantError;

use super::Caller;
use crate::memory::paging::{self, with_memory};

/// Promises memory; returns where.
pub(super) fn allocate(caller: Caller, len_bytes: u32) -> Result<u32, Errno> {
    if len_bytes == 0 {
        return Err(Errno::InvalidArgument);
    }
    let page_count = len_bytes.div_ceil(PAGE_SIZE);
    let granted = with_memory(|memory| memory.pager.allocate(caller.process.space, page_count));
    granted.map(|first| first.start().raw()).map_err(|error| match error {
        GrantError::Pool(_) => Errno::OutOfAddressSpace,
        GrantError::NoSpace | GrantError::Refused | GrantError::KernelMemory => Errno::OutOfMemory,
    })
}

/// Gives a region back.
pub(super) fn free(caller: Caller, start: u32) -> Result<u32, Errno> {
    let start = VirtAddr::new(start);
    if start.page_offset() != 0 {
        return Err(Errno::BadAddress);
    }
    paging::free(caller.process.space, Page::containing(start)).map(|()| 0).map_err(|_| Errno::BadAddress)
}

/// Tells which frame and which slot hold a page.
pub(super) fn mapping(caller: Caller, address: u32, mapping: u32) -> Result<u32, Errno> {
    caller.memory.check_record::<Mapping>(mapping)?;
    let page = Page::containing(VirtAddr::new(address));
    let found = paging::mapping(caller.process.space, page).ok_or(Errno::BadAddress)?;
    caller.memory.write_record(mapping, &found).map(|()| 0)
}
