//! The four pools of a process: code, heap, files, stack.

use abi::Access;
use abi::layout::{CODE_END, CODE_START, FILE_END, FILE_START, HEAP_END, HEAP_START, STACK_END, STACK_LIMIT};

use super::{Backing, Region, Rights, VmPool, VmPoolError};
use crate::addr::{PAGE_SIZE, Page, VirtAddr};

/// The user half of one address space.
pub struct AddressPools {
    code: VmPool,
    heap: VmPool,
    files: VmPool,
    stack: VmPool,
}

impl Default for AddressPools {
    fn default() -> Self {
        Self {
            code: pool(CODE_START, CODE_END),
            heap: pool(HEAP_START, HEAP_END),
            files: pool(FILE_START, FILE_END),
            stack: pool(STACK_LIMIT, STACK_END),
        }
    }
}

const _: () = assert!(CODE_START < HEAP_START && HEAP_START < FILE_START && FILE_START < STACK_LIMIT);

const fn pool(start: u32, end: u32) -> VmPool {
    VmPool::new(Page::containing(VirtAddr::new(start)), (end - start) / PAGE_SIZE)
}

impl AddressPools {
    /// The pool that spans `page`.
    #[inline]
    pub fn pool_of(&self, page: Page) -> Option<&VmPool> {
        let pool = self.pool_at_or_below(page);
        pool.spans(page).then_some(pool)
    }

    /// The pool that begins last of those that begin at `page` or below it; the lowest if none does.
    #[inline]
    fn pool_at_or_below(&self, page: Page) -> &VmPool {
        if page >= self.stack.base() {
            &self.stack
        } else if page >= self.files.base() {
            &self.files
        } else if page >= self.heap.base() {
            &self.heap
        } else {
            &self.code
        }
    }

    /// The region that holds `page`, if it is allocated now.
    #[inline]
    pub fn region_of(&self, page: Page) -> Option<&Region> {
        self.pool_of(page)?.region_of(page)
    }

    /// The address lies inside a region that is allocated now.
    pub fn is_legitimate(&self, address: VirtAddr) -> bool {
        self.region_of(Page::containing(address)).is_some()
    }

    /// The first hole of `page_count` pages in the heap.
    ///
    /// # Errors
    /// `Empty`, `NoHole`.
    pub fn heap_hole(&self, page_count: u32) -> Result<Page, VmPoolError> {
        self.heap.hole(page_count)
    }

    /// The first hole of `page_count` pages in the file pool.
    ///
    /// # Errors
    /// `Empty`, `NoHole`.
    pub fn file_hole(&self, page_count: u32) -> Result<Page, VmPoolError> {
        self.files.hole(page_count)
    }

    /// Adds a region to the pool that spans its first page.
    ///
    /// # Errors
    /// See [`VmPoolError`].
    pub fn allocate_at(
        &mut self,
        first: Page,
        page_count: u32,
        rights: Rights,
        backing: Backing,
    ) -> Result<(), VmPoolError> {
        let pools = [&mut self.heap, &mut self.code, &mut self.stack, &mut self.files];
        let pool = pools.into_iter().find(|pool| pool.spans(first)).ok_or(VmPoolError::OutsidePool)?;
        pool.allocate_at(Region::new(first, page_count, rights, backing))
    }

    /// Takes out the region of the heap that starts at `start`. A mapped file may lie in the heap's range, but is no part of it.
    ///
    /// # Errors
    /// `NoRegion` if none starts there.
    pub fn release_heap(&mut self, start: Page) -> Result<Region, VmPoolError> {
        match self.heap.region_of(start) {
            Some(region) if !region.is_mapping() => self.heap.release(start),
            _ => Err(VmPoolError::NoRegion),
        }
    }

    /// Takes out the mapped file that starts at `start`.
    ///
    /// # Errors
    /// `NoRegion` if none starts there.
    pub fn release_mapping(&mut self, start: Page) -> Result<Region, VmPoolError> {
        let pools = [&mut self.files, &mut self.heap, &mut self.code];
        let pool = pools.into_iter().find(|pool| pool.spans(start)).ok_or(VmPoolError::NoRegion)?;
        match pool.region_of(start) {
            Some(region) if region.is_mapping() => pool.release(start),
            _ => Err(VmPoolError::NoRegion),
        }
    }

    /// The page lies where stacks may grow: nothing else may be put there.
    pub const fn is_stack(&self, page: Page) -> bool {
        self.stack.spans(page)
    }

    /// Takes out some region of some pool; `None` once all are empty.
    pub fn release_any(&mut self) -> Option<Region> {
        [&mut self.heap, &mut self.code, &mut self.stack, &mut self.files].into_iter().find_map(VmPool::release_any)
    }

    /// Some region has a page among the `page_count` pages from `first` on.
    pub fn overlaps(&self, first: Page, page_count: u32) -> bool {
        self.pools().into_iter().any(|pool| pool.overlaps(first, page_count))
    }

    /// All regions, pool by pool, in order of address.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.pools().into_iter().flat_map(VmPool::regions)
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
        match self.pool_at_or_below(first).region_at_or_below(first) {
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

#[cfg(test)]
mod tests {
    use abi::Access;
    use abi::layout::{CODE_START, HEAP_START, KERNEL_START, STACK_END, STACK_LIMIT};

    use super::AddressPools;
    use crate::addr::{PAGE_SIZE, Page, VirtAddr};
    use crate::vm_pool::{Backing, Rights, VmPoolError};

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
        assert!(!check(CODE_START, 3 * PAGE_SIZE, Access::Write), "text may not be written");
        assert!(check(CODE_START + 2 * PAGE_SIZE, PAGE_SIZE, Access::Write));
        for start in [0, HEAP_START - 1, KERNEL_START, u32::MAX] {
            assert!(!check(start, 1, Access::Read), "{start:#x}");
        }
        assert!(!check(HEAP_START, u32::MAX, Access::Read), "wraps");
        assert!(check(0, 0, Access::Read), "no byte is no access");
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
        assert_eq!(core::iter::from_fn(|| pools.release_any()).count(), 4);
        assert_eq!(pools.regions().count(), 0);
    }
}
