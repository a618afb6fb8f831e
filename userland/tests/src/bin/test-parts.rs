//! `FreePages`: parts of regions are freed, and the rest stays as it was.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::vec::Vec;

use libsys::abi::layout::{CODE_START, HEAP_START, KERNEL_START, PAGE_SIZE};
use libsys::abi::{Access, FaultKind};
use libsys::files::{self, MappedFile};
use libsys::memory::{Region, VmPool, free_memory, free_pages, mapping};
use libsys::test::Verdict;
use libsys::{Error, ExitReason, check, check_eq, system};
use tests::mapped::{READ, made};
use tests::{PAGE, POOL, assist, instruction_of};

libsys::tests! {
    a_run_in_the_middle_gives_back_its_pages_and_no_others,
    every_run_of_pages_of_a_region_can_be_freed,
    a_hole_within_a_region_is_used_again_and_is_empty,
    page_tables_of_a_freed_run_are_given_back,
    every_second_page_can_be_freed,
    a_pools_region_can_be_freed_in_parts,
    run_that_leaves_its_region_is_refused,
    rest_of_a_region_is_freed_by_its_start,
    a_region_that_cannot_be_split_any_more_loses_nothing,
    use_of_a_freed_part_ends_the_program,
}

/// The region's page `index` holds its number and nothing else.
fn mark(region: &mut Region, seed: u32) {
    for (index, words) in (seed..).zip(region.words().chunks_exact_mut(PAGE / 4)) {
        tests::fill(words, index);
    }
}

fn is_marked(region: &mut Region, seed: u32) -> bool {
    (seed..).zip(region.words().chunks_exact(PAGE / 4)).all(|(index, words)| tests::holds(words, index))
}

fn a_run_in_the_middle_gives_back_its_pages_and_no_others() -> Verdict {
    // The second round finds everything that the calls themselves need in memory.
    for _ in 0..2 {
        let mut region = Region::allocate(12 * PAGE)?;
        mark(&mut region, 0);
        let before = system::info()?;
        let (mut first, rest) = region.split_at(3 * PAGE);
        let (middle, mut last) = rest.split_at(5 * PAGE);
        let freed = middle.as_ptr();
        middle.free()?;
        let after = system::info()?;
        check_eq!(before.pages_promised - after.pages_promised, 5);
        // On a machine that is short of frames, pages of others come and go meanwhile.
        if before.frames_free > 1000 {
            check_eq!(after.frames_free - before.frames_free, 5);
        }
        for index in 0..5 {
            check_eq!(mapping(freed.wrapping_add(index * PAGE)), Err(Error::BadAddress));
        }
        check!(is_marked(&mut first, 0) && is_marked(&mut last, 8));
    }
    Ok(())
}

fn every_run_of_pages_of_a_region_can_be_freed() -> Verdict {
    const PAGES: usize = 4;
    for first in 0..PAGES {
        for end in first + 1..=PAGES {
            let before = system::info()?.pages_promised;
            let mut region = Region::allocate(PAGES * PAGE)?;
            mark(&mut region, 0);
            let start = region.as_ptr();
            free_pages(start.wrapping_add(first * PAGE), (end - first) * PAGE)?;
            for index in 0..PAGES {
                let is_there = mapping(start.wrapping_add(index * PAGE)).is_ok();
                check_eq!(is_there, !(first..end).contains(&index), "page {index} without {first}..{end}");
                // SAFETY: the page is there, and was filled above.
                let words = || unsafe { core::slice::from_raw_parts(start.add(index * PAGE).cast::<u32>(), PAGE / 4) };
                check!(!is_there || tests::holds(words(), u32::try_from(index)?));
            }
            for (from, to) in [(0, first), (end, PAGES)] {
                if from < to {
                    free_pages(start.wrapping_add(from * PAGE), (to - from) * PAGE)?;
                }
            }
            core::mem::forget(region);
            check_eq!(system::info()?.pages_promised, before);
        }
    }
    Ok(())
}

