//! One pool, against an array of pages.

use proptest::prelude::{any, prop_assert_eq, proptest};

use super::{Backing, Region, Rights, VmPool, VmPoolError};
use crate::addr::{Page, VirtAddr};

const BASE: u32 = 1000;
const LEN: u32 = 60;

fn region(first: u32, page_count: u32) -> Region {
    Region::new(Page::new(first), page_count, Rights::READ, Backing::Zero)
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
    pool.release(Page::new(BASE)).unwrap();
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
    fn a_pool_behaves_like_an_array_of_pages(steps in proptest::collection::vec((any::<u8>(), 0u32..LEN, 1u32..9), 1..200)) {
        let mut pool = VmPool::new(Page::new(BASE), LEN);
        // For each page, the start of the region it belongs to.
        let mut model = [None; LEN as usize];
        for (action, place, count) in steps {
            let page = Page::new(BASE + place);
            match action % 4 {
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
                _ => {
                    let starts_here = model[place as usize] == Some(place as usize);
                    prop_assert_eq!(pool.release(page).is_ok(), starts_here);
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
