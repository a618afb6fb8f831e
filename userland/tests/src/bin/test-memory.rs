//! `AllocateMemory`, `FreeMemory` and `GetMapping` on a machine with frames to spare.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::vec::Vec;

use libsys::abi::layout::{HEAP_END, HEAP_START};
use libsys::memory::{Region, free_memory, mapping};
use libsys::process::Process;
use libsys::test::Verdict;
use libsys::{Error, ExitReason, call, check, check_eq, system};
use tests::{ASSIST, PAGE};

libsys::tests! {
    untouched_pages_take_no_frame,
    a_touched_page_takes_one_frame_of_zeros,
    freeing_gives_every_frame_back,
    freeing_what_was_never_touched_gives_nothing_back_twice,
    a_freed_hole_is_used_again,
    regions_do_not_touch_each_other,
    only_the_start_of_a_region_can_be_freed,
    nothing_and_too_much_are_refused,
    empty_page_tables_are_given_back,
    a_page_table_that_was_given_back_is_not_written_to_again,
    a_mapping_tells_frame_and_slot,
    under_a_limit_80_pages_leave_no_room_for_30_more,
    a_limit_is_inherited_and_only_lowered,
}

fn frames_free() -> Result<u32, Error> {
    Ok(system::info()?.frames_free)
}

/// Brings this program's own pages in, so that only the heap changes afterwards.
fn warm_up() -> Verdict {
    for _ in 0..2 {
        let mut region = Region::allocate(2 * PAGE)?;
        region.words().fill(1);
        mapping(region.as_ptr())?;
        frames_free()?;
        region.free()?;
    }
    Ok(())
}

fn untouched_pages_take_no_frame() -> Verdict {
    warm_up()?;
    let before = frames_free()?;
    let region = Region::allocate(100 * PAGE)?;
    check_eq!(frames_free()?, before);
    check_eq!(mapping(region.as_ptr())?.physical_page, None);
    Ok(())
}

fn a_touched_page_takes_one_frame_of_zeros() -> Verdict {
    warm_up()?;
    let mut region = Region::allocate(10 * PAGE)?;
    let before = frames_free()?;
    let words = region.words();
    check!(words[5 * PAGE / 4..6 * PAGE / 4].iter().all(|&word| word == 0));
    check_eq!(frames_free()?, before - 1);
    words[9 * PAGE / 4] = 1;
    check_eq!(frames_free()?, before - 2);
    Ok(())
}

fn freeing_gives_every_frame_back() -> Verdict {
    warm_up()?;
    let before = frames_free()?;
    for _ in 0..3 {
        let mut region = Region::allocate(500 * PAGE)?;
        region.words().fill(0xFFFF_FFFF);
        check!(frames_free()? <= before - 500);
        region.free()?;
        check_eq!(frames_free()?, before);
    }
    // What others had written does not show through.
    let mut region = Region::allocate(500 * PAGE)?;
    check!(region.words().iter().all(|&word| word == 0));
    Ok(())
}

fn freeing_what_was_never_touched_gives_nothing_back_twice() -> Verdict {
    warm_up()?;
    let before = system::info()?;
    for _ in 0..10 {
        Region::allocate(50 * PAGE)?.free()?;
    }
    let after = system::info()?;
    check_eq!(after.frames_free, before.frames_free);
    check_eq!(after.slots_free, before.slots_free);
    Ok(())
}

fn a_freed_hole_is_used_again() -> Verdict {
    let [first, second, third] = [Region::allocate(PAGE)?, Region::allocate(3 * PAGE)?, Region::allocate(PAGE)?];
    let hole = second.as_ptr();
    second.free()?;
    let again = Region::allocate(3 * PAGE)?;
    check_eq!(again.as_ptr(), hole);
    again.free()?;
    // A larger one does not fit between its neighbours.
    let larger = Region::allocate(4 * PAGE)?;
    check!(larger.as_ptr() != hole);
    drop((first, third));
    Ok(())
}

fn regions_do_not_touch_each_other() -> Verdict {
    let mut regions = [Region::allocate(1)?, Region::allocate(PAGE + 1)?, Region::allocate(3 * PAGE)?];
    for (seed, region) in (0u32..).zip(&mut regions) {
        tests::fill(region.words(), seed);
    }
    for (seed, region) in (0u32..).zip(&mut regions) {
        check!(tests::holds(region.words(), seed), "region {seed}");
    }
    check_eq!(regions.map(|mut region| region.bytes().len() / PAGE), [1, 2, 3]);
    Ok(())
}

