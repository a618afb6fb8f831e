//! Memory as a replacement policy sees it.

use abi::record::Account;

use super::file_out::for_each_mapping;
use super::mappers::Mappers;
use super::served::Served;
use super::{AddressSpace, PageTables, Spaces};
use crate::addr::{Frame, Page};
use crate::frame_table::{CachedPage, FileTransfer, FrameTable, FrameUse, OwnedPage, SpaceId};
use crate::pte::{Pte, PteFlags, PteState};
use crate::replacement::{Owners, Residents};

/// The pages that may be borrowed now, and their entries in their owners' tables.
pub(super) struct Borrowable<'a, T: PageTables> {
    pub frames: &'a mut FrameTable,
    pub owners: &'a Owners,
    pub spaces: &'a mut Spaces,
    pub mappers: &'a Mappers,
    pub totals: &'a mut Account,
    pub tables: &'a mut T,
    /// The swap file is full: only a page that already owns a slot can be written.
    pub must_own_slot: bool,
    /// Pages that are not borrowed unless there are no others.
    pub served: Option<&'a Served>,
    /// Pages of files that the disk could not write are not borrowed either.
    pub spares_unwritable: bool,
    /// A page that is never borrowed: the fault that needs a frame needs this page, too.
    pub kept: Option<Frame>,
    /// No page of a file is borrowed.
    pub spares_files: bool,
    pub now: u64,
}

impl<T: PageTables> Borrowable<'_, T> {
    /// Shows `visit` every entry that maps the page in `frame`.
    fn visit_entries(&mut self, frame: Frame, mut visit: impl FnMut(&mut T, Frame, Page, PteFlags)) {
        match self.frames.get(frame) {
            FrameUse::Resident { owner, .. } => {
                let Some(directory) = self.spaces.get(owner.space).and_then(AddressSpace::directory) else { return };
                let entry = self.tables.entry(directory, owner.page).map(Pte::decode);
                if let Some(PteState::Present(_, flags)) = entry {
                    visit(self.tables, directory, owner.page, flags);
                }
            }
            FrameUse::Cached(CachedPage { mappings: 1.., .. }) => {
                for_each_mapping(self.mappers, self.spaces, self.tables, frame, visit);
            }
            _ => {}
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

    fn files_lend(&self) -> bool {
        !self.spares_files
    }

    fn page_in(&self, frame: Frame) -> Option<OwnedPage> {
        if self.kept == Some(frame) || self.served.is_some_and(|served| served.contains(frame)) {
            return None;
        }
        match self.frames.get(frame) {
            FrameUse::Resident { owner, slot, .. } if !self.must_own_slot || slot.is_some() => Some(owner),
            FrameUse::Cached(_) if self.spares_files => None,
            FrameUse::Cached(cached) if self.spares_unwritable && cached.transfer == FileTransfer::Failed => None,
            FrameUse::Cached(cached) if cached.transfer.is_idle() => {
                Some(OwnedPage { space: SpaceId::FILES, page: Page::new(cached.page.number) })
            }
            _ => None,
        }
    }

    fn take_accessed(&mut self, frame: Frame) -> bool {
        let mut used = false;
        self.visit_entries(frame, |tables, directory, page, flags| {
            if flags.contains(PteFlags::ACCESSED) {
                used = true;
                // Nobody can write the page between the look and the exchange: there is one CPU, and it is here.
                let unused = Pte::present(frame, flags.difference(PteFlags::ACCESSED));
                let (_, stale) = tables.exchange(directory, page, unused);
                tables.flush(stale);
            }
        });
        if used {
            self.note_use(frame);
        }
        used
    }

    fn is_dirty(&mut self, frame: Frame) -> bool {
        let mut dirty = matches!(self.frames.get(frame), FrameUse::Cached(CachedPage { dirty: true, .. }));
        self.visit_entries(frame, |_, _, _, flags| dirty |= flags.contains(PteFlags::DIRTY));
        dirty
    }

    fn now(&self) -> u64 {
        self.now
    }
}
