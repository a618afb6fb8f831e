//! `AllocateMemory`, `FreeMemory`, `FreePages`, pools that programs register, `GetMapping`,
//! `SetLimit`, `SetPolicy`, `SetTextbook`.

use abi::layout::PAGE_SIZE;
use abi::record::Mapping;
use abi::{Errno, POLICY_NAMES};
use kcore::addr::{Page, VirtAddr};
use kcore::pager::{Freed, GrantError};
use kcore::replacement;
use kcore::vm_pool::VmPoolError;

use super::Caller;
use crate::drivers::timer;
use crate::memory::paging::{self, with_memory};

/// Promises memory of the heap; returns where.
pub(super) fn allocate(caller: Caller, len_bytes: u32) -> Result<u32, Errno> {
    let page_count = pages_for(len_bytes)?;
    granted(with_memory(|memory| memory.pager.allocate(caller.process.space, page_count)))
}

/// Promises memory of a pool that the program registered; returns where.
pub(super) fn allocate_in_pool(caller: Caller, base: u32, len_bytes: u32) -> Result<u32, Errno> {
    let (base, page_count) = (page_at(base)?, pages_for(len_bytes)?);
    granted(with_memory(|memory| memory.pager.allocate_in_pool(caller.process.space, base, page_count)))
}

/// The number of pages that hold `len_bytes` bytes.
fn pages_for(len_bytes: u32) -> Result<u32, Errno> {
    if len_bytes == 0 { Err(Errno::InvalidArgument) } else { Ok(len_bytes.div_ceil(PAGE_SIZE)) }
}

/// The page that begins at `address`.
fn page_at(address: u32) -> Result<Page, Errno> {
    let address = VirtAddr::new(address);
    if address.page_offset() == 0 { Ok(Page::containing(address)) } else { Err(Errno::BadAddress) }
}

fn granted(granted: Result<Page, GrantError>) -> Result<u32, Errno> {
    granted.map(|first| first.start().raw()).map_err(|error| match error {
        GrantError::Pool(VmPoolError::NoPool) => Errno::BadAddress,
        GrantError::Pool(_) => Errno::OutOfAddressSpace,
        GrantError::OverLimit => Errno::OverLimit,
        GrantError::NoSpace | GrantError::Refused | GrantError::KernelMemory => Errno::OutOfMemory,
    })
}

/// Frees a region.
pub(super) fn free(caller: Caller, start: u32) -> Result<u32, Errno> {
    let (space, start) = (caller.process.space, page_at(start)?);
    let freed = paging::free_all(|memory| memory.pager.free(&mut memory.mmu, space, start));
    freed.map(|()| 0).map_err(|_| Errno::BadAddress)
}

/// Frees a run of pages of a region.
pub(super) fn free_pages(caller: Caller, start: u32, len_bytes: u32) -> Result<u32, Errno> {
    let (first, page_count) = whole_pages(start, len_bytes)?;
    let mut left = page_count;
    let freed = paging::free_all(|memory| {
        left = memory.pager.free_run(&mut memory.mmu, caller.process.space, first, left)?;
        Ok(if left == 0 { Freed::All } else { Freed::Part })
    });
    freed.map(|()| 0).map_err(|error| match error {
        VmPoolError::TooManyRegions => Errno::OutOfMemory,
        _ => Errno::BadAddress,
    })
}

/// Returns the first page and the number of pages of a range that is one or more whole pages.
fn whole_pages(start: u32, len_bytes: u32) -> Result<(Page, u32), Errno> {
    let start = VirtAddr::new(start);
    if start.page_offset() != 0 || len_bytes == 0 || !len_bytes.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::InvalidArgument);
    }
    Ok((Page::containing(start), len_bytes / PAGE_SIZE))
}

/// Registers a pool of the program's own.
pub(super) fn register_pool(caller: Caller, base: u32, len_bytes: u32) -> Result<u32, Errno> {
    let (base, page_count) = whole_pages(base, len_bytes)?;
    let registered = with_memory(|memory| memory.pager.register_pool(caller.process.space, base, page_count));
    registered.map(|()| 0).map_err(|error| match error {
        GrantError::Pool(VmPoolError::Overlaps) => Errno::Overlaps,
        GrantError::Pool(VmPoolError::TooManyPools) => Errno::TooManyPools,
        GrantError::Pool(VmPoolError::KernelMemory) => Errno::OutOfMemory,
        _ => Errno::BadAddress,
    })
}

/// Frees a pool that the program registered.
pub(super) fn unregister_pool(caller: Caller, base: u32) -> Result<u32, Errno> {
    let (space, base) = (caller.process.space, page_at(base)?);
    let freed = paging::free_all(|memory| memory.pager.unregister_pool(&mut memory.mmu, space, base));
    freed.map(|()| 0).map_err(|_| Errno::BadAddress)
}

/// Tells which frame and which slot hold a page.
pub(super) fn mapping(caller: Caller, address: u32, mapping: u32) -> Result<u32, Errno> {
    caller.memory.check_record::<Mapping>(mapping)?;
    let page = Page::containing(VirtAddr::new(address));
    let found = paging::mapping(caller.process.space, page).ok_or(Errno::BadAddress)?;
    caller.memory.write_record(mapping, &Mapping::from(found)).map(|()| 0)
}

/// Lowers the limit of what may be promised.
pub(super) fn set_limit(caller: Caller, pages: u32) -> Result<u32, Errno> {
    let lowered = with_memory(|memory| memory.pager.lower_limit(caller.process.space, pages));
    lowered.map(|()| 0).map_err(|_| Errno::NotPermitted)
}

/// Changes the replacement policy.
pub(super) fn set_policy(policy: u32) -> Result<u32, Errno> {
    let name = POLICY_NAMES.get(policy as usize).ok_or(Errno::InvalidArgument)?;
    use_policy(name).map(|()| 0)
}

fn use_policy(name: &str) -> Result<(), Errno> {
    let frames = with_memory(|memory| memory.pager.pool_range());
    // Made before the old one is given up: its books may not fit beside the old one's.
    let new = replacement::by_name(name, timer::tsc(), frames).map_err(|_| Errno::OutOfMemory)?;
    with_memory(|memory| memory.pager.set_policy(new));
    Ok(())
}

/// Switches the textbook's order of paging. Returns 1 if it was on before, otherwise 0.
pub(super) fn set_textbook(on: u32) -> Result<u32, Errno> {
    const OFF: u32 = 0;
    const ON: u32 = 1;
    const ASK: u32 = 2;
    let was_on = with_memory(|memory| memory.pager.is_textbook());
    match on {
        OFF => with_memory(|memory| memory.pager.set_textbook(false)),
        ON => {
            let [reference, ..] = POLICY_NAMES;
            if with_memory(|memory| memory.pager.policy_name()) != reference {
                use_policy(reference)?;
            }
            with_memory(|memory| memory.pager.set_textbook(true));
        }
        ASK => {}
        _ => return Err(Errno::InvalidArgument),
    }
    Ok(u32::from(was_on))
}
