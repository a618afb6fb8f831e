//! Pages of files: found in memory or read into it, then mapped or copied.
//!
//! A page of a file has one frame whoever uses it. Regions that show the file map that frame; a region whose pages are its own, such as
//! a program's data, gets a copy at the first touch. So a program that is started twice is read once, and what one process writes to a
//! shared mapping is what all others read.

use super::resolve::Missing;
use super::{PageIn, PageOut, PageTables, Pager, Shortage, Source, Step};
use crate::addr::{Frame, PAGE_SIZE, Page};
use crate::fault::{FaultError, flags_for};
use crate::frame_table::{CachedPage, FileTransfer, FrameUse, OwnedPage, SpaceId};
use crate::pte::{Pte, PteState};
use crate::vm_pool::{FilePage, Region};

/// How many pages around a missed one are mapped with it if they are in memory: an aligned window within one page table.
const MAP_AROUND: u32 = 16;

/// Where a page of a file is, for a call that reads or writes the file.
#[derive(Debug)]
#[must_use = "a ticket in it has to be brought back"]
pub enum FileStep {
    /// In this frame, until something waits.
    Here(Frame),
    /// Read these, bring the ticket back, and ask again.
    Read(PageIn),
    /// Write these, bring the ticket back, and ask again.
    Write(PageOut),
    /// Wait until some transfer has ended, then ask again.
    Wait,
}

