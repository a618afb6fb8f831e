//! Pages of files on their way out: written if they were changed, and forgotten.

use core::ops::Range;

use super::evict::Eviction;
use super::mappers::{LIST_MAX, Mappers};
use super::{AddressSpace, PageOut, PageTables, Pager, RUN_MAX, Spaces, Target, TransferFailed};
use crate::addr::{Frame, Page};
use crate::frame_table::{CachedPage, FileTransfer, FrameUse, OwnedPage, SpaceId};
use crate::pte::{Pte, PteFlags, PteState};
use crate::vm_pool::{FilePage, FileRef};

/// This page of a file was changed, the disk could not write it, and its frame was needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangesLost(pub FilePage);

/// Calls `visit` for every entry that maps the cached page in `frame`: with the directory, the page and the entry's flags. Entries that
/// `visit` does not empty may be visited twice.
pub(super) fn for_each_mapping<T: PageTables>(
    mappers: &Mappers,
    spaces: &Spaces,
    tables: &mut T,
    frame: Frame,
    mut visit: impl FnMut(&mut T, Frame, Page, PteFlags),
) {
    for OwnedPage { space, page } in mappers.of(frame) {
        if let Some(directory) = spaces.get(space).and_then(AddressSpace::directory)
            && let Some(PteState::Present(at, flags)) = tables.entry(directory, page).map(Pte::decode)
            && at == frame
        {
            visit(tables, directory, page, flags);
        }
    }
}

