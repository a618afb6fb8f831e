//! The end of a write, and pages that are wanted back before it.

use super::{ChangesLost, PageOut, PageTables, Pager, Target, TransferFailed};
use crate::addr::{Frame, SwapSlot};
use crate::fault::flags_for;
use crate::frame_table::{FrameUse, OwnedPage};
use crate::pte::{Pte, PteFlags};
use crate::vm_pool::Rights;

impl Pager<'_> {
    /// Ends what a [`PageOut`] began. After a write that succeeded the frames are free, but for pages that were taken back
    /// meanwhile; after one that failed the pages are where they were, and the slots are never used again.
    ///
    /// A ticket of several pages that failed should be [split](PageOut::split_first) and tried page by page: one bad slot is enough to fail them all.
    ///
    /// # Errors
    /// `ChangesLost` if a page of a file had to go though it could not be written, as it could not before: the last such page of the ticket.
    pub fn page_out_done(
        &mut self,
        tables: &mut impl PageTables,
        ticket: PageOut,
        result: Result<(), TransferFailed>,
    ) -> Result<(), ChangesLost> {
        let mut lost = Ok(());
        match ticket.target {
            Target::Slots(first) => {
                for (&frame, slot) in ticket.frames().iter().zip(first.number()..) {
                    self.frame_written(tables, frame, SwapSlot::new(slot), result);
                }
            }
            Target::File(_) => {
                for &frame in ticket.frames() {
                    lost = self.file_page_written(tables, frame, result).and(lost);
                }
            }
        }
        self.run_lists.take_back(ticket.frames);
        lost
    }

    fn frame_written(
        &mut self,
        tables: &mut impl PageTables,
        frame: Frame,
        slot: SwapSlot,
        result: Result<(), TransferFailed>,
    ) {
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
                    self.note_swapped(owner.space, Some(slot));
                }
                self.release_frame(frame);
            }
            (FrameUse::TakenBack { owner, .. }, Ok(())) => {
                self.frames.set(frame, FrameUse::Resident { owner, slot: Some(slot), ahead: false });
            }
            (FrameUse::Leaving { owner, .. } | FrameUse::TakenBack { owner, .. }, Err(TransferFailed)) => {
                if matches!(self.frames.get(frame), FrameUse::Leaving { .. }) {
                    self.page_arrived(owner.space, frame);
                }
                self.frames.set(frame, FrameUse::Resident { owner, slot: None, ahead: false });
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
        self.served.note(frame);
        self.page_arrived(owner.space, frame);
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
