//! The four pools of a process: code, heap, files, stack.

#[cfg(test)]
mod tests;

use abi::Access;
use abi::layout::{
    CODE_END, CODE_START, FILE_END, FILE_START, HEAP_END, HEAP_START, MAPPINGS_MAX, STACK_END, STACK_LIMIT,
};

use super::{Backing, FilePage, Region, Rights, VmPool, VmPoolError};
use crate::addr::{PAGE_SIZE, Page, VirtAddr};

/// The user half of one address space.
pub struct AddressPools {
    code: VmPool,
    heap: VmPool,
    /// Mapped files have a range of their own, but may lie wherever else the program wants them: their pool spans the ranges of
    /// code and heap too.
    files: VmPool,
    stack: VmPool,
}

impl Default for AddressPools {
    fn default() -> Self {
        Self {
            code: pool(CODE_START, CODE_END),
            heap: pool(HEAP_START, HEAP_END),
            files: pool(CODE_START, FILE_END),
            stack: pool(STACK_LIMIT, STACK_END),
        }
    }
}

const _: () = assert!(CODE_START < HEAP_START && HEAP_START < FILE_START && FILE_START < STACK_LIMIT);

const fn pool(start: u32, end: u32) -> VmPool {
    VmPool::new(Page::containing(VirtAddr::new(start)), (end - start) / PAGE_SIZE)
}

impl AddressPools {
    /// The pool of code, heap or stack that begins last of those that begin at `page` or below it; code if none does.
    #[inline]
    fn own_at_or_below(&self, page: Page) -> &VmPool {
        if page >= self.stack.base() {
            &self.stack
        } else if page >= self.heap.base() {
            &self.heap
        } else {
            &self.code
        }
    }

    /// The region that holds `page`, if it is allocated now.
    #[inline]
    pub fn region_of(&self, page: Page) -> Option<&Region> {
        self.legitimate_pool(page.start())?.region_at_or_below(page)
    }

    /// The pool in which the address is legitimate. A page fault asks this first.
    #[inline]
    pub fn legitimate_pool(&self, address: VirtAddr) -> Option<&VmPool> {
        let own = self.own_at_or_below(Page::containing(address));
        if own.is_legitimate(address) { Some(own) } else { self.file_pool_if_legitimate(address) }
    }

    /// The pool of mapped files, if a file is mapped at the address.
    #[inline(never)]
    fn file_pool_if_legitimate(&self, address: VirtAddr) -> Option<&VmPool> {
        Some(&self.files).filter(|files| files.is_legitimate(address))
    }

    /// The first hole of `page_count` pages in the heap.
    ///
    /// # Errors
    /// `Empty`, `NoHole`.
    pub fn heap_hole(&self, page_count: u32) -> Result<Page, VmPoolError> {
        let first = self.heap.hole(page_count)?;
        let mapped = |first, page_count| self.files.first_overlap(first, page_count);
        hole_besides(first, page_count, mapped, |from| self.heap.hole_behind(from, page_count))
    }

    /// The first hole of `page_count` pages where files are mapped; if there is none, the first anywhere in front of the stack.
    ///
    /// # Errors
    /// `Empty`, `NoHole`.
    pub fn file_hole(&self, page_count: u32) -> Result<Page, VmPoolError> {
        if page_count == 0 {
            return Err(VmPoolError::Empty);
        }
        if let Some(first) = self.files.hole_behind(start_of(FILE_START), page_count) {
            return Ok(first);
        }
        let first = self.files.hole_behind(start_of(CODE_START), page_count).ok_or(VmPoolError::NoHole)?;
        let own = |first, page_count| {
            let code = self.code.first_overlap(first, page_count);
            code.or_else(|| self.heap.first_overlap(first, page_count))
        };
        hole_besides(first, page_count, own, |from| self.files.hole_behind(from, page_count))
    }

    /// Adds a region: a mapped file to the pool of files, any other to the pool of code, heap or stack that spans its first page.
    ///
    /// # Errors
    /// `Overlaps` a region of any pool or, for a mapping, the space that the stack may grow to; `OutsidePool`, `Empty`; `TooManyRegions`,
    /// for a mapping at [`MAPPINGS_MAX`] of them. Nothing has changed then.
    pub fn allocate_at(
        &mut self,
        first: Page,
        page_count: u32,
        rights: Rights,
        backing: Backing,
    ) -> Result<(), VmPoolError> {
        let region = Region::new(first, page_count, rights, backing);
        if region.is_mapping() {
            return self.map_at(region);
        }
        let pools = [&mut self.heap, &mut self.code, &mut self.stack];
        let pool = pools.into_iter().find(|pool| pool.spans(first)).ok_or(VmPoolError::OutsidePool)?;
        if self.files.overlaps(first, page_count) {
            return Err(VmPoolError::Overlaps);
        }
        pool.allocate_at(region)
    }

