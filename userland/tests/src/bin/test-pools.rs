//! Pools that a program registers: where they may lie, what is in them, and what ends with them.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;

use libsys::abi::layout::{
    CODE_START, FILE_END, FILE_START, HEAP_START, KERNEL_START, OWN_POOLS_MAX, PAGE_SIZE, STACK_END, STACK_LIMIT,
};
use libsys::abi::{Access, FaultKind};
use libsys::files::{self, MappedFile};
use libsys::memory::{PoolRegion, Region, VmPool};
use libsys::record::SystemInfo;
use libsys::test::Verdict;
use libsys::{Error, ExitReason, call, check, check_eq, system};
use tests::mapped::{READ, address, made};
use tests::{PAGE, POOL, assist, instruction_of};

libsys::tests! {
    regions_of_two_pools_keep_their_values,
    a_pool_lies_anywhere_in_free_user_space,
    what_is_there_is_never_registered_over,
    odd_ranges_are_refused,
    heap_and_files_keep_off_a_pool,
    a_full_pool_refuses_and_the_heap_does_not,
    only_what_is_allocated_now_is_legitimate,
    a_pool_takes_no_memory_until_it_is_touched,
    an_unregistered_pool_leaves_nothing_behind,
    a_process_that_ends_leaves_no_pool_behind,
    unallocated_pages_of_a_pool_end_the_program,
    sixteen_pools_can_be_registered,
}

const SECOND_POOL: u32 = 0x9000_0000;

fn regions_of_two_pools_keep_their_values() -> Verdict {
    let pools = [VmPool::new(POOL, 64 * PAGE)?, VmPool::new(SECOND_POOL, 64 * PAGE)?];
    let mut regions: Vec<PoolRegion<'_>> = Vec::new();
    for count in 1..=10 {
        regions.push(pools[count % 2].allocate(count * PAGE)?);
    }
    for (seed, region) in (0..).zip(&mut regions) {
        check!(region.words().iter().all(|&word| word == 0), "region {seed} is not empty");
        tests::fill(region.words(), seed);
    }
    for (seed, region) in (0..).zip(&mut regions) {
        check!(tests::holds(region.words(), seed), "region {seed}");
        check_eq!(region.bytes().len(), (seed as usize + 1) * PAGE);
    }
    // Holes are used again, the first that is large enough.
    let hole = regions[3].as_ptr();
    pools[0].release(regions.remove(3))?;
    check_eq!(pools[0].allocate(3 * PAGE)?.as_ptr(), hole);
    Ok(())
}

fn a_pool_lies_anywhere_in_free_user_space() -> Verdict {
    for base in
        [POOL, HEAP_START - 2 * PAGE_SIZE, HEAP_START + 0x1000_0000, FILE_START - PAGE_SIZE, FILE_END - 2 * PAGE_SIZE]
    {
        let pool = VmPool::new(base, 2 * PAGE)?;
        let mut region = pool.allocate(2 * PAGE)?;
        check_eq!(address(region.as_ptr()), base);
        tests::fill(region.words(), base);
        check!(tests::holds(region.words(), base), "{base:#x}");
    }
    Ok(())
}

fn what_is_there_is_never_registered_over() -> Verdict {
    let heap = Region::allocate(3 * PAGE)?;
    let file = made("over", 3)?;
    let mapped = MappedFile::new(&file, 0, 3 * PAGE, READ)?;
    let pool = VmPool::new(POOL, 4 * PAGE)?;
    let region = pool.allocate(PAGE)?;
    let text = what_is_there_is_never_registered_over as *const u8;
    let text = address(text) & !(PAGE_SIZE - 1);
    let before = system::info()?.pages_promised;
    for (what, base) in [
        ("text", text),
        ("the page before text", text - PAGE_SIZE),
        ("heap", address(heap.as_ptr())),
        ("the heap's last page", address(heap.as_ptr()) + 2 * PAGE_SIZE),
        ("a mapping", address(mapped.as_ptr())),
        ("a mapping's last page", address(mapped.as_ptr()) + 2 * PAGE_SIZE),
        ("the page before a mapping", address(mapped.as_ptr()) - PAGE_SIZE),
        ("a pool", POOL),
        ("a pool's last page", POOL + 3 * PAGE_SIZE),
        ("the page before a pool", POOL - PAGE_SIZE),
    ] {
        check_eq!(VmPool::new(base, 2 * PAGE).err(), Some(Error::Overlaps), "{what}");
    }
    check_eq!(system::info()?.pages_promised, before);
    check_eq!(MappedFile::at(POOL + PAGE_SIZE, &file, 0, PAGE, READ).err(), Some(Error::Overlaps));
    drop((heap, mapped, file, region));
    files::remove("over")?;
    Ok(())
}

