//! Becomes a random program.

use core::arch::asm;

use fuzz_core::code::{self, AREA_BYTES, CodeCase, Places, STACK_BYTES};
use libsys::Error;
use libsys::memory::Region;

use crate::main;

/// Makes the program and jumps to it: an exit code only if there is no memory for it.
pub fn run(seed: &str, case: &str) -> Option<u32> {
    let (seed, case) = (seed.parse().ok()?, case.parse().ok()?);
    let Ok((address, places)) = prepare(seed, case) else { return Some(3) };
    // What the program does to this process is its own business; the regions are never freed.
    core::hint::black_box(places);
    // SAFETY: none is needed for this process, which is given up here: the test is that nothing outside of it changes.
    unsafe { asm!("jmp {0}", in(reg) address, options(noreturn)) }
}

/// Puts the program into memory; returns the address of its first instruction.
fn prepare(seed: u64, case: u64) -> Result<(u32, Places), Error> {
    let mut regions = [
        Region::allocate(AREA_BYTES as usize)?,
        Region::allocate(AREA_BYTES as usize)?,
        Region::allocate(STACK_BYTES as usize)?,
        Region::allocate(4096)?,
    ];
    let [code, data, stack, hole] = regions.each_ref().map(|region| address_of(region.as_ptr()));
    let text = address_of(main as *const u8) & !0xFFF;
    let places = Places { code, data, stack, hole, text };
    code::fill(seed, case, &places, regions[1].words());
    code::fill(seed, case + 1, &places, regions[2].words());
    let CodeCase { offset, bytes } = code::generate(seed, case, &places);
    regions[0].bytes()[offset as usize..][..bytes.len()].copy_from_slice(&bytes);
    let [code_region, data_region, stack_region, hole_region] = regions;
    hole_region.free()?;
    [code_region, data_region, stack_region].into_iter().for_each(core::mem::forget);
    Ok((code + offset, places))
}

/// The address of something.
pub fn address_of<T>(place: *const T) -> u32 {
    u32::try_from(place.expose_provenance()).unwrap_or(0)
}