fn a_hole_within_a_region_is_used_again_and_is_empty() -> Verdict {
    let mut region = Region::allocate(9 * PAGE)?;
    region.words().fill(0x5EC2_E7ED);
    let (mut first, rest) = region.split_at(4 * PAGE);
    let (middle, mut last) = rest.split_at(2 * PAGE);
    let hole = middle.as_ptr();
    middle.free()?;
    let mut again = Region::allocate(2 * PAGE)?;
    check_eq!(again.as_ptr(), hole);
    check!(again.words().iter().all(|&word| word == 0));
    again.words().fill(7);
    check!(first.words().iter().chain(last.words().iter()).all(|&word| word == 0x5EC2_E7ED));
    Ok(())
}

fn page_tables_of_a_freed_run_are_given_back() -> Verdict {
    const TABLE_SPAN: usize = 4 << 20;
    let mut region = Region::allocate(4 * TABLE_SPAN)?;
    for offset in (0..4 * TABLE_SPAN).step_by(TABLE_SPAN / 2) {
        region.bytes()[offset] = 1;
    }
    // All of it but its first and its last page, so that the tables in between are not needed any
    // more.
    let first_table = (region.as_ptr().addr() + PAGE).next_multiple_of(TABLE_SPAN);
    let tables = (region.as_ptr().addr() + 4 * TABLE_SPAN - PAGE) / TABLE_SPAN - first_table / TABLE_SPAN;
    let before = system::info()?;
    let (mut first, rest) = region.split_at(PAGE);
    let (middle, mut last) = rest.split_at(4 * TABLE_SPAN - 2 * PAGE);
    middle.free()?;
    let after = system::info()?;
    check_eq!((before.frames_tables - after.frames_tables) as usize, tables);
    check_eq!((before.pages_promised - after.pages_promised) as usize, 4 * TABLE_SPAN / PAGE - 2 + tables);
    check_eq!((first.bytes()[0], last.bytes()[0]), (1, 0));
    last.bytes()[PAGE - 1] = 3;
    Ok(())
}

fn every_second_page_can_be_freed() -> Verdict {
    const PAGES: usize = 300;
    let before = system::info()?;
    let mut region = Region::allocate(PAGES * PAGE)?;
    mark(&mut region, 0);
    let mut kept = Vec::new();
    let mut rest = region;
    while kept.len() < PAGES / 2 - 1 {
        let (page, after) = rest.split_at(PAGE);
        kept.push(page);
        let (page, after) = after.split_at(PAGE);
        page.free()?;
        rest = after;
    }
    let (page, last) = rest.split_at(PAGE);
    kept.push(page);
    last.free()?;
    check_eq!(system::info()?.pages_promised - before.pages_promised, u32::try_from(PAGES / 2)?);
    for round in 0..2 {
        for (index, page) in (0u32..).zip(&mut kept) {
            check!(is_marked(page, index * 2 + round), "page {index}");
            mark(page, index * 2 + round + 1);
        }
    }
    drop(kept);
    check_eq!(system::info()?.pages_promised, before.pages_promised);
    Ok(())
}

fn a_pools_region_can_be_freed_in_parts() -> Verdict {
    let pool = VmPool::new(POOL, 16 * PAGE)?;
    let mut region = pool.allocate(8 * PAGE)?;
    region.words().fill(5);
    let page = |index: usize| region.as_ptr().wrapping_add(index * PAGE);
    free_pages(page(2), 3 * PAGE)?;
    let legitimate = [1, 2, 4, 5].map(|index| pool.is_legitimate(page(index)));
    check_eq!(legitimate, [true, false, false, true]);
    let mut again = pool.allocate(3 * PAGE)?;
    check_eq!(again.as_ptr(), page(2));
    check!(again.words().iter().all(|&word| word == 0));
    Ok(())
}

