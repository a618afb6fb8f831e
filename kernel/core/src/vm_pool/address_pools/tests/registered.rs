//! Pools that a program registers, against a list of pools and regions.

use abi::layout::{
    CODE_START, FILE_END, FILE_START, HEAP_END, HEAP_START, KERNEL_START, OWN_POOLS_MAX, STACK_END, STACK_LIMIT,
};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;

use super::{AddressPools, MAPPED, page, pools, release};
use crate::addr::Page;
use crate::vm_pool::{Backing, MAX_REGIONS, Rights, VmPoolError};

const POOL: u32 = 0x2000_0000;

/// Four pools of the kernel's and one of the program's, of 8 pages.
fn with_pool() -> AddressPools {
    let mut pools = pools();
    pools.register(page(POOL), 8).unwrap();
    pools
}

fn allocate(pools: &mut AddressPools, base: u32, page_count: u32) -> Result<Page, VmPoolError> {
    let first = pools.own_hole(page(base), page_count)?;
    pools.allocate_at(first, page_count, Rights::READ | Rights::WRITE, Backing::Zero).map(|()| first)
}

#[test]
fn a_registered_pool_is_legitimate_only_where_it_is_allocated() {
    let mut pools = with_pool();
    assert!(pools.region_of(page(POOL)).is_none(), "a pool is no region");
    let first = allocate(&mut pools, POOL, 2).unwrap();
    assert_eq!(first, page(POOL));
    let is_legitimate = |number| pools.region_of(first.checked_add(number).unwrap()).is_some();
    assert_eq!([0, 1, 2, 7].map(is_legitimate), [true, true, false, false]);
    assert_eq!(pools.unregister_step(page(POOL)).unwrap().map(|region| region.page_count()), Some(2));
    assert!(pools.region_of(page(POOL)).is_none());
    assert_eq!(pools.unregister_step(page(POOL)), Ok(None));
    assert_eq!(pools.unregister_step(page(POOL)), Err(VmPoolError::NoPool));
}

#[test]
fn ranges_that_are_taken_or_no_programs_cannot_be_registered() {
    let mut pools = with_pool();
    pools.allocate_at(page(0x9000_0000), 2, Rights::READ, MAPPED).unwrap();
    for (base, page_count, error) in [
        (0, 1, VmPoolError::OutsidePool),
        (CODE_START - 4096, 1, VmPoolError::OutsidePool),
        (FILE_END, 1, VmPoolError::OutsidePool),
        (FILE_END - 4096, 2, VmPoolError::OutsidePool),
        (STACK_LIMIT, 1, VmPoolError::OutsidePool),
        (STACK_END - 4096, 1, VmPoolError::OutsidePool),
        (KERNEL_START, 1, VmPoolError::OutsidePool),
        (POOL, u32::MAX, VmPoolError::OutsidePool),
        (POOL, 0, VmPoolError::Empty),
        (POOL, 1, VmPoolError::Overlaps),
        (POOL - 4096, 2, VmPoolError::Overlaps),
        (POOL + 7 * 4096, 2, VmPoolError::Overlaps),
        (CODE_START, 1, VmPoolError::Overlaps),
        (CODE_START + 2 * 4096, 1, VmPoolError::Overlaps),
        (HEAP_START - 4096, 2, VmPoolError::Overlaps),
        (0x9000_1000, 1, VmPoolError::Overlaps),
    ] {
        assert_eq!(pools.register(page(base), page_count), Err(error), "{page_count} pages at {base:#x}");
    }
    for base in [POOL - 4096, POOL + 8 * 4096, 0x8FFF_F000, 0x9000_2000, FILE_END - 4096] {
        assert_eq!(pools.register(page(base), 1), Ok(()), "{base:#x}");
    }
}

#[test]
fn a_program_registers_a_bounded_number_of_pools() {
    let mut pools = pools();
    for index in 0..OWN_POOLS_MAX {
        pools.register(page(POOL + index * 4096), 1).unwrap();
    }
    assert_eq!(pools.register(page(POOL - 4096), 1), Err(VmPoolError::TooManyPools));
    pools.unregister_step(page(POOL)).unwrap();
    assert_eq!(pools.register(page(POOL - 4096), 1), Ok(()));
}

#[test]
fn more_pools_do_not_mean_more_regions() {
    let mut pools = pools();
    let most = u32::try_from(MAX_REGIONS).unwrap();
    for base in [POOL, POOL + most * 4096] {
        pools.register(page(base), most).unwrap();
    }
    let mut held = u32::try_from(pools.regions().count()).unwrap();
    while held < most {
        let base = if held % 2 == 0 { POOL } else { POOL + most * 4096 };
        allocate(&mut pools, base, 1).unwrap();
        held += 1;
    }
    assert_eq!(allocate(&mut pools, POOL, 1), Err(VmPoolError::TooManyRegions));
}

#[test]
fn a_region_does_not_leave_its_pool() {
    let mut pools = with_pool();
    assert_eq!(allocate(&mut pools, POOL, 9), Err(VmPoolError::NoHole));
    assert_eq!(allocate(&mut pools, POOL, 0), Err(VmPoolError::Empty));
    assert_eq!(allocate(&mut pools, POOL + 4096, 1), Err(VmPoolError::NoPool), "no pool begins there");
    let last = page(POOL + 7 * 4096);
    assert_eq!(pools.allocate_at(last, 2, Rights::READ, Backing::Zero), Err(VmPoolError::OutsidePool));
    assert_eq!(pools.allocate_at(last, 1, Rights::READ, MAPPED), Err(VmPoolError::Overlaps), "a file lies elsewhere");
}

