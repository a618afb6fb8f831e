//! Which pages are read together with the one that was missed, and whether that pays.
//!
//! The pages beside a missed one are fetched with the same disk command if they lie beside it in the swap file or in their file
//! too, and if frames are free: nobody's page is borrowed for a guess. Each space has a window, which doubles while most pages
//! fetched ahead turn out to be used and halves when they do not; a window of one page is no read-ahead.

use super::{PageTables, Pager, RUN_MAX};
use crate::addr::{Frame, Page};
use crate::frame_table::{FrameUse, SpaceId};
use crate::pte::{Pte, PteFlags, PteState};

/// How far one space reads ahead.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Pages read at once: a power of two, `1..=RUN_MAX`.
    size: u32,
    /// The last pages that were read together: the first, and how many.
    batch: (Page, u32),
    /// The page of them that was missed.
    missed: Page,
}

const SIZE_MAX: u32 = RUN_MAX;
const SIZE_AT_FIRST: u32 = 8;

impl Default for Window {
    fn default() -> Self {
        Self { size: SIZE_AT_FIRST, batch: (Page::new(0), 0), missed: Page::new(0) }
    }
}

impl Window {
    /// Learns from the last batch: of `fetched` pages fetched ahead, `used` were used before `page` was missed.
    fn learn(&mut self, fetched: u32, used: u32, page: Page) {
        if fetched > 0 {
            let pays = used * 2 >= fetched;
            self.size = if pays { self.size * 2 } else { self.size / 2 };
        } else if self.size == 1 && page.number().abs_diff(self.missed.number()) == 1 {
            // Somebody goes from page to page: worth another try.
            self.size = 2;
        }
        self.size = self.size.clamp(1, SIZE_MAX);
    }

    /// The aligned window around `page`: its first page and the one behind its last. Alignment keeps it within one page table.
    const fn around(&self, page: Page) -> (u32, u32) {
        let first = page.number() & !(self.size - 1);
        (first, first + self.size)
    }

    /// Reading several pages at once has failed: the next try is for the missed page alone.
    pub(super) const fn give_up(&mut self) {
        self.size = 1;
    }
}

impl Pager<'_> {
    /// The pages to read together with `page`, as a range of page numbers that holds it: those beside it, up to the limits, that
    /// `joins` says, by number and entry, and for which there are frames to spare.
    pub(super) fn pages_to_read(
        &mut self,
        tables: &mut impl PageTables,
        (directory, space, page): (Frame, SpaceId, Page),
        (lowest, end): (u32, u32),
        joins: impl Fn(&Self, u32, Pte) -> bool,
    ) -> core::ops::Range<u32> {
        let alone = page.number()..page.number() + 1;
        if !self.options.read_ahead {
            return alone;
        }
        let Some(mut window) = self.spaces.get(space).map(|space| space.window) else { return alone };
        let (fetched, used) = self.batch_outcome(tables, directory, space, &window);
        window.learn(fetched, used, page);
        let mut spare = self.pool.free_count().saturating_sub(self.marks.low / 2);
        let (from, to) = window.around(page);
        let (from, to) = (from.max(lowest), to.min(end));
        let mut is_next = |number: u32| {
            let entry = tables.entry(directory, Page::new(number)).unwrap_or(Pte::EMPTY);
            let is_next = spare > 0 && joins(self, number, entry);
            spare -= u32::from(is_next);
            is_next
        };
        let last = (page.number() + 1..to).take_while(|&number| is_next(number)).last().unwrap_or(page.number());
        let first = (from..page.number()).rev().take_while(|&number| is_next(number)).last().unwrap_or(page.number());
        window.batch = (Page::new(first), last + 1 - first);
        window.missed = page;
        if let Some(space) = self.spaces.get_mut(space) {
            space.window = window;
        }
        first..last + 1
    }

    /// How many pages the last batch fetched ahead, and how many of them were used since.
    fn batch_outcome(
        &mut self,
        tables: &mut impl PageTables,
        directory: Frame,
        space: SpaceId,
        window: &Window,
    ) -> (u32, u32) {
        let (first, count) = window.batch;
        let mut used = 0;
        for number in (first.number()..first.number() + count).filter(|&number| number != window.missed.number()) {
            let state = tables.entry(directory, Page::new(number)).map(Pte::decode);
            if let Some(PteState::Present(frame, flags)) = state {
                let waits = matches!(self.frames.get(frame), FrameUse::Resident { ahead: true, .. });
                // A policy that has looked before has taken the accessed bit.
                used += u32::from(flags.contains(PteFlags::ACCESSED) || !waits);
                if flags.contains(PteFlags::ACCESSED) {
                    self.settle_ahead(space, frame, true);
                }
            }
        }
        (count.saturating_sub(1), used)
    }

    /// Books whether a page that was fetched ahead was used, once.
    #[cold]
    pub(super) fn settle_ahead(&mut self, space: SpaceId, frame: Frame, used: bool) {
        if let FrameUse::Resident { owner, slot, ahead: true } = self.frames.get(frame) {
            self.frames.set(frame, FrameUse::Resident { owner, slot, ahead: false });
            self.count(space, |account| {
                let counter = if used { &mut account.read_ahead_hits } else { &mut account.read_ahead_misses };
                *counter = counter.wrapping_add(1);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SIZE_AT_FIRST, SIZE_MAX, Window};
    use crate::addr::Page;

    #[test]
    fn the_window_grows_while_it_pays_and_closes_when_it_does_not() {
        let mut window = Window::default();
        assert_eq!(window.size, SIZE_AT_FIRST);
        (0..9).for_each(|_| window.learn(7, 4, Page::new(100)));
        assert_eq!(window.size, SIZE_MAX);
        (0..9).for_each(|_| window.learn(7, 3, Page::new(100)));
        assert_eq!(window.size, 1);
        window.learn(0, 0, Page::new(100));
        assert_eq!(window.size, 1, "one page says nothing");
        window.missed = Page::new(101);
        window.learn(0, 0, Page::new(100));
        assert_eq!(window.size, 2, "a neighbour was missed");
    }

    #[test]
    fn a_window_is_aligned() {
        assert_eq!(Window::default().around(Page::new(19)), (16, 24));
    }
}
