//! Virtual memory pools: address space, and what was promised in it.
//!
//! Pools and their regions are the *model*: which addresses a program may use, with which rights, backed by what. The page
//! tables are a cache of it that page faults repair.

mod address_pools;
mod region;

use alloc::vec::Vec;

pub use address_pools::AddressPools;
pub use region::{Backing, FilePage, FileRef, Region, Rights};

use crate::addr::{Page, VirtAddr};

/// A range of pages in which regions are allocated and released.
pub struct VmPool {
    base: Page,
    page_count: u32,
    /// In order of address; no two overlap.
    regions: Vec<Region>,
    /// No hole lies below this page, for a region of a single page.
    full_below: Page,
}

/// The most regions one pool holds: what a program can make the kernel remember is bounded.
pub const MAX_REGIONS: usize = 4096;

/// Why a pool refuses. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VmPoolError {
    /// A region has at least one page.
    Empty,
    /// No hole is large enough.
    NoHole,
    /// The range leaves the pool, or no pool has it.
    OutsidePool,
    /// The range overlaps a region.
    Overlaps,
    /// No region starts there.
    NoRegion,
    /// The pool holds [`MAX_REGIONS`] already, too many files are mapped, or the kernel has no memory for one more.
    TooManyRegions,
}

impl VmPool {
    /// A pool of `page_count` pages from `base` on, with nothing allocated.
    pub const fn new(base: Page, page_count: u32) -> Self {
        Self { base, page_count, regions: Vec::new(), full_below: base }
    }

    /// The first page.
    #[inline]
    const fn base(&self) -> Page {
        self.base
    }

    /// The page behind the last one, by number.
    const fn end(&self) -> u32 {
        self.base.number() + self.page_count
    }

    /// The page lies in the pool's range.
    #[inline]
    pub const fn spans(&self, page: Page) -> bool {
        page.number() >= self.base.number() && page.number() < self.end()
    }

    /// The first hole of `page_count` pages.
    ///
    /// # Errors
    /// `Empty`, `NoHole`.
    pub fn hole(&self, page_count: u32) -> Result<Page, VmPoolError> {
        if page_count == 0 {
            return Err(VmPoolError::Empty);
        }
        let mut start = self.full_below.number();
        let from = self.position(self.full_below);
        for region in &self.regions[from..] {
            if region.first().number() - start >= page_count {
                return Ok(Page::new(start));
            }
            start = region.end();
        }
        if self.end() - start >= page_count { Ok(Page::new(start)) } else { Err(VmPoolError::NoHole) }
    }

    /// The first hole of `page_count` pages at `from` or behind it.
    pub fn hole_behind(&self, from: Page, page_count: u32) -> Option<Page> {
        let mut start = self.region_of(from).map_or(from.number(), Region::end);
        for region in &self.regions[self.position(from)..] {
            if region.first().number().saturating_sub(start) >= page_count {
                return Some(Page::new(start));
            }
            start = region.end();
        }
        (self.end().saturating_sub(start) >= page_count).then_some(Page::new(start))
    }

    /// The first region that has a page among the `page_count` pages from `first` on.
    pub fn first_overlap(&self, first: Page, page_count: u32) -> Option<&Region> {
        let end = first.number().saturating_add(page_count);
        let next = || self.regions.get(self.position(first)).filter(|region| region.first().number() < end);
        self.region_of(first).or_else(next).filter(|_| page_count > 0)
    }