fn odd_ranges_are_refused() -> Verdict {
    let before = system::info()?.pages_promised;
    for (base, len, error) in [
        (POOL, 0, Error::InvalidArgument),
        (POOL, 1, Error::InvalidArgument),
        (POOL, 4095, Error::InvalidArgument),
        (POOL + 1, 4096, Error::InvalidArgument),
        (POOL + 2048, 4096, Error::InvalidArgument),
        (0, 4096, Error::BadAddress),
        (0x1000, 4096, Error::BadAddress),
        (CODE_START - PAGE_SIZE, 4096, Error::BadAddress),
        (FILE_END - PAGE_SIZE, 8192, Error::BadAddress),
        (STACK_LIMIT - PAGE_SIZE, 4096, Error::BadAddress),
        (STACK_LIMIT, 4096, Error::BadAddress),
        (STACK_END - PAGE_SIZE, 4096, Error::BadAddress),
        (KERNEL_START, 4096, Error::BadAddress),
        (0xFFFF_F000, 4096, Error::BadAddress),
        (POOL, 0xFFFF_F000, Error::BadAddress),
        (SECOND_POOL, KERNEL_START - SECOND_POOL + PAGE_SIZE, Error::BadAddress),
    ] {
        check_eq!(call::register_pool(base, len), Err(error), "{len:#x} bytes at {base:#x}");
    }
    let pool = VmPool::new(POOL, 4 * PAGE)?;
    for base in [0, POOL + 1, POOL + PAGE_SIZE, HEAP_START, CODE_START, KERNEL_START] {
        check_eq!(call::unregister_pool(base), Err(Error::BadAddress), "{base:#x}");
        check_eq!(call::allocate_in_pool(base, 4096), Err(Error::BadAddress), "{base:#x}");
    }
    check_eq!(call::allocate_in_pool(POOL, 0), Err(Error::InvalidArgument));
    check_eq!(system::info()?.pages_promised, before);
    drop(pool);
    check_eq!(call::unregister_pool(POOL), Err(Error::BadAddress));
    Ok(())
}

fn heap_and_files_keep_off_a_pool() -> Verdict {
    // Where the heap and files would go next.
    let next = address(Region::allocate(PAGE)?.as_ptr());
    let file = made("beside", 2)?;
    let next_file = address(MappedFile::new(&file, 0, 2 * PAGE, READ)?.as_ptr());
    let pools = [VmPool::new(next, 16 * PAGE)?, VmPool::new(next_file, 16 * PAGE)?];
    let heap = Region::allocate(PAGE)?;
    check!(address(heap.as_ptr()) >= next + 16 * PAGE_SIZE, "{:p}", heap.as_ptr());
    let mapped = MappedFile::new(&file, 0, 2 * PAGE, READ)?;
    check_eq!(address(mapped.as_ptr()), next_file + 16 * PAGE_SIZE);
    for (pool, base) in pools.iter().zip([next, next_file]) {
        check_eq!(address(pool.allocate(16 * PAGE)?.as_ptr()), base);
    }
    drop((mapped, file, pools));
    check_eq!(address(Region::allocate(PAGE)?.as_ptr()), next);
    files::remove("beside")?;
    Ok(())
}

fn a_full_pool_refuses_and_the_heap_does_not() -> Verdict {
    let pool = VmPool::new(POOL, 4 * PAGE)?;
    let all = pool.allocate(4 * PAGE)?;
    check_eq!(pool.allocate(1).err(), Some(Error::OutOfAddressSpace));
    let heap = Region::allocate(PAGE)?;
    pool.release(all)?;
    check_eq!(pool.allocate(4 * PAGE + 1).err(), Some(Error::OutOfAddressSpace));
    drop(heap);
    Ok(())
}

