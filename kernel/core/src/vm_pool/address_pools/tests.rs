//! The pools of one address space.

mod registered;

use abi::Access;
use abi::layout::{CODE_START, FILE_END, FILE_START, HEAP_END, HEAP_START, KERNEL_START, STACK_END, STACK_LIMIT};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::AddressPools;
use crate::addr::{PAGE_SIZE, Page, VirtAddr};
use crate::vm_pool::{Backing, FileRef, Rights, VmPoolError};

fn page(address: u32) -> Page {
    Page::containing(VirtAddr::new(address))
}

fn pools() -> AddressPools {
    let mut pools = AddressPools::default();
    let (text, data) = (Rights::READ | Rights::EXECUTE, Rights::READ | Rights::WRITE);
    pools.allocate_at(page(CODE_START), 2, text, Backing::Zero).unwrap();
    pools.allocate_at(page(CODE_START).checked_add(2).unwrap(), 1, data, Backing::Zero).unwrap();
    pools.allocate_at(page(HEAP_START), 3, data, Backing::Zero).unwrap();
    pools.allocate_at(page(STACK_END - 1), 1, data, Backing::Zero).unwrap();
    pools
}

#[test]
fn a_range_must_lie_in_regions_that_allow_the_access() {
    let pools = pools();
    let check = |start, len, access| pools.check_range(VirtAddr::new(start), len, access).is_ok();
    assert!(check(HEAP_START, 3 * PAGE_SIZE, Access::Write));
    assert!(check(HEAP_START + 5, 3 * PAGE_SIZE - 5, Access::Write));
    assert!(!check(HEAP_START, 3 * PAGE_SIZE + 1, Access::Write), "one byte too far");
    assert!(check(CODE_START, 3 * PAGE_SIZE, Access::Read), "over two regions");
    for pages in [1, 2, 3] {
        assert!(!check(CODE_START, pages * PAGE_SIZE, Access::Write), "text may not be written");
    }
    assert!(check(CODE_START + 2 * PAGE_SIZE, PAGE_SIZE, Access::Write));
    for start in [0, HEAP_START - 1, KERNEL_START, u32::MAX] {
        assert!(!check(start, 1, Access::Read), "{start:#x}");
    }
    assert!(!check(HEAP_START, u32::MAX, Access::Read), "wraps");
    assert!(check(0, 0, Access::Read), "no byte is no access");
}

#[test]
fn only_what_is_allocated_now_is_legitimate() {
    let mut pools = pools();
    let is_legitimate = |pools: &AddressPools, address| pools.is_legitimate(VirtAddr::new(address)).is_some();
    let heap_end = HEAP_START + 3 * PAGE_SIZE;
    for address in [CODE_START, HEAP_START, heap_end - 1, STACK_END - 1] {
        assert!(is_legitimate(&pools, address), "{address:#x}");
    }
    for address in [0, CODE_START - 1, heap_end, FILE_START, STACK_LIMIT, STACK_END, KERNEL_START] {
        assert!(!is_legitimate(&pools, address), "{address:#x}");
    }
    pools.release_part(page(HEAP_START)).unwrap();
    assert!(!is_legitimate(&pools, HEAP_START), "use after release is noticed");
}

#[test]
fn what_the_stack_may_grow_to_counts_as_its_own() {
    let pools = pools();
    let check = |start, len| pools.check_range(VirtAddr::new(start), len, Access::Write);
    assert_eq!(check(STACK_LIMIT, STACK_END - STACK_LIMIT), Ok(()));
    assert_eq!(check(STACK_LIMIT - 1, 1), Err(VmPoolError::OutsidePool));
    assert_eq!(check(STACK_END - 1, 2), Err(VmPoolError::OutsidePool));
}

#[test]
fn a_region_may_not_reach_from_one_pool_into_the_next() {
    let mut pools = pools();
    let last = page(abi::layout::HEAP_END - 1);
    assert_eq!(pools.allocate_at(last, 2, Rights::READ, Backing::Zero), Err(VmPoolError::OutsidePool));
    assert_eq!(pools.allocate_at(Page::new(0), 1, Rights::READ, Backing::Zero), Err(VmPoolError::OutsidePool));
    assert_eq!(pools.allocate_at(last, 1, Rights::READ, Backing::Zero), Ok(()));
}

#[test]
fn everything_can_be_taken_out_again() {
    let mut pools = pools();
    assert_eq!(pools.regions().count(), 4);
    assert_eq!(core::iter::from_fn(|| pools.release_any_part()).count(), 4);
    assert_eq!(pools.regions().count(), 0);
}

const MAPPED: Backing = Backing::File { file: FileRef::new(1), first_page: 0, len_bytes: PAGE_SIZE, shared: true };