fn only_the_start_of_a_region_can_be_freed() -> Verdict {
    let mut region = Region::allocate(3 * PAGE)?;
    region.words().fill(7);
    let start = region.as_ptr();
    for wrong in [start.wrapping_add(PAGE), start.wrapping_add(4), start.wrapping_sub(PAGE), core::ptr::null_mut()] {
        check_eq!(free_memory(wrong), Err(Error::BadAddress));
    }
    let text = only_the_start_of_a_region_can_be_freed as *const u8;
    check_eq!(free_memory(text.wrapping_sub(text.addr() % PAGE)), Err(Error::BadAddress));
    check!(region.words().iter().all(|&word| word == 7));
    region.free()?;
    check_eq!(free_memory(start), Err(Error::BadAddress));
    Ok(())
}

fn nothing_and_too_much_are_refused() -> Verdict {
    check_eq!(call::allocate_memory(0), Err(Error::InvalidArgument));
    let before = system::info()?.pages_promised;
    check_eq!(call::allocate_memory(u32::MAX), Err(Error::OutOfAddressSpace));
    check_eq!(call::allocate_memory(HEAP_END - HEAP_START + 1), Err(Error::OutOfAddressSpace));
    check_eq!(call::allocate_memory((HEAP_END - HEAP_START) / 2), Err(Error::OutOfMemory));
    check_eq!(system::info()?.pages_promised, before);
    Ok(())
}

fn empty_page_tables_are_given_back() -> Verdict {
    const SPAN: usize = 16 << 20;
    let before = system::info()?.frames_tables;
    let mut region = Region::allocate(SPAN)?;
    for offset in (0..SPAN).step_by(4 << 20) {
        region.bytes()[offset] = 1;
    }
    check!(system::info()?.frames_tables >= before + 3);
    region.free()?;
    check_eq!(system::info()?.frames_tables, before);
    Ok(())
}

fn a_page_table_that_was_given_back_is_not_written_to_again() -> Verdict {
    /// More than the pages of one table, so that the last page's is the region's alone.
    const SPAN: usize = 8 << 20;
    let touch_last = |value| -> Result<Region, Error> {
        let mut region = Region::allocate(SPAN)?;
        region.bytes()[SPAN - PAGE] = value;
        Ok(region)
    };
    let mut others = Region::allocate(20 * PAGE)?;
    others.bytes()[0] = 1;
    for (round, page) in others.bytes().chunks_exact_mut(PAGE).enumerate().skip(1) {
        touch_last(1)?.free()?;
        // This page is likely to get the table's frame.
        page.fill(0xA5);
        let mut region = touch_last(2)?;
        check_eq!(region.bytes()[SPAN - PAGE], 2);
        check!(page.iter().all(|&byte| byte == 0xA5), "round {round}");
    }
    Ok(())
}

fn a_mapping_tells_frame_and_slot() -> Verdict {
    let mut region = Region::allocate(2 * PAGE)?;
    check_eq!(mapping(region.as_ptr())?.physical_page, None);
    region.bytes()[0] = 1;
    let first = mapping(region.as_ptr())?;
    check!(first.physical_page.is_some());
    check_eq!(first.disk_page, None);
    check_eq!(mapping(region.as_ptr().wrapping_add(4095))?, first);
    check_eq!(mapping(region.as_ptr().wrapping_add(PAGE))?.physical_page, None);
    region.bytes()[PAGE] = 1;
    check!(mapping(region.as_ptr().wrapping_add(PAGE))? != first);
    for nowhere in [0, 0xC000_0000, 0xFFFF_F000, HEAP_START + 0x2000_0000] {
        check_eq!(mapping(core::ptr::without_provenance(nowhere as usize)), Err(Error::BadAddress));
    }
    Ok(())
}

/// Runs `assist` with this errand under a limit of so many pages above what this program has.
fn limited(pages: u32, errand: &[&str]) -> Result<ExitReason, Error> {
    let pages = format!("{pages}");
    let words: Vec<&str> = [&[pages.as_str(), ASSIST], errand].concat();
    Ok(Process::spawn("limit", words)?.wait()?.reason)
}

fn under_a_limit_80_pages_leave_no_room_for_30_more() -> Verdict {
    // What the program needs for itself is more than 20 pages and less than 50.
    check_eq!(limited(130, &["allocate-80-and-30"])?, ExitReason::Exited(0));
    // With room for both, nothing is refused.
    check_eq!(limited(250, &["allocate-80-and-30"])?, ExitReason::Exited(1));
    Ok(())
}

fn a_limit_is_inherited_and_only_lowered() -> Verdict {
    check_eq!(limited(60, &["raise-limit"])?, ExitReason::Exited(0));
    // The program in the middle may not be started at all.
    check_eq!(limited(60, &["start-under-limit"])?, ExitReason::Exited(0));
    check_eq!(limited(1, &["raise-limit"])?, ExitReason::Exited(127));
    Ok(())
}