fn only_what_is_allocated_now_is_legitimate() -> Verdict {
    let pool = VmPool::new(POOL, 4 * PAGE)?;
    let at = |offset: usize| core::ptr::without_provenance::<u8>(POOL as usize + offset);
    let heap = Region::allocate(PAGE)?;
    check!(!pool.is_legitimate(at(0)));
    let region = pool.allocate(2 * PAGE)?;
    let answers = [0, 2 * PAGE - 1, 2 * PAGE, 4 * PAGE].map(|offset| pool.is_legitimate(at(offset)));
    check_eq!(answers, [true, true, false, false]);
    check!(!pool.is_legitimate(heap.as_ptr()), "the heap is another pool");
    pool.release(region)?;
    check!(!pool.is_legitimate(at(0)));
    Ok(())
}

fn a_pool_takes_no_memory_until_it_is_touched() -> Verdict {
    // The second round finds everything that the calls themselves need in memory.
    for _ in 0..2 {
        let before = system::info()?;
        let pool = VmPool::new(POOL, 512 << 20)?;
        check_eq!(system::info()?.pages_promised, before.pages_promised);
        let mut region = pool.allocate(20 * PAGE)?;
        let granted = system::info()?;
        // 20 pages and their table.
        check_eq!((granted.pages_promised, granted.frames_free), (before.pages_promised + 21, before.frames_free));
        region.words()[0] = 1;
        check_eq!(system::info()?.frames_free, before.frames_free - 2);
    }
    Ok(())
}

fn an_unregistered_pool_leaves_nothing_behind() -> Verdict {
    let mut before = system::info()?;
    for round in 0..3 {
        let pool = VmPool::new(POOL, 8 << 20)?;
        for seed in 0..20 {
            let mut region = pool.allocate(90 * PAGE)?;
            tests::fill(region.words(), seed);
            core::mem::forget(region);
        }
        drop(pool);
        let after = system::info()?;
        if round > 0 {
            // On few frames, some pages of this and other programs come and go meanwhile.
            let unused = |info: &SystemInfo| info.frames_free + info.frames_files;
            check_eq!(after.frames_tables, before.frames_tables);
            check_eq!(after.pages_promised, before.pages_promised);
            check!(unused(&after).abs_diff(unused(&before)) < 16, "{} is not {}", unused(&after), unused(&before));
            check!(
                after.slots_free.abs_diff(before.slots_free) < 16,
                "{} is not {}",
                after.slots_free,
                before.slots_free
            );
        }
        before = after;
    }
    Ok(())
}

fn a_process_that_ends_leaves_no_pool_behind() -> Verdict {
    for _ in 0..3 {
        check_eq!(assist(&["leave-a-pool"])?, ExitReason::Exited(0));
    }
    Ok(())
}

fn unallocated_pages_of_a_pool_end_the_program() -> Verdict {
    for (errand, page) in [("after-unregister", 0), ("in-an-empty-pool", 0), ("past-a-pools-region", 2)] {
        for (rule, access) in [("read", Access::Read), ("write", Access::Write)] {
            let (address, instruction) = (POOL + page * PAGE_SIZE, instruction_of(rule)?);
            let expected = ExitReason::Fault { kind: FaultKind::Unallocated, access, address, instruction };
            check_eq!(assist(&[errand, rule])?, expected, "{errand}");
        }
    }
    Ok(())
}

fn sixteen_pools_can_be_registered() -> Verdict {
    let mut pools = Vec::new();
    for index in 0..OWN_POOLS_MAX {
        pools.push(VmPool::new(POOL + index * PAGE_SIZE, PAGE)?);
    }
    let one_more = || VmPool::new(SECOND_POOL, PAGE);
    check_eq!(one_more().err(), Some(Error::TooManyPools));
    pools.swap_remove(7);
    check!(one_more().is_ok());
    Ok(())
}
