//! `AllocateMemory`, `FreeMemory`, `GetMapping`, `SetLimit`, `SetPolicy`.

use abi::layout::PAGE_SIZE;
use abi::record::Mapping;
use abi::{Errno, POLICY_NAMES};
use kcore::addr::{Page, VirtAddr};
use kcore::pager::GrantError;
use kcore::replacement;

use super::Caller;
use crate::drivers::timer;
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
        GrantError::OverLimit => Errno::OverLimit,
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

/// Lowers the limit of what may be promised.
pub(super) fn set_limit(caller: Caller, pages: u32) -> Result<u32, Errno> {
    let lowered = with_memory(|memory| memory.pager.lower_limit(caller.process.space, pages));
    lowered.map(|()| 0).map_err(|_| Errno::NotPermitted)
}

/// Changes the replacement policy.
pub(super) fn set_policy(policy: u32) -> Result<u32, Errno> {
    let name = POLICY_NAMES.get(policy as usize).ok_or(Errno::InvalidArgument)?;
    let frames = with_memory(|memory| memory.pager.pool_range());
    // Made before the old one is given up: its books may not fit beside the old one's.
    let new = replacement::by_name(name, timer::tsc(), frames).map_err(|_| Errno::OutOfMemory)?;
    with_memory(|memory| memory.pager.set_policy(new));
    Ok(0)
}
