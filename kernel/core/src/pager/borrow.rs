//! Where frames come from: free ones first, then one borrowed from whoever the replacement policy draws.

use super::residents::Borrowable;
use super::{PageOut, PageTables, Pager, Shortage, TransferFailed};
use crate::addr::{Frame, SwapSlot};
use crate::fault::flags_for;
use crate::frame_table::{FrameUse, OwnedPage, SpaceId};
use crate::pte::{Pte, PteFlags, PteState};
use crate::vm_pool::Rights;

/// What became of a victim.
enum Eviction {
    /// It had a valid copy: its frame is free.
    Dropped,
    /// It must be written first.
    MustWrite(PageOut),
    /// It is dirty, owns no slot and none is free: it stays.
    NoSlot,
}

impl Pager<'_> {
    /// Takes a frame: a free one if there is any, else a borrowed one. Its contents are whatever they were.
    ///
    /// # Errors
    /// A [`Shortage`] if it cannot be had at once.
    #[inline]
    pub(super) fn take_frame(&mut self, tables: &mut impl PageTables) -> Result<Frame, Shortage> {
        match self.pool.get_frame() {
            Some(frame) => Ok(frame),
            None => self.borrow_frame(tables),
        }
    }

    #[cold]
    fn borrow_frame(&mut self, tables: &mut impl PageTables) -> Result<Frame, Shortage> {
        // The first draw may find a dirty page that owns no slot when none is left; the second is confined to pages that own one.
        let mut must_own_slot = false;
        loop {
            let mut memory = Borrowable {
                frames: &self.frames,
                owners: &self.owners,
                spaces: &self.spaces,
                tables: &mut *tables,
                must_own_slot,
                now: self.fault_count,
            };
            let Some(victim) = self.policy.choose(&mut memory) else { return Err(self.nothing_to_borrow()) };
            match self.evict(tables, victim) {
                Eviction::Dropped => return self.pool.get_frame().ok_or(Shortage::OutOfFrames),
                Eviction::MustWrite(ticket) => return Err(Shortage::Write(ticket)),
                Eviction::NoSlot if must_own_slot => return Err(self.nothing_to_borrow()),
                Eviction::NoSlot => must_own_slot = true,
            }
        }
    }

    fn nothing_to_borrow(&self) -> Shortage {
        if self.frames.in_transit() > 0 { Shortage::Wait } else { Shortage::OutOfFrames }
    }

    /// Takes the page in `frame` from its owner.
    fn evict(&mut self, tables: &mut impl PageTables, frame: Frame) -> Eviction {
        let FrameUse::Resident { owner, slot, .. } = self.frames.get(frame) else { return Eviction::NoSlot };
        let Some(directory) = self.directory_of(owner) else { return Eviction::NoSlot };
        // Out of the tables first: from here on nobody can write the page, and the word that came out tells if anyone has.
        let (old, stale) = tables.exchange(directory, owner.page, Pte::in_transit(frame));
        tables.flush(stale);
        let PteState::Present(_, flags) = old.decode() else { panic!("{owner:?} in {frame:?} has the entry {old:?}") };
        if !flags.contains(PteFlags::DIRTY) {
            tables.fill(directory, owner.page, slot.map_or(Pte::EMPTY, Pte::swapped));
            self.release_frame(frame);
            self.page_left(owner.space, frame);
            self.count(owner.space, |account| account.clean_drops = account.clean_drops.wrapping_add(1));
            return Eviction::Dropped;
        }
        let Some(slot) = slot.or_else(|| self.slots.assign()) else {
            tables.fill(directory, owner.page, old);
            return Eviction::NoSlot;
        };
        self.frames.set(frame, FrameUse::Leaving { owner, slot });
        self.page_left(owner.space, frame);
        self.count(owner.space, |account| account.swap_outs = account.swap_outs.wrapping_add(1));
        Eviction::MustWrite(PageOut { frame, slot })
    }

    /// Ends what [`Shortage::Write`] began. Once the write has succeeded the frame is free, unless its page was taken back
    /// meanwhile; after a failed write the page is where it was, and the slot is never used again.
    pub fn page_out_done(&mut self, tables: &mut impl PageTables, ticket: PageOut, result: Result<(), TransferFailed>) {
        let PageOut { frame, slot } = ticket;
        match (self.frames.get(frame), result) {
            (FrameUse::Orphaned(_), outcome) => {
                self.release_frame(frame);
                self.free_slot(slot);
                if outcome.is_err() {
                    self.retire_slot(slot);
                }
            }
            (FrameUse::Leaving { owner, .. }, Ok(())) => {
                if let Some(directory) = self.directory_of(owner) {
                    tables.fill(directory, owner.page, Pte::swapped(slot));
                }
                self.release_frame(frame);
            }
            (FrameUse::TakenBack { owner, .. }, Ok(())) => {
                self.frames.set(frame, FrameUse::Resident { owner, slot: Some(slot), ahead: false });
            }
            (FrameUse::Leaving { owner, .. } | FrameUse::TakenBack { owner, .. }, Err(TransferFailed)) => {
                if self.frames.set(frame, FrameUse::Resident { owner, slot: None, ahead: false })
                    == (FrameUse::Leaving { owner, slot })
                {
                    self.page_arrived(owner.space, frame);
                }
                self.mark_changed(tables, owner, frame);
                self.free_slot(slot);
                self.retire_slot(slot);
            }
            (other, _) => panic!("{frame:?} came back from the disk as {other:?}"),
        }
    }

    /// Makes the page's entry present and dirty: no slot has its contents.
    fn mark_changed(&mut self, tables: &mut impl PageTables, owner: OwnedPage, frame: Frame) {
        let Some(directory) = self.directory_of(owner) else { return };
        let flags = flags_for(self.rights_of(owner)) | PteFlags::DIRTY | PteFlags::ACCESSED;
        let (_, stale) = tables.exchange(directory, owner.page, Pte::present(frame, flags));
        tables.flush(stale);
    }

    /// Maps the page again whose frame was on its way out.
    pub(super) fn take_back(&mut self, tables: &mut impl PageTables, frame: Frame, owner: OwnedPage, slot: SwapSlot) {
        let Some(directory) = self.directory_of(owner) else { return };
        tables.fill(directory, owner.page, Pte::present(frame, flags_for(self.rights_of(owner))));
        self.frames.set(frame, FrameUse::TakenBack { owner, slot });
        self.page_arrived(owner.space, frame);
    }

    /// Tells the books that a page is resident.
    #[inline]
    pub(super) fn page_arrived(&mut self, space: SpaceId, frame: Frame) {
        self.owners.page_arrived(space);
        self.policy.page_arrived(frame);
    }

    /// Tells the books that a page is not resident any more.
    #[inline]
    pub(super) fn page_left(&mut self, space: SpaceId, frame: Frame) {
        self.owners.page_left(space);
        self.policy.page_left(frame);
    }

    /// Gives a frame back to the pool.
    #[inline]
    pub(super) fn release_frame(&mut self, frame: Frame) {
        self.frames.set(frame, FrameUse::Free);
        if let Err(error) = self.pool.release_frames(frame) {
            panic!("the pager released a frame it did not have: {error:?}");
        }
    }

    /// Gives a slot back.
    pub(super) fn free_slot(&mut self, slot: SwapSlot) {
        if let Err(error) = self.slots.free(slot) {
            panic!("the pager freed a slot it did not own: {error}");
        }
    }

    /// Never uses a slot again that the disk could not write.
    fn retire_slot(&mut self, slot: SwapSlot) {
        self.slots.mark_bad(slot);
        self.ledger.lose_slot();
    }

    fn directory_of(&self, owner: OwnedPage) -> Option<Frame> {
        self.spaces.get(owner.space)?.directory
    }

    fn rights_of(&self, owner: OwnedPage) -> Rights {
        let region = self.spaces.get(owner.space).and_then(|space| space.pools.region_of(owner.page));
        region.map_or(Rights::READ, |region| region.rights())
    }
}
