//! Where frames come from: free ones first, then those of pages that the replacement policy picks.
//!
//! With the cleaner on, victims are picked before a fault needs their frames. Cleaning starts when
//! fewer frames than the low mark are free, and stops at the high mark; neighbours leave together
//! (`evict.rs`). With it off, each fault that finds no free frame borrows exactly one.
//! In the textbook's order, pages of programs are borrowed before cached pages of files.

use super::evict::Eviction;
use super::residents::Borrowable;
use super::{PageOut, PageTables, Pager, Shortage};
use crate::addr::{Frame, SwapSlot};
use crate::frame_pool::FramePoolError;
use crate::frame_table::{FrameUse, SpaceId};
use crate::replacement::any_page;

/// What one step of cleaning came to.
#[derive(Debug)]
#[must_use = "a ticket in it has to be brought back"]
pub enum Cleaned {
    /// Pages that had a valid copy were dropped: their frames are free.
    Freed,
    /// These must be written; bring the ticket back.
    Write(PageOut),
    /// There is nothing that can be borrowed now.
    Nothing,
}

/// When frames are needed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// A fault or a call cannot go on without one. The page in this frame is needed as well, and stays.
    Now { beside: Option<Frame> },
    /// The cleaner works ahead.
    Later,
}

/// How many frames should be free.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    /// With fewer, cleaning starts.
    pub low: u32,
    /// With so many, it stops.
    pub high: u32,
}

impl Marks {
    /// A 32nd of all frames, so that little memory lies idle, and at most a few disk commands' worth.
    pub fn new(frames_total: u32) -> Self {
        let low = (frames_total / 32).clamp(4, 64);
        Self { low, high: 2 * low }
    }
}

/// An n-th of all frames may keep pages of files that the disk cannot write while there are others to borrow. More would take
/// the memory of those whose pages can be written.
const UNWRITABLE_SHARE: u32 = 8;