    /// Adds a region.
    ///
    /// # Errors
    /// `Empty`, `OutsidePool`, `Overlaps`, `TooManyRegions`.
    pub fn allocate_at(&mut self, region: Region) -> Result<(), VmPoolError> {
        if region.page_count() == 0 {
            return Err(VmPoolError::Empty);
        }
        let end = region.first().number().checked_add(region.page_count());
        if region.first() < self.base || end.is_none_or(|end| end > self.end()) {
            return Err(VmPoolError::OutsidePool);
        }
        if self.overlaps(region.first(), region.page_count()) {
            return Err(VmPoolError::Overlaps);
        }
        if self.regions.len() >= MAX_REGIONS || self.regions.try_reserve(1).is_err() {
            return Err(VmPoolError::TooManyRegions);
        }
        let position = self.position(region.first());
        self.regions.insert(position, region);
        if region.first() == self.full_below {
            self.full_below = Page::new(region.end());
        }
        Ok(())
    }

    /// Takes out the region that starts at `start`.
    ///
    /// # Errors
    /// `NoRegion` if none starts there.
    pub fn release(&mut self, start: Page) -> Result<Region, VmPoolError> {
        let position = self.regions.binary_search_by_key(&start, Region::first).map_err(|_| VmPoolError::NoRegion)?;
        self.full_below = self.full_below.min(start);
        Ok(self.regions.remove(position))
    }

    /// Takes out some region; `None` if there is none.
    pub fn release_any(&mut self) -> Option<Region> {
        let region = self.regions.pop()?;
        self.full_below = self.full_below.min(region.first());
        Some(region)
    }

    /// The region that holds `page`, if it is allocated now.
    #[inline]
    pub fn region_of(&self, page: Page) -> Option<&Region> {
        self.is_legitimate(page.start()).then(|| self.region_at_or_below(page))?
    }

    /// The address lies inside a region that is allocated now. The rest of the pool is not legitimate.
    ///
    /// A page fault asks this first, and `region_of` asks nothing else.
    #[inline]
    pub fn is_legitimate(&self, address: VirtAddr) -> bool {
        let page = Page::containing(address);
        self.region_at_or_below(page).is_some_and(|region| page.number() < region.end())
    }

    /// The region that begins last of those that begin at `page` or below it. If an address in `page` is legitimate, the region holds it.
    #[inline]
    pub fn region_at_or_below(&self, page: Page) -> Option<&Region> {
        match self.regions.last()? {
            last if last.first() <= page => Some(last),
            _ => self.regions.get(..self.position_behind(page))?.last(),
        }
    }

    /// Some region has a page among the `page_count` pages from `first` on.
    pub fn overlaps(&self, first: Page, page_count: u32) -> bool {
        self.first_overlap(first, page_count).is_some()
    }

    /// The regions, in order of address.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Lets the lowest region begin at `new_first` instead, further down.
    ///
    /// # Errors
    /// `NoRegion` if there is none, `OutsidePool` if `new_first` is not in the pool and below it.
    pub fn grow_down(&mut self, new_first: Page) -> Result<(), VmPoolError> {
        let lowest = self.regions.first_mut().ok_or(VmPoolError::NoRegion)?;
        if new_first < self.base || new_first >= lowest.first() {
            return Err(VmPoolError::OutsidePool);
        }
        *lowest = Region::new(new_first, lowest.end() - new_first.number(), lowest.rights(), lowest.backing());
        Ok(())
    }

    /// How many regions begin before `page`.
    fn position(&self, page: Page) -> usize {
        self.regions.partition_point(|region| region.first() < page)
    }

    /// How many regions begin at `page` or before it.
    #[inline(never)]
    fn position_behind(&self, page: Page) -> usize {
        self.regions.partition_point(|region| region.first() <= page)
    }
}

#[cfg(test)]
mod tests {
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
        assert!(!pool.is_legitimate(first), "the pool as a whole is not");
        pool.allocate_at(region(BASE, 2)).unwrap();
        let last = VirtAddr::new(first.raw() + 2 * 4096 - 1);
        assert!(pool.is_legitimate(first) && pool.is_legitimate(last));
        assert!(!pool.is_legitimate(VirtAddr::new(last.raw() + 1)));
        pool.release(Page::new(BASE)).unwrap();
        assert!(!pool.is_legitimate(first), "use after release is noticed");
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
}