impl Pager<'_> {
    /// The entry of this page does not map the cached page in `frame` any more; it has said whether the cached page was changed.
    #[inline(never)]
    pub(super) fn unmapped(&mut self, frame: Frame, owner: OwnedPage, changed: bool) {
        if self.frames.remove_mapping(frame, changed) == 0 {
            self.mappers.clear(frame);
        } else {
            self.mappers.remove(frame, owner);
        }
    }

    /// Makes room: the cached page in `frame`, with neighbours of its kind, is dropped, or written first if it was changed.
    pub(super) fn evict_cached(&mut self, tables: &mut impl PageTables, frame: Frame, cached: CachedPage) -> Eviction {
        if self.is_changed(tables, frame, cached) {
            let is_second_try = cached.transfer == FileTransfer::Failed;
            let transfer = if is_second_try { FileTransfer::LastTry } else { FileTransfer::Leaving };
            return Eviction::MustWrite(self.write_file_run(tables, cached.page, transfer));
        }
        self.drop_cached(tables, frame, cached);
        let mut left = self.run_limit();
        // Interrupts wait meanwhile: neighbours leave too as long as there are few entries to empty.
        let mut entries_left = LIST_MAX.saturating_sub(cached.mappings.into());
        for page in file_window(cached.page) {
            if left <= 1 {
                break;
            }
            if let Some((frame, neighbour)) = self.idle_cached(page)
                && u32::from(neighbour.mappings) <= entries_left
                && !self.served.contains(frame)
                && !self.is_changed(tables, frame, neighbour)
                && !(self.policy.goes_by_use() && self.is_used(tables, frame, neighbour))
            {
                entries_left -= u32::from(neighbour.mappings);
                self.drop_cached(tables, frame, neighbour);
                left -= 1;
            }
        }
        Eviction::Dropped
    }

    /// The cached page, if the disk does nothing with it.
    fn idle_cached(&self, page: FilePage) -> Option<(Frame, CachedPage)> {
        let frame = self.file_index.get(page)?;
        let cached = self.cached(frame).filter(|cached| cached.transfer.is_idle())?;
        Some((frame, cached))
    }

    pub(super) fn is_changed(&self, tables: &mut impl PageTables, frame: Frame, cached: CachedPage) -> bool {
        cached.dirty || self.any_mapping_has(tables, frame, cached, PteFlags::DIRTY)
    }

    fn is_used(&self, tables: &mut impl PageTables, frame: Frame, cached: CachedPage) -> bool {
        self.any_mapping_has(tables, frame, cached, PteFlags::ACCESSED)
    }

    fn any_mapping_has(
        &self,
        tables: &mut impl PageTables,
        frame: Frame,
        cached: CachedPage,
        wanted: PteFlags,
    ) -> bool {
        let mut found = false;
        if cached.mappings > 0 {
            let visit = |_: &mut _, _, _, flags: PteFlags| found |= flags.contains(wanted);
            for_each_mapping(&self.mappers, &self.spaces, tables, frame, visit);
        }
        found
    }

    /// Takes the page from all who map it. Who touches it again maps it again.
    pub(super) fn unmap_all(&mut self, tables: &mut impl PageTables, frame: Frame, cached: CachedPage) {
        let mut changed = false;
        for_each_mapping(&self.mappers, &self.spaces, tables, frame, |tables, directory, page, _| {
            let (old, stale) = tables.exchange(directory, page, Pte::EMPTY);
            tables.flush(stale);
            changed |= old.is_dirty();
        });
        self.mappers.clear(frame);
        let dirty = cached.dirty || changed;
        self.frames.set(frame, FrameUse::Cached(CachedPage { mappings: 0, dirty, ..cached }));
    }

    /// Takes a clean page from all who map it, and frees its frame.
    fn drop_cached(&mut self, tables: &mut impl PageTables, frame: Frame, cached: CachedPage) {
        self.unmap_all(tables, frame, cached);
        self.file_index.remove(cached.page);
        self.release_frame(frame);
        self.page_left(SpaceId::FILES, frame);
        self.totals.clean_drops = self.totals.clean_drops.wrapping_add(1);
    }

    /// Begins to write a changed page and the changed ones beside it. They stay mapped; who changes one from here on makes it dirty again.
    pub(super) fn write_file_run(
        &mut self,
        tables: &mut impl PageTables,
        page: FilePage,
        transfer: FileTransfer,
    ) -> PageOut {
        let window = file_window_numbers(page);
        let joins = |pager: &Self, tables: &mut _, number: u32| {
            let neighbour = pager.idle_cached(FilePage { number, ..page });
            neighbour.is_some_and(|(frame, cached)| {
                goes_along(cached.transfer, transfer) && pager.is_changed(tables, frame, cached)
            })
        };
        let mut last = page.number;
        while last + 1 < window.end && joins(self, tables, last + 1) {
            last += 1;
        }
        let mut first = page.number;
        while first > window.start && joins(self, tables, first - 1) {
            first -= 1;
        }
        let mut frames = self.run_lists.run_for((last + 1 - first) as usize);
        // Without the cleaner, a page leaves alone.
        let is_alone = transfer.is_leaving() && !self.options.cleaner;
        if is_alone || !frames.has_room_for_several() {
            (first, last) = (page.number, page.number);
        }
        for number in first..=last {
            let Some((frame, cached)) = self.idle_cached(FilePage { number, ..page }) else {
                panic!("page {number} of {:?} was cached a moment ago", page.file)
            };
            self.mark_clean(tables, frame);
            self.frames.set(frame, FrameUse::Cached(CachedPage { dirty: false, transfer, ..cached }));
            frames.push(frame);
        }
        let pages = frames.as_slice().len();
        self.totals.file_writes = self.totals.file_writes.wrapping_add(u32::try_from(pages).unwrap_or(0));
        self.totals.write_runs = self.totals.write_runs.wrapping_add(1);
        PageOut { target: Target::File(FilePage { number: first, ..page }), frames }
    }

    /// Clears the dirty bits of all entries that map the page.
    fn mark_clean(&mut self, tables: &mut impl PageTables, frame: Frame) {
        for_each_mapping(&self.mappers, &self.spaces, tables, frame, |tables, directory, page, flags| {
            if flags.contains(PteFlags::DIRTY) {
                let clean = Pte::present(frame, flags.difference(PteFlags::DIRTY));
                let (_, stale) = tables.exchange(directory, page, clean);
                tables.flush(stale);
            }
        });
    }

    /// The disk has written a page of a file, or could not. One that could not be written stays, and is dirty again, but for that which was
    /// tried for the last time: its frame is needed.
    ///
    /// # Errors
    /// `ChangesLost` if such a page had to go.
    pub(super) fn file_page_written(
        &mut self,
        tables: &mut impl PageTables,
        frame: Frame,
        result: Result<(), TransferFailed>,
    ) -> Result<(), ChangesLost> {
        let cached = match self.frames.get(frame) {
            FrameUse::Cached(cached) => cached,
            FrameUse::Abandoned => {
                self.release_frame(frame);
                return Ok(());
            }
            other => panic!("{frame:?} came back from the disk as {other:?}"),
        };
        let failed = result.is_err();
        let transfer = if failed { FileTransfer::Failed } else { FileTransfer::None };
        let idle = CachedPage { transfer, dirty: cached.dirty || failed, ..cached };
        self.frames.set(frame, FrameUse::Cached(idle));
        if !cached.transfer.is_leaving() {
            return Ok(());
        }
        let may_stay = failed && cached.transfer != FileTransfer::LastTry;
        if may_stay || self.is_changed(tables, frame, cached) {
            // As with a page that was taken back, others have their turn before it is chosen again.
            self.page_left(SpaceId::FILES, frame);
            self.page_arrived(SpaceId::FILES, frame);
            return Ok(());
        }
        self.drop_cached(tables, frame, idle);
        if failed { Err(ChangesLost(cached.page)) } else { Ok(()) }
    }

    /// Forgets the pages of a file that is about to go, changed or not: those in the frames at `places`. No entry may map them any more.
    pub fn forget_file(&mut self, file: FileRef, places: Range<u32>) {
        for index in places.start..places.end.min(self.frames.frame_count()) {
            let frame = self.frames.frame_at(index);
            match self.frames.get(frame) {
                FrameUse::FileArriving(page) if page.file == file => {
                    self.file_index.remove(page);
                    self.frames.set(frame, FrameUse::Abandoned);
                }
                FrameUse::Cached(cached) if cached.page.file == file => self.forget_cached(frame, cached),
                _ => {}
            }
        }
    }

    /// Forgets the pages of a file from page `first` on, changed or not: those in the frames at `places`. They are no part of the file.
    /// No entry may map them. Returns false if the disk still uses some of them. The caller waits until a transfer has ended, and asks again: such a page must not get to
    /// the disk after a new page of that number.
    #[must_use]
    pub fn forget_pages_from(&mut self, file: FileRef, first: u32, places: Range<u32>) -> bool {
        let is_one = |page: FilePage| page.file == file && page.number >= first;
        let mut are_all_gone = true;
        for index in places.start..places.end.min(self.frames.frame_count()) {
            let frame = self.frames.frame_at(index);
            match self.frames.get(frame) {
                FrameUse::Cached(cached) if is_one(cached.page) && cached.transfer.is_idle() => {
                    self.forget_cached(frame, cached);
                }
                FrameUse::Cached(CachedPage { page, .. }) | FrameUse::FileArriving(page) if is_one(page) => {
                    are_all_gone = false;
                }
                _ => {}
            }
        }
        are_all_gone
    }

    /// Forgets a cached page. If the disk uses its frame, the frame is free once that has ended.
    fn forget_cached(&mut self, frame: Frame, cached: CachedPage) {
        debug_assert_eq!(cached.mappings, 0, "{:?} is forgotten but mapped", cached.page);
        self.file_index.remove(cached.page);
        self.page_left(SpaceId::FILES, frame);
        if cached.transfer.is_idle() {
            self.release_frame(frame);
        } else {
            self.frames.set(frame, FrameUse::Abandoned);
        }
    }
}

/// Whether a changed neighbour, with which the disk does `neighbour`, is written together with a page, with which it is to do `transfer`. Who
/// leaves is tried twice, and who is tried for the last time is chosen for it.
const fn goes_along(neighbour: FileTransfer, transfer: FileTransfer) -> bool {
    match transfer {
        FileTransfer::Writing => true,
        FileTransfer::Leaving => matches!(neighbour, FileTransfer::None),
        FileTransfer::LastTry | FileTransfer::None | FileTransfer::Failed => false,
    }
}

/// The numbers of the aligned window of pages around `page`.
const fn file_window_numbers(page: FilePage) -> Range<u32> {
    let start = page.number & !(RUN_MAX - 1);
    start..start + RUN_MAX
}

fn file_window(page: FilePage) -> impl Iterator<Item = FilePage> {
    file_window_numbers(page).map(move |number| FilePage { number, ..page })
}
