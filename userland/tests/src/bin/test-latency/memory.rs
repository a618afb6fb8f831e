//! Loads of memory: much of it that is freed, that a process has when it ends, or that does not fit.

use alloc::string::ToString;

use libsys::memory::{PAGE_SIZE, Region};
use libsys::{Error, system};

use super::company;

const PAGES_IN_128_MIB: u32 = (128 << 20) / PAGE_SIZE;

/// Touches the first pages of a region.
fn touch(region: &mut Region, pages: u32) {
    for page in 0..pages {
        // SAFETY: the region has more pages.
        unsafe { region.as_ptr().add((page * PAGE_SIZE) as usize).write_volatile(1) };
    }
}

/// This number of pages, or as many as this program may still be promised if that is less.
fn as_much_as_there_is(pages: u32) -> Result<u32, Error> {
    let info = system::info()?;
    Ok(pages.min(info.pages_promisable.saturating_sub(info.pages_promised).saturating_sub(1000)))
}

/// Frees a large region that was touched, and a larger one that was not.
pub fn free() -> Result<(), Error> {
    let touched = as_much_as_there_is(PAGES_IN_128_MIB)?;
    let mut region = Region::allocate((touched * PAGE_SIZE) as usize)?;
    touch(&mut region, touched);
    region.free()?;
    let promised = as_much_as_there_is(6 * PAGES_IN_128_MIB)?;
    let mut region = Region::allocate((promised * PAGE_SIZE) as usize)?;
    for page in (0..promised).step_by(1024) {
        // SAFETY: the page is the region's.
        unsafe { region.as_ptr().add((page * PAGE_SIZE) as usize).write_volatile(1) };
    }
    region.bytes()[0] = 2;
    region.free()
}

/// Ends a process that was promised nearly 1 GiB, and has touched 128 MiB of it.
pub fn exit() -> Result<(), Error> {
    company::start(&["promise-and-touch", &PAGES_IN_128_MIB.to_string()])?.wait().map(|_| ())
}

/// Is promised nearly 1 GiB, touches this number of pages, and ends.
pub fn promise_and_touch(pages: &str) -> Result<u32, Error> {
    let pages: u32 = pages.parse().map_err(|_| Error::InvalidArgument)?;
    let promised = as_much_as_there_is((1 << 30) / PAGE_SIZE - 4096)?;
    let mut region = Region::allocate((promised * PAGE_SIZE) as usize)?;
    touch(&mut region, pages.min(promised));
    core::mem::forget(region);
    Ok(0)
}

/// Uses more memory than there is, twice.
pub fn swap() -> Result<(), Error> {
    let pages = as_much_as_there_is(system::info()?.frames_total + 4096)?;
    let mut region = Region::allocate((pages * PAGE_SIZE) as usize)?;
    (0..2).for_each(|_| touch(&mut region, pages));
    region.free()
}
