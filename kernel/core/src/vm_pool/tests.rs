//! One pool, against an array of pages.

use proptest::prelude::{any, prop_assert_eq, proptest};

use super::{Backing, FileRef, Region, Rights, TABLE_PAGES, VmPool, VmPoolError};
use crate::addr::{PAGE_SIZE, Page, VirtAddr};

const BASE: u32 = 1000;
const LEN: u32 = 60;

fn region(first: u32, page_count: u32) -> Region {
    Region::new(Page::new(first), page_count, Rights::READ, Backing::Zero)
}

/// Releases a region part by part.
fn release(pool: &mut VmPool, start: Page) -> Result<(), VmPoolError> {
    while pool.release_part(start)?.first() != start {}
    Ok(())
}

/// Releases a run of a region's pages part by part.
fn release_run(pool: &mut VmPool, first: u32, page_count: u32, may_split: bool) -> Result<(), VmPoolError> {
    let mut left = page_count;
    loop {
        let part = pool.release_part_of_run(Page::new(first), left, may_split)?;
        assert_eq!(part.end(), first + left, "the last part");
        left -= part.page_count();
        if left == 0 {
            return Ok(());
        }
        assert_eq!(part.first().number() % TABLE_PAGES, 0, "the part has all that its page table maps");
    }
}

#[test]
fn only_what_is_allocated_now_is_legitimate() {
    let mut pool = VmPool::new(Page::new(BASE), LEN);
    let first = Page::new(BASE).start();
    assert_eq!(pool.is_legitimate(first), None, "the pool as a whole is not");
    pool.allocate_at(region(BASE, 2)).unwrap();
    let last = VirtAddr::new(first.raw() + 2 * 4096 - 1);
    for address in [first, last] {
        assert_eq!(pool.is_legitimate(address), Some(&region(BASE, 2)));
    }
    assert_eq!(pool.is_legitimate(VirtAddr::new(last.raw() + 1)), None);
    pool.release_part(Page::new(BASE)).unwrap();
    assert_eq!(pool.is_legitimate(first), None, "use after release is noticed");
}

#[test]
fn a_region_can_grow_down_to_the_base_and_no_further() {
    let mut pool = VmPool::new(Page::new(BASE), LEN);
    pool.allocate_at(region(BASE + LEN - 1, 1)).unwrap();
    pool.grow_down(Page::new(BASE)).unwrap();
    assert_eq!(pool.regions()[0].page_count(), LEN);
    assert_eq!(pool.grow_down(Page::new(BASE - 1)), Err(VmPoolError::OutsidePool));
}

#[test]
fn part_of_one_region_is_removed_and_a_split_needs_permission() {
    let mut pool = VmPool::new(Page::new(BASE), LEN);
    pool.allocate_at(region(BASE, 4)).unwrap();
    pool.allocate_at(region(BASE + 4, 4)).unwrap();
    for (first, page_count, error) in [
        (BASE + 3, 2, VmPoolError::NoRegion),
        (BASE + 8, 1, VmPoolError::NoRegion),
        (BASE - 1, 1, VmPoolError::NoRegion),
        (BASE, u32::MAX, VmPoolError::NoRegion),
        (BASE, 0, VmPoolError::Empty),
    ] {
        assert_eq!(release_run(&mut pool, first, page_count, true), Err(error));
    }
    assert_eq!(release_run(&mut pool, BASE + 1, 2, false), Err(VmPoolError::TooManyRegions));
    assert_eq!(pool.regions(), [region(BASE, 4), region(BASE + 4, 4)]);
    assert_eq!(release_run(&mut pool, BASE + 2, 2, false), Ok(()));
    assert_eq!(release_run(&mut pool, BASE + 4, 1, false), Ok(()));
    assert_eq!(pool.regions(), [region(BASE, 2), region(BASE + 5, 3)]);
}

#[test]
fn part_of_a_region_maps_the_same_pages_of_its_file() {
    let file = FileRef::new(3);
    let whole = |first_page, len_bytes| Backing::File { file, first_page, len_bytes, shared: true };
    let region = Region::new(Page::new(BASE), 6, Rights::READ, whole(10, 3 * PAGE_SIZE + 5));
    for first in 0..6 {
        let part = region.part(Page::new(BASE + first), 6 - first);
        for page in (BASE + first..BASE + 6).map(Page::new) {
            assert_eq!(part.file_page(page), region.file_page(page), "{page:?}");
            assert_eq!(part.file_bytes_from(page), region.file_bytes_from(page), "{page:?}");
        }
    }
}