#[test]
fn a_file_may_be_mapped_over_the_ends_of_pools_and_larger_than_its_own() {
    let mut pools = pools();
    let gibibyte = (1 << 30) / PAGE_SIZE;
    let first = pools.file_hole(gibibyte).unwrap();
    assert_eq!(first, page(HEAP_START).checked_add(3).unwrap(), "behind the heap");
    pools.allocate_at(first, gibibyte, Rights::READ, MAPPED).unwrap();
    assert_eq!(pools.region_of(page(FILE_START)).map(|region| region.first()), Some(first));
    assert_eq!(pools.heap_hole(1), Err(VmPoolError::NoHole));
    assert_eq!(pools.release_part(first), Err(VmPoolError::NoRegion));
    pools.release_part_of_mapping(first).unwrap();
    assert_eq!(pools.file_hole(gibibyte * 3), Err(VmPoolError::NoHole));
}

#[test]
fn a_mapping_stays_out_of_the_stacks_way() {
    let mut pools = pools();
    for (first, error) in [
        (page(STACK_LIMIT), VmPoolError::Overlaps),
        (page(FILE_END), VmPoolError::OutsidePool),
        (page(KERNEL_START), VmPoolError::OutsidePool),
    ] {
        assert_eq!(pools.allocate_at(first, 1, Rights::READ, MAPPED), Err(error), "{first:?}");
    }
    assert_eq!(pools.allocate_at(page(FILE_END - 1), 2, Rights::READ, MAPPED), Err(VmPoolError::OutsidePool));
    assert_eq!(pools.allocate_at(page(FILE_END - 1), 1, Rights::READ, MAPPED), Ok(()));
}

/// Releases a region part by part.
fn release(pools: &mut AddressPools, start: Page, is_mapping: bool) -> Result<(), VmPoolError> {
    loop {
        let part = if is_mapping { pools.release_part_of_mapping(start) } else { pools.release_part(start) }?;
        if part.first() == start {
            return Ok(());
        }
    }
}

proptest! {
    #[test]
    fn regions_of_all_pools_never_overlap_and_are_found(
        steps in proptest::collection::vec((any::<u8>(), 0usize..4, -6i32..6, 1u32..5), 1..100),
    ) {
        let edges = [CODE_START, HEAP_START, HEAP_END, FILE_END].map(|address| page(address).number());
        let mut pools = AddressPools::default();
        // First page, pages, and whether it is a mapping.
        let mut model: Vec<(u32, u32, bool)> = Vec::new();
        for (action, edge, offset, count) in steps {
            let first = edges[edge].wrapping_add_signed(offset);
            let is_mapping = action % 2 == 0;
            let backing = if is_mapping { MAPPED } else { Backing::Zero };
            let is_free = model.iter().all(|&(at, len, _)| first + count <= at || at + len <= first);
            match action % 6 {
                0 | 1 => {
                    let done = pools.allocate_at(Page::new(first), count, Rights::READ, backing);
                    prop_assert!(is_free || done.is_err());
                    if is_mapping {
                        let fits = first >= edges[0] && first + count <= edges[3];
                        prop_assert_eq!(done.is_ok(), is_free && fits);
                    }
                    if done.is_ok() {
                        model.push((first, count, is_mapping));
                    }
                }
                2 | 3 => {
                    let hole = if is_mapping { pools.file_hole(count) } else { pools.heap_hole(count) };
                    let hole = hole.unwrap();
                    prop_assert!(!pools.overlaps(hole, count));
                    pools.allocate_at(hole, count, Rights::READ, backing).unwrap();
                    model.push((hole.number(), count, is_mapping));
                }
                _ => {
                    let is_there = model.iter().position(|&(at, _, mapped)| at == first && mapped == is_mapping);
                    let in_heap = (edges[1]..edges[2]).contains(&first);
                    let start = Page::new(first);
                    let done = release(&mut pools, start, is_mapping);
                    prop_assert_eq!(done.is_ok(), is_there.is_some() && (is_mapping || in_heap));
                    if let (Ok(_), Some(place)) = (done, is_there) {
                        model.swap_remove(place);
                    }
                }
            }
            model.sort_unstable();
            prop_assert!(pools.regions().map(|region| region.first().number()).eq(model.iter().map(|one| one.0)));
            for number in edges.iter().flat_map(|edge| edge - 8..edge + 8) {
                let expected = model.iter().find(|&&(at, len, _)| (at..at + len).contains(&number));
                let found = pools.region_of(Page::new(number)).map(|region| region.first().number());
                prop_assert_eq!(found, expected.map(|one| one.0));
            }
        }
    }
}
