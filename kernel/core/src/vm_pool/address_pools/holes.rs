//! Where the next region goes: holes of one pool that nothing of another pool lies in.

use abi::layout::{CODE_START, FILE_START};

use super::{AddressPools, FILES, HEAP, OWN};
use crate::addr::{Page, VirtAddr};
use crate::vm_pool::{Region, VmPool, VmPoolError};

impl AddressPools {
    /// The first hole of `page_count` pages in the heap.
    ///
    /// # Errors
    /// `Empty`, `NoHole`.
    pub fn heap_hole(&self, page_count: u32) -> Result<Page, VmPoolError> {
        let first = self.first[HEAP].hole(page_count)?;
        self.hole_besides(HEAP, first, page_count).ok_or(VmPoolError::NoHole)
    }

    /// The first hole of `page_count` pages in the pool that the program registered at `base`.
    ///
    /// # Errors
    /// `NoPool`, `Empty`, `NoHole`.
    pub fn own_hole(&self, base: Page, page_count: u32) -> Result<Page, VmPoolError> {
        // Nothing else lies in the range of such a pool.
        self.own.iter().find(|pool| pool.base() == base).ok_or(VmPoolError::NoPool)?.hole(page_count)
    }

    /// The first hole of `page_count` pages where files are mapped; if there is none, the first anywhere below the stack.
    ///
    /// # Errors
    /// `Empty`, `NoHole`.
    pub fn file_hole(&self, page_count: u32) -> Result<Page, VmPoolError> {
        if page_count == 0 {
            return Err(VmPoolError::Empty);
        }
        let mut hole = [FILE_START, CODE_START].into_iter().filter_map(|start| {
            let from = Page::containing(VirtAddr::new(start));
            self.hole_besides(FILES, self.first[FILES].hole_from(from, page_count)?, page_count)
        });
        hole.next().ok_or(VmPoolError::NoHole)
    }

    /// The first hole, from the candidate `first` on, of one of the first four pools that nothing of another pool lies in.
    fn hole_besides(&self, position: usize, first: Page, page_count: u32) -> Option<Page> {
        let mut first = first;
        while let Some(end) = self.end_of_obstacle(position, first, page_count) {
            first = self.first[position].hole_from(Page::new(end), page_count)?;
        }
        Some(first)
    }

    /// Looks for anything that keeps `page_count` pages from `first` on from the pool at `position`: a region of another pool, or another
    /// pool of the program's own, with regions or without. Returns the number of the page after it.
    pub(super) fn end_of_obstacle(&self, position: usize, first: Page, page_count: u32) -> Option<u32> {
        let others = self.first.iter().zip(0..).filter(|&(_, other)| other != position);
        let region = others.filter_map(|(pool, _)| pool.first_overlap(first, page_count)).next();
        let mut own = self.own.iter().zip(OWN..);
        let is_in_the_way = |pool: &VmPool, other| other != position && pool.meets(first, page_count);
        region
            .map(Region::end)
            .or_else(|| own.find(|&(pool, other)| is_in_the_way(pool, other)).map(|(pool, _)| pool.end()))
    }
}