impl Pager<'_> {
    /// Takes a frame: a free one if there is any, else a borrowed one. Its contents are whatever they were.
    ///
    /// # Errors
    /// A [`Shortage`] if it cannot be had at once.
    #[inline]
    pub(super) fn take_frame(&mut self, tables: &mut impl PageTables) -> Result<Frame, Shortage> {
        self.take_frame_beside(tables, None)
    }

    /// As [`take_frame`](Self::take_frame), but the page in frame `beside` does not make room: the caller copies it.
    ///
    /// # Errors
    /// A [`Shortage`] if a frame cannot be had at once.
    #[inline]
    pub(super) fn take_frame_beside(
        &mut self,
        tables: &mut impl PageTables,
        beside: Option<Frame>,
    ) -> Result<Frame, Shortage> {
        match self.pool.get_frame() {
            Some(frame) => Ok(frame),
            None => self.borrow_frame(tables, beside),
        }
    }

    #[cold]
    fn borrow_frame(&mut self, tables: &mut impl PageTables, beside: Option<Frame>) -> Result<Frame, Shortage> {
        if self.options.cleaner && self.frames.leaving() > 0 {
            return Err(Shortage::Wait);
        }
        match self.make_room(tables, Need::Now { beside }) {
            Cleaned::Freed => self.pool.get_frame().ok_or(Shortage::OutOfFrames),
            Cleaned::Write(ticket) => Err(Shortage::Write(ticket)),
            Cleaned::Nothing if self.frames.in_transit() > 0 => Err(Shortage::Wait),
            Cleaned::Nothing => Err(Shortage::OutOfFrames),
        }
    }

    /// So few frames are free, those counted that are about to be, that cleaning should start.
    #[inline]
    pub const fn should_start_cleaning(&self) -> bool {
        self.options.cleaner && self.free_soon() < self.marks.low
    }

    /// Cleaning that has started should go on.
    pub const fn should_go_on_cleaning(&self) -> bool {
        self.options.cleaner && self.free_soon() < self.marks.high
    }

    #[inline]
    const fn free_soon(&self) -> u32 {
        self.pool.free_count() + self.frames.leaving()
    }

    /// How many pages one victim may take along.
    pub(super) const fn run_limit(&self) -> u32 {
        if !self.options.cleaner {
            return 1;
        }
        let missing = self.marks.high.saturating_sub(self.free_soon());
        if missing == 0 { 1 } else { missing }
    }

    /// Takes frames ahead of need from whoever the replacement policy draws: a page, and neighbours of it if the cleaner is on. The
    /// pages of the last few faults are spared.
    pub fn clean(&mut self, tables: &mut impl PageTables) -> Cleaned {
        self.make_room(tables, Need::Later)
    }

    fn make_room(&mut self, tables: &mut impl PageTables, need: Need) -> Cleaned {
        // The first draw may find a dirty page that owns no slot when none is left; the next is confined to pages that own one.
        let mut must_own_slot = false;
        let mut spares_served = true;
        let kept = if let Need::Now { beside } = need { beside } else { None };
        let mut spares_files = !self.options.files_lend;
        let mut spares_unwritable = (1..=self.frames_total / UNWRITABLE_SHARE).contains(&self.frames.unwritable());
        loop {
            let mut memory = Borrowable {
                frames: &mut self.frames,
                owners: &self.owners,
                spaces: &mut self.spaces,
                mappers: &self.mappers,
                totals: &mut self.totals,
                tables: &mut *tables,
                must_own_slot,
                served: spares_served.then_some(&self.served),
                spares_unwritable,
                kept,
                spares_files,
                now: self.fault_count,
            };
            let chosen = self.policy.choose(&mut memory);
            let Some(victim) = chosen.or_else(|| if need == Need::Later { None } else { any_page(&memory) }) else {
                if need == Need::Later || self.frames.in_transit() > 0 {
                    return Cleaned::Nothing;
                }
                // What was promised comes first; better even one of the last few faults' pages than none.
                if spares_files {
                    spares_files = false;
                } else if spares_unwritable {
                    spares_unwritable = false;
                } else if spares_served {
                    spares_served = false;
                } else {
                    return Cleaned::Nothing;
                }
                continue;
            };
            match self.evict(tables, victim) {
                Eviction::Dropped => return Cleaned::Freed,
                Eviction::MustWrite(ticket) => return Cleaned::Write(ticket),
                Eviction::NoSlot if must_own_slot => return Cleaned::Nothing,
                Eviction::NoSlot => must_own_slot = true,
            }
        }
    }

    /// Tells the books that a page's entry says `Swapped` now, if it owns a slot.
    pub(super) fn note_swapped(&mut self, space: SpaceId, slot: Option<SwapSlot>) {
        if let Some(space) = self.spaces.get_mut(space) {
            space.swapped += u32::from(slot.is_some());
        }
    }

    /// Tells the books that a page's entry does not say `Swapped` any more, if it owns a slot.
    pub(super) fn note_fetched(&mut self, space: SpaceId, slot: Option<SwapSlot>) {
        if let Some(space) = self.spaces.get_mut(space) {
            space.swapped -= u32::from(slot.is_some());
        }
    }

    /// Tells the books that a page is resident.
    #[inline]
    pub(super) fn page_arrived(&mut self, space: SpaceId, frame: Frame) {
        self.owners.page_arrived(space);
        self.policy.page_arrived(space, frame);
    }

    /// Tells the books that a page is not resident any more.
    #[inline]
    pub(super) fn page_left(&mut self, space: SpaceId, frame: Frame) {
        self.owners.pages_left(space, 1);
        self.policy.page_left(space, frame);
    }

    /// Gives a frame back to the pool.
    #[inline(always)]
    pub(super) fn release_frame(&mut self, frame: Frame) {
        self.frames.set(frame, FrameUse::Free);
        if let Err(error) = self.pool.release_frames(frame) {
            not_taken(&error);
        }
    }

    /// Gives a slot back.
    #[cold]
    pub(super) fn free_slot(&mut self, slot: SwapSlot) {
        if let Err(error) = self.slots.free(slot) {
            panic!("the pager freed a slot it did not own: {error}");
        }
    }
}

#[cold]
fn not_taken(error: &FramePoolError) -> ! {
    panic!("the pager released a frame it did not have: {error:?}");
}
