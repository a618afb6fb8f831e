//! Memory as a replacement policy sees it.

use abi::record::Account;

use super::{PageTables, Spaces};
use crate::addr::Frame;
use crate::frame_table::{FrameTable, FrameUse, OwnedPage};
use crate::pte::{Pte, PteFlags, PteState};
use crate::replacement::{Owners, Residents};

/// The pages that may be borrowed now, and their entries in their owners' tables.
pub(super) struct Borrowable<'a, T: PageTables> {
    pub frames: &'a mut FrameTable,
    pub owners: &'a Owners,
    pub spaces: &'a mut Spaces,
    pub totals: &'a mut Account,
    pub tables: &'a mut T,
    /// The swap file is full: only a page that already owns a slot can be written.
    pub must_own_slot: bool,
    pub now: u64,
}

impl<T: PageTables> Borrowable<'_, T> {
    /// The owner's directory and what its tables say about the page in `frame`.
    fn entry(&mut self, frame: Frame) -> Option<(Frame, OwnedPage, PteFlags)> {
        let owner = self.page_in(frame)?;
        let directory = self.spaces.get(owner.space)?.directory()?;
        match self.tables.entry(directory, owner.page)?.decode() {
            PteState::Present(_, flags) => Some((directory, owner, flags)),
            _ => None,
        }
    }

    /// A page that was fetched ahead was used: nobody will see that again once its accessed bit is gone.
    fn note_use(&mut self, frame: Frame) {
        if let FrameUse::Resident { owner, slot, ahead: true } = self.frames.get(frame) {
            self.frames.set(frame, FrameUse::Resident { owner, slot, ahead: false });
            let hit = |account: &mut Account| account.read_ahead_hits = account.read_ahead_hits.wrapping_add(1);
            self.spaces.count(self.totals, owner.space, hit);
        }
    }
}

impl<T: PageTables> Residents for Borrowable<'_, T> {
    fn frame_count(&self) -> u32 {
        self.frames.frame_count()
    }

    fn frame_at(&self, index: u32) -> Frame {
        self.frames.frame_at(index)
    }

    fn owners(&self) -> &Owners {
        self.owners
    }

    fn page_in(&self, frame: Frame) -> Option<OwnedPage> {
        match self.frames.get(frame) {
            FrameUse::Resident { owner, slot, .. } if !self.must_own_slot || slot.is_some() => Some(owner),
            _ => None,
        }
    }

    fn take_accessed(&mut self, frame: Frame) -> bool {
        let Some((directory, owner, flags)) = self.entry(frame) else { return false };
        if !flags.contains(PteFlags::ACCESSED) {
            return false;
        }
        // Nobody can write the page between the look and the exchange: there is one CPU, and it is here.
        let unused = Pte::present(frame, flags.difference(PteFlags::ACCESSED));
        let (_, stale) = self.tables.exchange(directory, owner.page, unused);
        self.tables.flush(stale);
        self.note_use(frame);
        true
    }

    fn is_dirty(&mut self, frame: Frame) -> bool {
        self.entry(frame).is_some_and(|(_, _, flags)| flags.contains(PteFlags::DIRTY))
    }

    fn now(&self) -> u64 {
        self.now
    }
}
