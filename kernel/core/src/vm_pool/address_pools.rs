//! The pools that are registered in an address space, and the regions in all of them.

mod holes;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::iter;

use abi::Access;
use abi::layout::{
    CODE_END, CODE_START, FILE_END, FILE_START, HEAP_END, HEAP_START, MAPPINGS_MAX, OWN_POOLS_MAX, STACK_END,
    STACK_LIMIT,
};

use super::{Backing, MAX_REGIONS, Region, Rights, VmPool, VmPoolError};
use crate::addr::{PAGE_SIZE, Page, VirtAddr};

/// The user half of one address space: the list of its registered pools.
///
/// Each space begins with the first four. A program's own follow, in the order in which they were registered. An address is legitimate
/// in one pool at most, so the order matters for speed alone.
pub struct AddressPools {
    /// The pools of stack, heap, code and files.
    first: [VmPool; OWN],
    /// The pools that the program registered.
    own: Vec<VmPool>,
}

/// Position of the pool of the stack.
const STACK: usize = 0;
/// Position of the pool of the heap.
const HEAP: usize = 1;
/// Position of the pool of the program's segments.
const CODE: usize = 2;
/// Position of the pool of mapped files. Files have a range of their own, but a program may map one anywhere below the stack: this pool
/// spans the ranges of code and heap too.
const FILES: usize = 3;
/// Position of the first pool that the program registered.
const OWN: usize = 4;

const _: () = assert!(CODE_START < HEAP_START && HEAP_START < FILE_START && FILE_START < STACK_LIMIT);

impl Default for AddressPools {
    fn default() -> Self {
        let first = [
            pool(STACK_LIMIT, STACK_END),
            pool(HEAP_START, HEAP_END),
            pool(CODE_START, CODE_END),
            pool(CODE_START, FILE_END),
        ];
        Self { first, own: Vec::new() }
    }
}

const fn pool(start: u32, end: u32) -> VmPool {
    VmPool::new(Page::containing(VirtAddr::new(start)), (end - start) / PAGE_SIZE)
}

impl AddressPools {
    /// All registered pools, in order of position.
    #[inline]
    fn registered(&self) -> impl Iterator<Item = &VmPool> {
        self.first.iter().chain(&self.own)
    }

    /// The pool at a position.
    fn at_mut(&mut self, position: usize) -> Option<&mut VmPool> {
        self.first.iter_mut().chain(&mut self.own).nth(position)
    }

    /// Registers a pool of the program's own: `page_count` pages from `base` on. It may lie wherever a file could be mapped.
    ///
    /// # Errors
    /// `Empty`, `TooManyPools`, `KernelMemory`. `OutsidePool` if it leaves the range from the first page of code to the stack's guard.
    /// `Overlaps` if a region, or another pool of the program's own, lies there. Nothing has changed then.
    pub fn register(&mut self, base: Page, page_count: u32) -> Result<(), VmPoolError> {
        if page_count == 0 {
            return Err(VmPoolError::Empty);
        }
        let files = &self.first[FILES];
        let end = base.number().checked_add(page_count).ok_or(VmPoolError::OutsidePool)?;
        if base < files.base() || end > files.end() {
            return Err(VmPoolError::OutsidePool);
        }
        let position = OWN + self.own.len();
        if self.end_of_obstacle(position, base, page_count).is_some() {
            return Err(VmPoolError::Overlaps);
        }
        if self.own.len() >= OWN_POOLS_MAX as usize {
            return Err(VmPoolError::TooManyPools);
        }
        self.own.try_reserve(1).map_err(|_| VmPoolError::KernelMemory)?;
        self.own.push(VmPool::new(base, page_count));
        Ok(())
    }

    /// Takes a [part](VmPool::release_part) of a region out of the program's own pool that begins at `base`. If the pool has no region, takes the pool out of the list.
    /// `None` says that the pool is gone.
    ///
    /// # Errors
    /// `NoPool` if the program has registered none there.
    pub fn unregister_step(&mut self, base: Page) -> Result<Option<Region>, VmPoolError> {
        let index = self.own.iter().position(|pool| pool.base() == base).ok_or(VmPoolError::NoPool)?;
        let region = self.own[index].release_any_part();
        if region.is_none() {
            self.own.remove(index);
        }
        Ok(region)
    }

    /// Asks the pools whether the address lies inside a region that is allocated now, and returns that region. A page fault asks this
    /// first.
    #[inline]
    pub fn is_legitimate(&self, address: VirtAddr) -> Option<&Region> {
        let found = self.first.iter().find_map(|pool| pool.is_legitimate(address));
        found.or_else(|| self.own.iter().find_map(|pool| pool.is_legitimate(address)))
    }

    /// The region that holds `page`, if it is allocated now.
    pub fn region_of(&self, page: Page) -> Option<&Region> {
        self.is_legitimate(page.start())
    }