/// What the test knows: pools and regions, each by its first page and number of pages.
#[derive(Default)]
struct Model {
    pools: Vec<(u32, u32)>,
    regions: Vec<(u32, u32)>,
}

fn overlap((first, count): (u32, u32), other: (u32, u32)) -> bool {
    first < other.0 + other.1 && other.0 < first + count
}

impl Model {
    fn is_free(&self, range: (u32, u32)) -> bool {
        !self.pools.iter().chain(&self.regions).any(|&other| overlap(range, other))
    }

    /// The lowest place for `count` pages in this range that is free by `is_free`.
    fn first_fit(&self, range: (u32, u32), count: u32, is_free: impl Fn((u32, u32)) -> bool) -> Option<u32> {
        let ends = self.pools.iter().chain(&self.regions).map(|&(first, len)| first + len);
        let candidates = ends.chain([range.0]).filter(|&first| first >= range.0 && first + count <= range.1);
        candidates.filter(|&first| is_free((first, count))).min()
    }

    fn find(pools: &[(u32, u32)], first: u32) -> Option<usize> {
        pools.iter().position(|pool| pool.0 == first)
    }
}

fn number(address: u32) -> u32 {
    page(address).number()
}

/// One step of the random program at `first`, near the edge of a range of the kernel's.
fn step(
    pools: &mut AddressPools,
    model: &mut Model,
    (action, first, count): (u8, u32, u32),
) -> Result<(), TestCaseError> {
    let (files, heap) = ((number(CODE_START), number(FILE_END)), (number(HEAP_START), number(HEAP_END)));
    match action % 9 {
        0 | 1 => {
            let fits = first >= files.0 && first + count <= files.1 && model.is_free((first, count));
            prop_assert_eq!(pools.register(Page::new(first), count).is_ok(), fits);
            model.pools.extend(fits.then_some((first, count)));
        }
        2 => {
            let found = Model::find(&model.pools, first);
            prop_assert_eq!(pools.unregister_step(Page::new(first)).is_ok(), found.is_some());
            while let Ok(Some(_)) = pools.unregister_step(Page::new(first)) {}
            if let Some(index) = found {
                let pool = model.pools.swap_remove(index);
                model.regions.retain(|&region| !overlap(region, pool));
            }
        }
        3 | 4 => {
            let pool = model.pools.get(first as usize % model.pools.len().max(1)).copied().unwrap_or((first, 0));
            let is_free = |range| !model.regions.iter().any(|&other| overlap(range, other));
            let fit = model.first_fit((pool.0, pool.0 + pool.1), count, is_free);
            let hole = pools.own_hole(Page::new(pool.0), count).ok();
            prop_assert_eq!(hole.map(Page::number), fit);
            if let Some(hole) = hole {
                pools.allocate_at(hole, count, Rights::READ, Backing::Zero).unwrap();
                model.regions.push((hole.number(), count));
            }
        }
        5 => {
            let hole = pools.heap_hole(count).unwrap();
            prop_assert_eq!(Some(hole.number()), model.first_fit(heap, count, |range| model.is_free(range)));
            pools.allocate_at(hole, count, Rights::READ, Backing::Zero).unwrap();
            model.regions.push((hole.number(), count));
        }
        6 => {
            let hole = pools.file_hole(count).unwrap();
            let fit = model.first_fit((number(FILE_START), files.1), count, |range| model.is_free(range));
            prop_assert_eq!(Some(hole.number()), fit);
            pools.allocate_at(hole, count, Rights::READ, MAPPED).unwrap();
            model.regions.push((hole.number(), count));
        }
        7 => {
            let holder = model.regions.iter().position(|&(start, len)| start <= first && first + count <= start + len);
            let is_mapping = pools.region_of(Page::new(first)).is_some_and(|region| region.is_mapping());
            let holder = holder.filter(|_| !is_mapping);
            let mut left = count;
            while left > 0
                && let Ok(part) = pools.release_part_of_run(Page::new(first), left)
            {
                left -= part.page_count();
            }
            prop_assert_eq!(left, if holder.is_some() { 0 } else { count });
            if let Some((start, len)) = holder.map(|index| model.regions.swap_remove(index)) {
                let parts = [(start, first - start), (first + count, start + len - first - count)];
                model.regions.extend(parts.into_iter().filter(|part| part.1 > 0));
            }
        }
        _ => {
            let start = Page::new(first);
            let found = Model::find(&model.regions, first);
            let is_mapping = pools.region_of(start).is_some_and(|region| region.is_mapping());
            let done = release(pools, start, is_mapping);
            prop_assert_eq!(done.is_ok(), found.is_some());
            found.map(|index| model.regions.swap_remove(index));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn pools_of_programs_and_of_the_kernel_never_share_a_page(
        steps in proptest::collection::vec((any::<u8>(), 0usize..4, -8i32..8, 1u32..7), 1..100),
    ) {
        let edges = [CODE_START, HEAP_START, FILE_START, FILE_END].map(number);
        let mut pools = AddressPools::default();
        let mut model = Model::default();
        for (action, edge, offset, count) in steps {
            step(&mut pools, &mut model, (action, edges[edge].wrapping_add_signed(offset), count))?;
            model.regions.sort_unstable();
            let found = pools.regions().map(|region| (region.first().number(), region.page_count()));
            prop_assert!(found.eq(model.regions.iter().copied()));
            for number in edges.iter().flat_map(|edge| edge - 12..edge + 24) {
                let expected = model.regions.iter().find(|&&region| overlap(region, (number, 1)));
                let found = pools.region_of(Page::new(number)).map(|region| region.first().number());
                prop_assert_eq!(found, expected.map(|region| region.0));
            }
        }
    }
}
