//! Virtual memory pools: address space, and what was promised in it.
//!
//! Pools and their regions are the *model*: which addresses a program may use, with which rights, backed by what. The page
//! tables are a cache of it that page faults repair.

mod address_pools;
mod region;
#[cfg(test)]
mod tests;

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

/// Number of pages that share a page table.
pub const TABLE_PAGES: u32 = 1024;

/// The most regions that one address space has, mapped files not counted: what a program can make the kernel remember is bounded.
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
    /// The range overlaps a region, or a pool that the program registered.
    Overlaps,
    /// No region starts there, or no region holds all of these pages.
    NoRegion,
    /// The space has [`MAX_REGIONS`] already, too many files are mapped, or the kernel has no memory for one more.
    TooManyRegions,
    /// The program has registered [`OWN_POOLS_MAX`](abi::layout::OWN_POOLS_MAX) pools already.
    TooManyPools,
    /// The kernel has no memory for one more pool.
    KernelMemory,
    /// The program has registered no pool that begins there.
    NoPool,
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

    /// The number of the page after the last one.
    const fn end(&self) -> u32 {
        self.base.number() + self.page_count
    }

    /// The page lies in the pool's range.
    #[inline]
    pub const fn spans(&self, page: Page) -> bool {
        page.number().wrapping_sub(self.base.number()) < self.page_count
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

    /// The first hole of `page_count` pages at `from` or after it.
    pub fn hole_from(&self, from: Page, page_count: u32) -> Option<Page> {
        let mut start = from.number();
        for region in &self.regions[self.position_ending_after(from)..] {
            if region.first().number().saturating_sub(start) >= page_count {
                return Some(Page::new(start));
            }
            start = region.end();
        }
        (self.end().saturating_sub(start) >= page_count).then_some(Page::new(start))
    }

    /// The first region that has a page among the `page_count` pages from `first` on.
    #[inline]
    pub fn first_overlap(&self, first: Page, page_count: u32) -> Option<&Region> {
        // In most pools there is nothing to search.
        if self.regions.is_empty() || !self.meets(first, page_count) {
            return None;
        }
        let next = self.first_ending_after(first)?;
        (next.first().number() < first.number().saturating_add(page_count)).then_some(next)
    }

    /// The first region that has `page` or a later one.
    #[inline(never)]
    fn first_ending_after(&self, page: Page) -> Option<&Region> {
        self.regions.get(self.position_ending_after(page))
    }

    /// The first region that begins at `page` or after it.
    fn first_from(&self, page: Page) -> Option<&Region> {
        self.regions.get(self.position(page))
    }

    /// The pool's range has a page among the `page_count` pages from `first` on.
    #[inline]
    const fn meets(&self, first: Page, page_count: u32) -> bool {
        let end = first.number().saturating_add(page_count);
        page_count > 0 && first.number() < self.end() && self.base.number() < end
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
        self.regions.try_reserve(1).map_err(|_| VmPoolError::TooManyRegions)?;
        let position = self.position(region.first());
        self.regions.insert(position, region);
        if region.first() == self.full_below {
            self.full_below = Page::new(region.end());
        }
        Ok(())
    }

    /// Takes out the part of a region that lies in the region's last page table: of the region that starts at `start`. The part is all of
    /// it if it lies in one page table.
    ///
    /// # Errors
    /// `NoRegion` if none starts there.
    pub fn release_part(&mut self, start: Page) -> Result<Region, VmPoolError> {
        let position = self.regions.binary_search_by_key(&start, Region::first).map_err(|_| VmPoolError::NoRegion)?;
        Ok(self.release_part_at(position))
    }

    /// Removes the last part of `page_count` pages from `first` on from the region that holds them all: the pages of the run that its last
    /// page table maps. The region's pages before and after the part stay, as regions of their own: two of them only if it `may_split`.
    /// Returns the part as a region.
    ///
    /// # Errors
    /// `Empty`; `NoRegion` if no region holds all of these pages; `TooManyRegions`. Nothing has
    /// changed then.
    pub fn release_part_of_run(
        &mut self,
        first: Page,
        page_count: u32,
        may_split: bool,
    ) -> Result<Region, VmPoolError> {
        if page_count == 0 {
            return Err(VmPoolError::Empty);
        }
        let region = *self.region_of(first).ok_or(VmPoolError::NoRegion)?;
        let end = first.number().checked_add(page_count).filter(|&end| end <= region.end());
        let end = end.ok_or(VmPoolError::NoRegion)?;
        let first = first.number().max((end - 1) & !(TABLE_PAGES - 1));
        let part = |from: u32, to: u32| (from < to).then(|| region.part(Page::new(from), to - from));
        let (before, after) = (part(region.first().number(), first), part(end, region.end()));
        let grows = before.is_some() && after.is_some();
        if grows && (!may_split || self.regions.try_reserve(1).is_err()) {
            return Err(VmPoolError::TooManyRegions);
        }
        let position = self.position(region.first());
        self.regions.splice(position..position + 1, before.into_iter().chain(after));
        let first = Page::new(first);
        self.full_below = self.full_below.min(first);
        Ok(region.part(first, end - first.number()))
    }

    /// [Takes out a part](Self::release_part) of the last region; `None` if there is none.
    pub fn release_any_part(&mut self) -> Option<Region> {
        let position = self.regions.len().checked_sub(1)?;
        Some(self.release_part_at(position))
    }

    fn release_part_at(&mut self, position: usize) -> Region {
        let region = &mut self.regions[position];
        let table_start = Page::new((region.end() - 1) & !(TABLE_PAGES - 1));
        let part = match table_start > region.first() {
            true => region.split_off(table_start),
            false => self.regions.remove(position),
        };
        self.full_below = self.full_below.min(part.first());
        part
    }

    /// Answers whether the address lies inside a region that is allocated now, and with which one. The rest of the pool is not legitimate.
    ///
    /// There is no other check of an address: a page fault asks this first, and so does `region_of`.
    #[inline]
    pub fn is_legitimate(&self, address: VirtAddr) -> Option<&Region> {
        let page = Page::containing(address);
        if !self.spans(page) {
            return None;
        }
        let region = match self.regions.last()? {
            last if last.first() <= page => last,
            _ => self.region_at_or_below(page)?,
        };
        (page.number() < region.end()).then_some(region)
    }

    /// The region that holds `page`, if it is allocated now.
    pub fn region_of(&self, page: Page) -> Option<&Region> {
        self.is_legitimate(page.start())
    }

    /// The region that begins last of those that begin at `page` or below it.
    #[inline(never)]
    fn region_at_or_below(&self, page: Page) -> Option<&Region> {
        let count = self.regions.partition_point(|region| region.first() <= page);
        self.regions.get(..count)?.last()
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

    /// Number of regions that begin before `page`.
    fn position(&self, page: Page) -> usize {
        self.regions.partition_point(|region| region.first() < page)
    }

    /// Position of the first region that has `page` or a later one.
    fn position_ending_after(&self, page: Page) -> usize {
        self.regions.partition_point(|region| region.end() <= page.number())
    }
}
