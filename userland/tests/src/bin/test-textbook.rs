//! The textbook's order of paging, by the machine's counters, on 600 frames.
#![no_std]
#![no_main]

use libsys::abi::POLICY_NAMES;
use libsys::abi::record::SystemInfo;
use libsys::files;
use libsys::memory::Region;
use libsys::test::Verdict;
use libsys::{check, check_eq, system};
use tests::PAGE;
use tests::mapped::made;

libsys::tests! {
    machine_boots_in_the_textbook_order,
    nothing_is_evicted_while_one_frame_is_free,
    each_page_that_leaves_is_written_alone_and_none_is_read_ahead,
    cached_files_stay_while_programs_have_pages,
    order_is_switched_off_and_on,
    switching_on_selects_the_random_policy,
}

/// More pages than the machine has frames.
const PAGES: usize = 700;

fn evictions(info: &SystemInfo) -> u32 {
    info.account.swap_outs + info.account.file_writes + info.account.clean_drops
}

/// Writes to one page after the other, and shows `visit` the machine before and after each.
fn touch_all(region: &mut Region, mut visit: impl FnMut(usize, &SystemInfo, &SystemInfo) -> Verdict) -> Verdict {
    for index in 0..PAGES {
        let before = system::info()?;
        region.bytes()[index * PAGE] = 1;
        visit(index, &before, &system::info()?)?;
    }
    Ok(())
}

fn machine_boots_in_the_textbook_order() -> Verdict {
    check_eq!(system::is_textbook(), Ok(true));
    check_eq!(POLICY_NAMES[system::info()?.policy as usize], "random");
    Ok(())
}

fn nothing_is_evicted_while_one_frame_is_free() -> Verdict {
    let start = system::info()?;
    check!(start.frames_total >= 500 && start.frames_free > 300, "{start:?}");
    let mut region = Region::allocate(PAGES * PAGE)?;
    let (mut last_free, mut evicted) = (0, 0);
    touch_all(&mut region, |index, before, after| {
        let left = evictions(after) - evictions(before);
        // A touch needs a frame for the page, and one more if a page table is missing.
        let tables = after.frames_tables - before.frames_tables;
        if before.frames_free > tables {
            check_eq!(left, 0, "page {index}: {} frames were free", before.frames_free);
            last_free = before.frames_free - tables;
        } else {
            check!(left > 0 && after.frames_free == 0, "page {index}: {left} left, {} are free", after.frames_free);
        }
        evicted += left;
        Ok(())
    })?;
    check_eq!(last_free, 1, "the last free frame was used before a page left");
    check!(evicted > 50, "{evicted} pages left");
    Ok(())
}

fn each_page_that_leaves_is_written_alone_and_none_is_read_ahead() -> Verdict {
    let before = system::info()?.account;
    let mut region = Region::allocate(PAGES * PAGE)?;
    for round in 0..3 {
        tests::fill(region.words(), round);
        check!(tests::holds(region.words(), round), "round {round}");
    }
    let after = system::info()?.account;
    check!(after.swap_outs - before.swap_outs > 500 && after.swap_ins - before.swap_ins > 500);
    check_eq!(
        after.write_runs - before.write_runs,
        after.swap_outs + after.file_writes - before.swap_outs - before.file_writes
    );
    check_eq!(after.read_aheads, 0);
    Ok(())
}

fn cached_files_stay_while_programs_have_pages() -> Verdict {
    let file = made("cached", 40)?;
    let before = system::info()?;
    check!(before.frames_files >= 40, "{} frames hold files", before.frames_files);
    let mut region = Region::allocate(PAGES * PAGE)?;
    tests::fill(region.words(), 1);
    let after = system::info()?;
    check!(evictions(&after) > evictions(&before) + 50);
    check!(after.frames_files >= before.frames_files, "{} of {} are left", after.frames_files, before.frames_files);
    drop(file);
    files::remove("cached")?;
    Ok(())
}

fn order_is_switched_off_and_on() -> Verdict {
    system::set_textbook(false)?;
    check_eq!(system::is_textbook(), Ok(false));
    let mut region = Region::allocate(PAGES * PAGE)?;
    let mut evicted_ahead = false;
    touch_all(&mut region, |_, before, after| {
        evicted_ahead |= evictions(after) > evictions(before) && before.frames_free > 2;
        Ok(())
    })?;
    check!(evicted_ahead, "the cleaner evicts while frames are free");
    drop(region);
    system::set_textbook(true)?;
    check_eq!(system::is_textbook(), Ok(true));
    nothing_is_evicted_while_one_frame_is_free()
}

fn switching_on_selects_the_random_policy() -> Verdict {
    system::set_policy("clock")?;
    system::set_textbook(true)?;
    check_eq!(POLICY_NAMES[system::info()?.policy as usize], "random");
    Ok(())
}