fn run_that_leaves_its_region_is_refused() -> Verdict {
    let mut regions = [Region::allocate(3 * PAGE)?, Region::allocate(3 * PAGE)?];
    for region in &mut regions {
        mark(region, 3);
    }
    let file = made("parts", 3)?;
    let mapped = MappedFile::new(&file, 0, 3 * PAGE, READ)?;
    let (start, local) = (regions[0].as_ptr(), 0u32);
    let text = run_that_leaves_its_region_is_refused as *const u8;
    let page_of = |at: *const u8| at.wrapping_sub(at.addr() % PAGE);
    let at = |address: u32| core::ptr::without_provenance::<u8>(address as usize);
    let before = system::info()?.pages_promised;
    for (what, from, len, error) in [
        ("no bytes", start.cast_const(), 0, Error::InvalidArgument),
        ("part of a page", start, PAGE - 1, Error::InvalidArgument),
        ("a page and a byte", start, PAGE + 1, Error::InvalidArgument),
        ("a misaligned start", start.wrapping_add(4), PAGE, Error::InvalidArgument),
        ("a page too many", start.wrapping_add(PAGE), 3 * PAGE, Error::BadAddress),
        ("two regions", start, 6 * PAGE, Error::BadAddress),
        ("before a region", at(HEAP_START - PAGE_SIZE), PAGE, Error::BadAddress),
        ("null", at(0), PAGE, Error::BadAddress),
        ("text", page_of(text), PAGE, Error::BadAddress),
        ("the beginning of text", at(CODE_START), PAGE, Error::BadAddress),
        ("the stack", page_of((&raw const local).cast()), PAGE, Error::BadAddress),
        ("a mapped file", mapped.as_ptr(), PAGE, Error::BadAddress),
        ("the kernel", at(KERNEL_START), PAGE, Error::BadAddress),
        ("all there is", start, 0xFFFF_F000, Error::BadAddress),
    ] {
        check_eq!(free_pages(from, len), Err(error), "{what}");
    }
    check_eq!(system::info()?.pages_promised, before);
    check!(regions.iter_mut().all(|region| is_marked(region, 3)));
    drop((mapped, file));
    files::remove("parts")?;
    Ok(())
}

fn rest_of_a_region_is_freed_by_its_start() -> Verdict {
    let before = system::info()?.pages_promised;
    let region = Region::allocate(6 * PAGE)?;
    let start = region.as_ptr();
    core::mem::forget(region);
    free_pages(start, 2 * PAGE)?;
    check_eq!(free_memory(start), Err(Error::BadAddress));
    free_pages(start.wrapping_add(4 * PAGE), PAGE)?;
    for left in [2, 5] {
        free_memory(start.wrapping_add(left * PAGE))?;
    }
    check_eq!(system::info()?.pages_promised, before);
    Ok(())
}

fn a_region_that_cannot_be_split_any_more_loses_nothing() -> Verdict {
    const PAGES: usize = 8400;
    let before = system::info()?.pages_promised;
    let region = Region::allocate(PAGES * PAGE)?;
    let start = region.as_ptr();
    core::mem::forget(region);
    let odd = || (1..PAGES).step_by(2).map(|index| start.wrapping_add(index * PAGE));
    let refused = odd().position(|page| free_pages(page, PAGE).is_err()).unwrap_or(0);
    check!((4000..4096).contains(&refused), "refused after {refused} splits");
    let page = start.wrapping_add((2 * refused + 1) * PAGE);
    check_eq!(free_pages(page, PAGE), Err(Error::OutOfMemory));
    check!(mapping(page).is_ok());
    check_eq!(Region::allocate(PAGE).err(), Some(Error::OutOfAddressSpace));
    // The end of a region can be freed still: that is no split.
    free_pages(start.wrapping_add((PAGES - 1) * PAGE), PAGE)?;
    for index in 0..refused {
        free_memory(start.wrapping_add(2 * index * PAGE))?;
    }
    free_memory(start.wrapping_add(2 * refused * PAGE))?;
    check_eq!(system::info()?.pages_promised, before);
    Ok(())
}

fn use_of_a_freed_part_ends_the_program() -> Verdict {
    for (first, end) in [(0, 2), (1, 4), (3, 6)] {
        for (rule, access) in [("read", Access::Read), ("write", Access::Write)] {
            for page in first..end {
                let (address, instruction) = (POOL + page * PAGE_SIZE, instruction_of(rule)?);
                let expected = ExitReason::Fault { kind: FaultKind::Unallocated, access, address, instruction };
                let words = [first, end, page].map(|number| format!("{number}"));
                check_eq!(assist(&["after-part-free", rule, &words[0], &words[1], &words[2]])?, expected);
            }
        }
    }
    // The pages beside the part are there.
    check_eq!(assist(&["after-part-free", "read", "2", "4", "1"])?, ExitReason::Exited(0));
    check_eq!(assist(&["after-part-free", "write", "2", "4", "4"])?, ExitReason::Exited(0));
    Ok(())
}