    fn map_at(&mut self, region: Region) -> Result<(), VmPoolError> {
        let (first, page_count) = (region.first(), region.page_count());
        let is_taken = |pool: &VmPool| pool.overlaps(first, page_count);
        // Where the stack may grow to is taken as well.
        if is_taken(&self.code) || is_taken(&self.heap) || self.stack.spans(first) {
            return Err(VmPoolError::Overlaps);
        }
        // To find who maps a page of a file, all of them are looked at.
        if self.files.regions().len() >= MAPPINGS_MAX as usize {
            return Err(VmPoolError::TooManyRegions);
        }
        self.files.allocate_at(region)
    }

    /// Takes out the region of the heap that starts at `start`.
    ///
    /// # Errors
    /// `NoRegion` if none starts there.
    pub fn release_heap(&mut self, start: Page) -> Result<Region, VmPoolError> {
        self.heap.release(start)
    }

    /// Takes out the mapped file that starts at `start`.
    ///
    /// # Errors
    /// `NoRegion` if none starts there.
    pub fn release_mapping(&mut self, start: Page) -> Result<Region, VmPoolError> {
        self.files.release(start)
    }

    /// Takes out some region of some pool; `None` once all are empty.
    pub fn release_any(&mut self) -> Option<Region> {
        [&mut self.heap, &mut self.code, &mut self.stack, &mut self.files].into_iter().find_map(VmPool::release_any)
    }

    /// Some region has a page among the `page_count` pages from `first` on.
    pub fn overlaps(&self, first: Page, page_count: u32) -> bool {
        self.pools().into_iter().any(|pool| pool.overlaps(first, page_count))
    }

    /// All regions, in order of address.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        let mut own = [&self.code, &self.heap, &self.stack].into_iter().flat_map(VmPool::regions).peekable();
        let mut mapped = self.files.regions().iter().peekable();
        core::iter::from_fn(move || match (own.peek(), mapped.peek()) {
            (Some(one), Some(other)) if one.first() > other.first() => mapped.next(),
            (Some(_), _) => own.next(),
            (None, _) => mapped.next(),
        })
    }

    /// The pages that show this page of a file, mapped or not. Only programs' segments and mapped files do.
    pub fn pages_showing(&self, shown: FilePage) -> impl Iterator<Item = Page> {
        let regions = self.code.regions().iter().chain(self.files.regions());
        regions.filter_map(move |region| region.page_showing(shown))
    }

    /// If the stack may grow down to `page`: the page at which it begins now.
    pub fn growable_stack(&self, page: Page) -> Option<Page> {
        let lowest = self.stack.regions().first()?.first();
        (self.stack.spans(page) && page < lowest).then_some(lowest)
    }

    /// Lets the stack begin at `page`.
    ///
    /// # Errors
    /// `NoRegion` if there is no stack, `OutsidePool` if it may not grow there.
    pub fn grow_stack(&mut self, page: Page) -> Result<(), VmPoolError> {
        self.stack.grow_down(page)
    }

    /// Checks that all `len_bytes` bytes from `start` on may be used in this way. What the stack may grow to counts as its own.
    ///
    /// # Errors
    /// `OutsidePool` if a byte is allocated nowhere, lies in a region that does not allow the access, or the range wraps.
    #[inline]
    pub fn check_range(&self, start: VirtAddr, len_bytes: u32, access: Access) -> Result<(), VmPoolError> {
        if len_bytes == 0 {
            return Ok(());
        }
        let last = start.checked_add(len_bytes - 1).ok_or(VmPoolError::OutsidePool)?;
        let (first, last) = (Page::containing(start), Page::containing(last));
        match self.own_at_or_below(first).region_at_or_below(first) {
            // Nearly every range lies in one region.
            Some(region) if last.number() < region.end() && region.rights().allow(access) => Ok(()),
            _ => self.check_pages(first, last, access),
        }
    }

    #[cold]
    fn check_pages(&self, first: Page, last: Page, access: Access) -> Result<(), VmPoolError> {
        let mut page = first.number();
        while page <= last.number() {
            page = match self.region_of(Page::new(page)) {
                Some(region) if region.rights().allow(access) => region.end(),
                Some(_) => return Err(VmPoolError::OutsidePool),
                None => self.growable_stack(Page::new(page)).ok_or(VmPoolError::OutsidePool)?.number(),
            };
        }
        Ok(())
    }

    fn pools(&self) -> [&VmPool; 4] {
        [&self.code, &self.heap, &self.files, &self.stack]
    }
}

/// The first page of the range that begins at this address.
const fn start_of(address: u32) -> Page {
    Page::containing(VirtAddr::new(address))
}

/// A hole of one pool that is one of others, too: from the candidate `first` on, behind whatever is `in_the_way` of each.
fn hole_besides<'a>(
    first: Page,
    page_count: u32,
    in_the_way: impl Fn(Page, u32) -> Option<&'a Region>,
    next: impl Fn(Page) -> Option<Page>,
) -> Result<Page, VmPoolError> {
    let mut first = first;
    while let Some(region) = in_the_way(first, page_count) {
        first = next(Page::new(region.end())).ok_or(VmPoolError::NoHole)?;
    }
    Ok(first)
}