impl Pager<'_> {
    /// A missing page of a region that begins as `page` of a file.
    #[cold]
    pub(super) fn file_fault(
        &mut self,
        tables: &mut impl PageTables,
        missing: Missing,
        region: &Region,
        page: FilePage,
    ) -> Result<Step, Shortage> {
        self.ensure_table(tables, missing)?;
        if !region.shows_file() {
            return self.copy_from_file(tables, missing, region, page);
        }
        match self.file_index.get(page).map(|frame| (frame, self.cached(frame))) {
            Some((frame, Some(_))) => {
                if !self.mappers.has_room(frame) {
                    self.make_room_in_list(tables, frame);
                }
                self.map_around(tables, missing, region);
                Ok(Step::Done)
            }
            Some((_, None)) => Ok(Step::Wait),
            None => self
                .take_frame(tables)
                .map(|frame| Step::Read(self.begin_file_read(tables, missing, region, page, frame))),
        }
    }

    /// Gives the region a page of its own that begins as a page of the file.
    fn copy_from_file(
        &mut self,
        tables: &mut impl PageTables,
        missing: Missing,
        region: &Region,
        page: FilePage,
    ) -> Result<Step, Shortage> {
        // The file's page must not make room for its copy: it would have to be read again, and so on for ever. It may still leave as the
        // neighbour of another page, but not if it was read for this fault.
        let frame = self.take_frame_beside(tables, self.file_index.get(page))?;
        match self.file_index.get(page) {
            Some(original) if self.cached(original).is_some() => {
                let owner = missing.owner;
                tables.copy(original, frame, region.file_bytes_from(owner.page).min(PAGE_SIZE));
                // Not dirty: as long as it is not written to, it can be copied again.
                let flags = flags_for(region.rights());
                tables.fill(missing.directory, owner.page, Pte::present(frame, flags));
                self.frames.set(frame, FrameUse::Resident { owner, slot: None, ahead: false });
                self.served.note_instead(original, frame);
                self.page_arrived(owner.space, frame);
                self.count(owner.space, |account| account.file_copies = account.file_copies.wrapping_add(1));
                Ok(Step::Done)
            }
            Some(_) => {
                self.release_frame(frame);
                Ok(Step::Wait)
            }
            None => Ok(Step::Read(self.begin_file_read(tables, missing, region, page, frame))),
        }
    }

    /// Maps the missed page, which is in memory, and those around it that are.
    fn map_around(&mut self, tables: &mut impl PageTables, missing: Missing, region: &Region) {
        let missed = missing.owner.page.number();
        let start = missed & !(MAP_AROUND - 1);
        let (first, end) = region.pages_with_file();
        let range = match self.options.read_ahead {
            true => start.max(first)..(start + MAP_AROUND).min(end),
            false => missed..missed + 1,
        };
        for page in range.map(Page::new) {
            if tables.entry(missing.directory, page).map(Pte::decode) == Some(PteState::Empty)
                && let Some(file_page) = region.file_page(page)
                && let Some(frame) = self.file_index.get(file_page)
                && self.cached(frame).is_some()
                && self.mappers.add(frame, OwnedPage { page, ..missing.owner })
            {
                let flags = flags_for(region.rights());
                tables.fill(missing.directory, page, Pte::present(frame, flags));
                self.frames.add_mapping(frame);
                if page.number() == missed {
                    self.served.note(frame);
                }
                self.count(missing.owner.space, |account| account.file_maps = account.file_maps.wrapping_add(1));
            }
        }
    }

    /// Empties entries that map pages of files, so that one more can map the page in `frame`: all that map this page if there are too
    /// many, and otherwise all that map some page.
    #[cold]
    fn make_room_in_list(&mut self, tables: &mut impl PageTables, frame: Frame) {
        let next = if self.mappers.is_full(frame) { None } else { self.mappers.next_to_empty() };
        let emptied = next.unwrap_or(frame);
        match self.cached(emptied) {
            Some(cached) => self.unmap_all(tables, emptied, cached),
            None => panic!("{emptied:?} has no page of a file, and a list of entries that map it"),
        }
    }

    /// Begins to read a page into `frame`, and with it those beside it that are worth it.
    fn begin_file_read(
        &mut self,
        tables: &mut impl PageTables,
        missing: Missing,
        region: &Region,
        page: FilePage,
        frame: Frame,
    ) -> PageIn {
        let OwnedPage { space, page: missed } = missing.owner;
        let is_next = |pager: &Self, number: u32, entry: Pte| {
            let absent = region.file_page(Page::new(number)).is_some_and(|page| pager.file_index.get(page).is_none());
            absent && entry == Pte::EMPTY
        };
        let place = (missing.directory, space, missed);
        let pages = self.pages_to_read(tables, place, region.pages_with_file(), is_next);
        let wanted = missed.number() - pages.start;
        let first = FilePage { number: page.number - wanted, ..page };
        self.file_read_ticket(space, first, (wanted, frame), pages.end - pages.start)
    }

    /// A ticket for `count` pages of a file from `first` on, of which the one at position `wanted` gets `frame` and the others free ones.
    fn file_read_ticket(
        &mut self,
        space: SpaceId,
        first: FilePage,
        (wanted, frame): (u32, Frame),
        count: u32,
    ) -> PageIn {
        let mut frames = self.run_lists.run_for(count as usize);
        let positions = if frames.has_room_for_several() { 0..count } else { wanted..wanted + 1 };
        let (first, wanted) = (FilePage { number: first.number + positions.start, ..first }, wanted - positions.start);
        for index in 0..positions.end - positions.start {
            let frame = if index == wanted { Some(frame) } else { self.pool.get_frame() };
            let Some(frame) = frame else { panic!("{count} frames were to spare a moment ago") };
            let page = FilePage { number: first.number + index, ..first };
            self.frames.set(frame, FrameUse::FileArriving(page));
            self.file_index.insert(page, frame);
            frames.push(frame);
        }
        PageIn { space, wanted, source: Source::File(first), frames }
    }

    /// A page of a file has come from the disk, or has not.
    pub(super) fn file_page_read(&mut self, space: SpaceId, frame: Frame, ahead: bool, arrived: bool) {
        let page = match self.frames.get(frame) {
            FrameUse::FileArriving(page) => page,
            FrameUse::Abandoned => return self.release_frame(frame),
            other => panic!("{frame:?} came back from the disk as {other:?}"),
        };
        if !arrived {
            self.file_index.remove(page);
            self.release_frame(frame);
            return;
        }
        self.add_cached(frame, page, false);
        if !ahead {
            self.served.note(frame);
        }
        self.count(space, |account| {
            account.file_reads = account.file_reads.wrapping_add(1);
            account.read_aheads = account.read_aheads.wrapping_add(u32::from(ahead));
        });
    }

    fn add_cached(&mut self, frame: Frame, page: FilePage, dirty: bool) {
        let cached = CachedPage { page, mappings: 0, dirty, transfer: FileTransfer::None };
        self.frames.set(frame, FrameUse::Cached(cached));
        self.page_arrived(SpaceId::FILES, frame);
    }

    /// The cached page in `frame`, if there is one.
    #[inline]
    pub(super) fn cached(&self, frame: Frame) -> Option<CachedPage> {
        match self.frames.get(frame) {
            FrameUse::Cached(cached) => Some(cached),
            _ => None,
        }
    }

    /// Finds a page of a file for a call of `space` that reads or writes the file. `ahead` pages behind it, all of them pages of the
    /// file too, are worth reading with it.
    ///
    /// # Errors
    /// `OutOfFrames` if no frame can be had.
    pub fn file_page(
        &mut self,
        tables: &mut impl PageTables,
        space: SpaceId,
        page: FilePage,
        ahead: u32,
    ) -> Result<FileStep, FaultError> {
        match self.file_index.get(page) {
            Some(frame) if self.cached(frame).is_some() => return Ok(FileStep::Here(frame)),
            Some(_) => return Ok(FileStep::Wait),
            None => {}
        }
        let frame = match self.frame_for_file(tables)? {
            Ok(frame) => frame,
            Err(step) => return Ok(step),
        };
        let spare = if self.options.read_ahead { self.pool.free_count().saturating_sub(self.marks.low / 2) } else { 0 };
        let most = ahead.min(super::RUN_MAX - 1).min(spare);
        let is_absent = |&further: &u32| {
            let next = FilePage { number: page.number + further, ..page };
            self.file_index.get(next).is_none()
        };
        let count = 1 + u32::try_from((1..=most).take_while(is_absent).count()).unwrap_or(0);
        Ok(FileStep::Read(self.file_read_ticket(space, page, (0, frame), count)))
    }

    /// As [`file_page`](Self::file_page) for a page whose contents on the disk do not matter: if it is not in memory it begins as zeros.
    ///
    /// # Errors
    /// `OutOfFrames` if no frame can be had.
    pub fn fresh_file_page(&mut self, tables: &mut impl PageTables, page: FilePage) -> Result<FileStep, FaultError> {
        match self.file_index.get(page) {
            Some(frame) if self.cached(frame).is_some() => return Ok(FileStep::Here(frame)),
            Some(_) => return Ok(FileStep::Wait),
            None => {}
        }
        Ok(match self.frame_for_file(tables)? {
            Ok(frame) => {
                tables.zero(frame);
                self.file_index.insert(page, frame);
                self.add_cached(frame, page, true);
                FileStep::Here(frame)
            }
            Err(step) => step,
        })
    }

    fn frame_for_file(&mut self, tables: &mut impl PageTables) -> Result<Result<Frame, FileStep>, FaultError> {
        match self.take_frame(tables) {
            Ok(frame) => Ok(Ok(frame)),
            Err(Shortage::Write(ticket)) => Ok(Err(FileStep::Write(ticket))),
            Err(Shortage::Wait) => Ok(Err(FileStep::Wait)),
            Err(Shortage::OutOfFrames) => Err(FaultError::OutOfFrames),
        }
    }

    /// The cached page in `frame` was changed by a call.
    pub fn file_page_changed(&mut self, frame: Frame) {
        if let Some(cached) = self.cached(frame) {
            self.frames.set(frame, FrameUse::Cached(CachedPage { dirty: true, ..cached }));
        }
    }
}