    /// Adds a region: a mapped file to the pool of files, any other to the pool that spans its first page.
    ///
    /// # Errors
    /// `Overlaps` a region of another pool, or a pool of the program's own that it is not for. A mapping also overlaps the space that the
    /// stack may grow to. `OutsidePool`, `Empty`, `TooManyRegions`. Nothing has changed then.
    pub fn allocate_at(
        &mut self,
        first: Page,
        page_count: u32,
        rights: Rights,
        backing: Backing,
    ) -> Result<(), VmPoolError> {
        let region = Region::new(first, page_count, rights, backing);
        let position = self.position_for(&region).ok_or(VmPoolError::OutsidePool)?;
        // The stack's whole range is taken, grown or not.
        let in_stack = position == FILES && self.first[STACK].spans(first);
        if in_stack || self.end_of_obstacle(position, first, page_count).is_some() {
            return Err(VmPoolError::Overlaps);
        }
        // A mapping promises no memory, so the number of mappings has a bound of its own.
        let (held, most) = match position {
            FILES => (self.first[FILES].regions().len(), MAPPINGS_MAX as usize),
            _ => (self.region_count(), MAX_REGIONS),
        };
        if held >= most {
            return Err(VmPoolError::TooManyRegions);
        }
        self.at_mut(position).ok_or(VmPoolError::OutsidePool)?.allocate_at(region)
    }

    /// Position of the pool that a region belongs to. A program's own pool comes before the heap or the code that it lies in.
    fn position_for(&self, region: &Region) -> Option<usize> {
        if region.is_mapping() {
            return Some(FILES);
        }
        let own = self.own.iter().position(|pool| pool.spans(region.first()));
        let mut first = [HEAP, CODE, STACK].into_iter();
        own.map(|index| OWN + index).or_else(|| first.find(|&position| self.first[position].spans(region.first())))
    }

    /// Number of regions, mapped files not counted.
    fn region_count(&self) -> usize {
        let all: usize = self.registered().map(|pool| pool.regions().len()).sum();
        all - self.first[FILES].regions().len()
    }

    /// Takes out a [part](VmPool::release_part) of the region that starts at `start`, of the heap or of a pool of the program's own.
    ///
    /// # Errors
    /// `NoRegion` if none starts there.
    pub fn release_part(&mut self, start: Page) -> Result<Region, VmPoolError> {
        self.allocated_pool(start)?.release_part(start)
    }

    /// Removes the [last part](VmPool::release_part_of_run) of `page_count` pages from `first` on from the region that holds them all, of
    /// the heap or of a pool of the program's own. Returns the part as a region.
    ///
    /// # Errors
    /// `Empty`; `NoRegion` if no region holds all of these pages; `TooManyRegions` if
    /// the region would become two, and the space has no room for one more.
    pub fn release_part_of_run(&mut self, first: Page, page_count: u32) -> Result<Region, VmPoolError> {
        let may_split = self.region_count() < MAX_REGIONS;
        self.allocated_pool(first)?.release_part_of_run(first, page_count, may_split)
    }

    /// The pool, of the heap or of the program's own, in which `page` is allocated.
    fn allocated_pool(&mut self, page: Page) -> Result<&mut VmPool, VmPoolError> {
        let mut pools = iter::once(&mut self.first[HEAP]).chain(&mut self.own);
        pools.find(|pool| pool.is_legitimate(page.start()).is_some()).ok_or(VmPoolError::NoRegion)
    }

    /// Takes out a [part](VmPool::release_part) of the mapped file that starts at `start`.
    ///
    /// # Errors
    /// `NoRegion` if none starts there.
    pub fn release_part_of_mapping(&mut self, start: Page) -> Result<Region, VmPoolError> {
        self.first[FILES].release_part(start)
    }

    /// Takes out a [part](VmPool::release_part) of some region of some pool; `None` once all are empty.
    pub fn release_any_part(&mut self) -> Option<Region> {
        self.first.iter_mut().chain(&mut self.own).find_map(VmPool::release_any_part)
    }

    /// Some region has a page among the `page_count` pages from `first` on.
    pub fn overlaps(&self, first: Page, page_count: u32) -> bool {
        self.registered().any(|pool| pool.overlaps(first, page_count))
    }

    /// All regions, in order of address.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        let mut from = 0;
        iter::from_fn(move || {
            let next = self.registered().filter_map(|pool| pool.first_from(Page::new(from)));
            let next = next.min_by_key(|region| region.first())?;
            from = next.end();
            Some(next)
        })
    }

    /// If the stack may grow down to `page`: the page at which it begins now.
    pub fn growable_stack(&self, page: Page) -> Option<Page> {
        let stack = &self.first[STACK];
        let lowest = stack.regions().first()?.first();
        (stack.spans(page) && page < lowest).then_some(lowest)
    }

    /// Lets the stack begin at `page`.
    ///
    /// # Errors
    /// `NoRegion` if there is no stack, `OutsidePool` if it may not grow there.
    pub fn grow_stack(&mut self, page: Page) -> Result<(), VmPoolError> {
        self.first[STACK].grow_down(page)
    }

    /// Checks that all `len_bytes` bytes from `start` on may be used in this way. What the stack may grow to counts as its own.
    ///
    /// # Errors
    /// `OutsidePool` if a byte is allocated nowhere, lies in a region that does not allow the access, or the range wraps.
    pub fn check_range(&self, start: VirtAddr, len_bytes: u32, access: Access) -> Result<(), VmPoolError> {
        if len_bytes == 0 {
            return Ok(());
        }
        let last = start.checked_add(len_bytes - 1).ok_or(VmPoolError::OutsidePool)?;
        let (first, last) = (Page::containing(start), Page::containing(last));
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
}
