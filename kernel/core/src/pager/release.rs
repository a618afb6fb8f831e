//! Giving memory back: a region, a part of one, a pool, or a whole address space.

use super::grant::{table_is_used, table_slots};
use super::{Cost, PageTables, Pager};
use crate::addr::{Frame, Page};
use crate::frame_table::{FrameUse, OwnedPage, SpaceId};
use crate::pte::{Pte, PteState};
use crate::vm_pool::{Region, TABLE_PAGES, VmPoolError};

/// Whether memory that is being freed is all free now.
///
/// A call frees as much as one page table maps. The caller lets interrupts in, and calls again until all is free: meanwhile the region is
/// shorter, and everything else is as usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "some memory may not be free yet"]
pub enum Freed {
    /// Call again.
    Part,
    /// All of it is free.
    All,
}

impl Pager<'_> {
    /// Frees a part of the region that starts at `start`, of the heap or of a pool that the program registered. Its frames and slots, page
    /// tables that are now empty, and the promise are free then.
    ///
    /// # Errors
    /// `NoRegion` if no such region starts there; nothing has changed then.
    pub fn free(&mut self, tables: &mut impl PageTables, id: SpaceId, start: Page) -> Result<Freed, VmPoolError> {
        let space = self.spaces.get_mut(id).ok_or(VmPoolError::NoRegion)?;
        let part = space.pools.release_part(start)?;
        Ok(self.give_back_part(tables, id, start, &part))
    }

    /// Frees the last part of `page_count` pages from `first` on, all of one region of the heap or of a pool that the program
    /// registered. Returns how many of the pages are left; the caller frees them by further calls. The region's other pages stay as
    /// they are: the region becomes shorter, or two regions. Frees the frames and slots of the part, the page tables that are now
    /// empty, and the promise.
    ///
    /// # Errors
    /// `Empty`; `NoRegion` if no such region holds all of these pages; `TooManyRegions`. Nothing has changed then.
    pub fn free_run(
        &mut self,
        tables: &mut impl PageTables,
        id: SpaceId,
        first: Page,
        page_count: u32,
    ) -> Result<u32, VmPoolError> {
        let space = self.spaces.get_mut(id).ok_or(VmPoolError::NoRegion)?;
        let part = space.pools.release_part_of_run(first, page_count)?;
        self.give_back_region(tables, id, &part);
        Ok(part.first().number() - first.number())
    }

    /// Frees a part of a region of the pool that the program registered at `base`, and at last the pool.
    ///
    /// # Errors
    /// `NoPool` if the program has registered none there.
    pub fn unregister_pool(
        &mut self,
        tables: &mut impl PageTables,
        id: SpaceId,
        base: Page,
    ) -> Result<Freed, VmPoolError> {
        let space = self.spaces.get_mut(id).ok_or(VmPoolError::NoPool)?;
        let Some(part) = space.pools.unregister_step(base)? else { return Ok(Freed::All) };
        self.give_back_region(tables, id, &part);
        Ok(Freed::Part)
    }

    /// Frees a part of the mapped file that starts at `start`. Its changes are in memory still, and known as such.
    ///
    /// # Errors
    /// `NoRegion` if no mapped file starts there; nothing has changed then.
    pub fn unmap_file(&mut self, tables: &mut impl PageTables, id: SpaceId, start: Page) -> Result<Freed, VmPoolError> {
        let space = self.spaces.get_mut(id).ok_or(VmPoolError::NoRegion)?;
        let part = space.pools.release_part_of_mapping(start)?;
        Ok(self.give_back_part(tables, id, start, &part))
    }

    /// Frees a part of what the space has, and at last the space. If it is the active space, the caller switches to another directory
    /// before the next allocation of a frame, which may reuse this one's.
    pub fn destroy_space(&mut self, tables: &mut impl PageTables, id: SpaceId) -> Freed {
        let mut page_count = 0;
        while let Some(part) = self.spaces.get_mut(id).and_then(|space| space.pools.release_any_part()) {
            self.give_back_region(tables, id, &part);
            page_count += part.page_count();
            if page_count >= TABLE_PAGES {
                return Freed::Part;
            }
        }
        self.give_back(id, Cost { pages: 0, tables: 1 });
        if let Some(directory) = self.spaces.get(id).and_then(|space| space.directory) {
            self.release_frame(directory);
        }
        self.spaces.remove(id);
        self.owners.remove(id);
        Freed::All
    }

    /// Frees the part of the region that starts at `start`.
    fn give_back_part(&mut self, tables: &mut impl PageTables, id: SpaceId, start: Page, part: &Region) -> Freed {
        self.give_back_region(tables, id, part);
        if part.first() == start { Freed::All } else { Freed::Part }
    }

    /// Frees what lies behind a region that was just taken out of its pool.
    fn give_back_region(&mut self, tables: &mut impl PageTables, id: SpaceId, region: &Region) {
        let mut cost = Cost { pages: region.pages_to_keep(), tables: 0 };
        let directory = self.spaces.get(id).and_then(|space| space.directory);
        let end = region.first().number() + region.page_count();
        for slot in table_slots(region.first(), region.page_count()) {
            let first = region.first().number().max(slot * 1024);
            let last = end.min((slot + 1) * 1024);
            if let Some(directory) = directory {
                self.free_pages(tables, id, directory, first..last);
            }
            if self.spaces.get(id).is_some_and(|space| !table_is_used(&space.pools, slot)) {
                cost.tables += 1;
                let table = directory.and_then(|directory| tables.remove_table(directory, Page::new(first)));
                table.into_iter().for_each(|table| self.release_frame(table));
            }
        }
        self.give_back(id, cost);
    }

    /// Empties the entries of pages that share one page table.
    fn free_pages(
        &mut self,
        tables: &mut impl PageTables,
        id: SpaceId,
        directory: Frame,
        pages: core::ops::Range<u32>,
    ) {
        if tables.entry(directory, Page::new(pages.start)).is_none() {
            return;
        }
        let mut left = 0;
        for page in pages.map(Page::new) {
            let (old, stale) = tables.exchange(directory, page, Pte::EMPTY);
            match old.decode() {
                PteState::Empty => {}
                PteState::Present(frame, _) => {
                    tables.flush(stale);
                    match self.frames.get(frame) {
                        FrameUse::Resident { slot, ahead, .. } => {
                            if ahead {
                                self.settle_ahead(id, frame, old.is_accessed());
                            }
                            self.release_frame(frame);
                            self.policy.page_left(id, frame);
                            left += 1;
                            slot.into_iter().for_each(|slot| self.free_slot(slot));
                        }
                        FrameUse::Cached(_) => self.unmapped(frame, OwnedPage { space: id, page }, old.is_dirty()),
                        _ => self.forget_page_in_transit(frame),
                    }
                }
                PteState::Swapped(slot) => {
                    self.free_slot(slot);
                    self.note_fetched(id, Some(slot));
                }
                PteState::InTransit(frame) => self.forget_page_in_transit(frame),
            }
        }
        self.owners.pages_left(id, left);
    }

    /// The page in `frame`, which is being written, is gone. The frame is free when the disk is done with it.
    #[cold]
    fn forget_page_in_transit(&mut self, frame: Frame) {
        match self.frames.get(frame) {
            FrameUse::TakenBack { owner, slot } => {
                self.frames.set(frame, FrameUse::Orphaned(slot));
                self.page_left(owner.space, frame);
            }
            FrameUse::Leaving { slot, .. } => self.frames.set(frame, FrameUse::Orphaned(slot)),
            other => panic!("a page was freed whose {frame:?} is {other:?}"),
        }
    }
}