#[test]
fn sizes_that_wrap_are_refused() {
    let mut pool = VmPool::new(Page::new(BASE), LEN);
    for page_count in [u32::MAX, u32::MAX - BASE, LEN + 1] {
        assert_eq!(pool.allocate_at(region(BASE, page_count)), Err(VmPoolError::OutsidePool));
        assert_eq!(pool.hole(page_count), Err(VmPoolError::NoHole));
    }
    assert_eq!(pool.hole(0), Err(VmPoolError::Empty));
}

proptest! {
    #[test]
    fn parts_of_a_region_lie_in_one_page_table_each_and_have_its_pages(
        first in 0..TABLE_PAGES, page_count in 1..4 * TABLE_PAGES, len_bytes in 0..20_000_000u32, of_file in any::<bool>()
    ) {
        let file = Backing::File { file: FileRef::new(1), first_page: 5, len_bytes, shared: true };
        let backing = if of_file { file } else { Backing::Zero };
        let whole = Region::new(Page::new(first), page_count, Rights::READ, backing);
        let mut pool = VmPool::new(Page::new(0), 8 * TABLE_PAGES);
        pool.allocate_at(whole).unwrap();
        let (mut end, mut to_keep) = (whole.end(), 0);
        while end > first {
            let part = pool.release_part(whole.first()).unwrap();
            prop_assert_eq!(part.end(), end);
            prop_assert_eq!((end - 1) / TABLE_PAGES, part.first().number() / TABLE_PAGES);
            prop_assert_eq!(pool.is_legitimate(part.first().start()), None);
            for page in (part.first().number()..end).map(Page::new) {
                prop_assert_eq!(part.file_page(page), whole.file_page(page));
                prop_assert_eq!(part.file_bytes_from(page), whole.file_bytes_from(page));
            }
            (end, to_keep) = (part.first().number(), to_keep + part.pages_to_keep());
        }
        prop_assert_eq!(to_keep, whole.pages_to_keep());
        prop_assert_eq!(pool.release_part(whole.first()), Err(VmPoolError::NoRegion));
    }

    #[test]
    fn a_pool_behaves_like_an_array_of_pages(steps in proptest::collection::vec((any::<u8>(), 0u32..LEN, 1u32..9), 1..200)) {
        let mut pool = VmPool::new(Page::new(BASE), LEN);
        // For each page, the start of the region it belongs to.
        let mut model = [None; LEN as usize];
        for (action, place, count) in steps {
            let page = Page::new(BASE + place);
            match action % 5 {
                0 | 1 => {
                    let runs = model.windows(count as usize);
                    let hole = runs.into_iter().position(|run| run.iter().all(Option::is_none));
                    let found = pool.hole(count);
                    prop_assert_eq!(found.ok().map(|page| (page.number() - BASE) as usize), hole);
                    if let Some(start) = hole {
                        pool.allocate_at(region(BASE + u32::try_from(start).unwrap(), count)).unwrap();
                        model[start..start + count as usize].fill(Some(start));
                    }
                }
                2 => {
                    let range = place as usize..(place + count) as usize;
                    let fits = model.get(range.clone()).is_some_and(|run| run.iter().all(Option::is_none));
                    prop_assert_eq!(pool.allocate_at(region(BASE + place, count)).is_ok(), fits);
                    if fits {
                        model[range].fill(Some(place as usize));
                    }
                }
                3 => {
                    let range = place as usize..(place + count) as usize;
                    let start = model[place as usize];
                    let is_one_region = start.is_some()
                        && model.get(range.clone()).is_some_and(|run| run.iter().all(|&other| other == start));
                    let released = release_run(&mut pool, page.number(), count, true);
                    prop_assert_eq!(released, if is_one_region { Ok(()) } else { Err(VmPoolError::NoRegion) });
                    if is_one_region {
                        model[range.clone()].fill(None);
                        // What is left after the part is a region that starts there.
                        let after = model[range.end..].iter_mut().take_while(|other| **other == start);
                        after.for_each(|other| *other = Some(range.end));
                    }
                }
                _ => {
                    let starts_here = model[place as usize] == Some(place as usize);
                    prop_assert_eq!(release(&mut pool, page).is_ok(), starts_here);
                    if starts_here {
                        model.iter_mut().filter(|start| **start == Some(place as usize)).for_each(|start| *start = None);
                    }
                }
            }
            for (index, start) in (0..).zip(&model) {
                let found = pool.region_of(Page::new(BASE + index)).map(|region| (region.first().number() - BASE) as usize);
                prop_assert_eq!(found, *start);
                prop_assert_eq!(pool.overlaps(Page::new(BASE + index), 1), start.is_some());
            }
        }
    }
}
