//! Compares all books with each other: every frame has one owner, every slot one page, promises add up.

use core::fmt;

use super::{AddressSpace, PageTables, Pager};
use crate::addr::{Frame, Page};
use crate::frame_pool::FrameState;
use crate::frame_table::{CachedPage, FrameUse, OwnedPage, SpaceId};
use crate::mapping::VirtualToPhysicalMapping;
use crate::pte::{Pte, PteState};

/// Two books that disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The frame table and the frame pool disagree about this frame.
    Pool(Frame),
    /// The frame table says the frame holds this page; the page's entry says otherwise.
    Entry(Frame, OwnedPage),
    /// The space has another number of resident pages than counted.
    Resident(SpaceId),
    /// The frame holds a page of a file, but that page is looked for elsewhere.
    FilePage(Frame),
    /// An entry maps the page of a file in this frame, and its page is not in the frame's list.
    Unlisted(Frame, OwnedPage),
    /// Entries map pages of files another number of times than counted.
    Mappings {
        /// Entries that do.
        entries: u32,
        /// What was counted.
        counted: u32,
    },
    /// The space has another number of pages in the swap file alone than counted.
    Swapped(SpaceId),
    /// Pages own another number of slots than are in use.
    Slots {
        /// Slots that pages own.
        owned: u32,
        /// Slots in use.
        used: u32,
    },
    /// Regions add up to another number of promised pages than the ledger says.
    Promises {
        /// What the regions add up to.
        regions: u32,
        /// What the ledger says.
        ledger: u32,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the memory books disagree: {self:?}")
    }
}

impl Pager<'_> {
    /// Goes through all books. Slow: every frame and every page with an entry is looked at.
    ///
    /// # Errors
    /// The first disagreement found.
    pub fn check(&self, tables: &mut impl PageTables) -> Result<(), Broken> {
        let (mut owned_slots, mut mappings, mut cached) = (0, 0, 0);
        for (frame, frame_use) in self.frames.iter() {
            owned_slots += u32::from(self.check_frame(tables, frame, frame_use)?);
            if let FrameUse::Cached(page) = frame_use {
                cached += 1;
                mappings += u32::from(page.mappings);
            }
        }
        if cached != self.owners.resident(SpaceId::FILES) {
            return Err(Broken::Resident(SpaceId::FILES));
        }
        let mut entries = 0;
        let mut promised = 0;
        for (id, space) in self.spaces.iter() {
            let counted = self.count_pages(tables, id, space)?;
            if counted.resident != self.owners.resident(id) {
                return Err(Broken::Resident(id));
            }
            if counted.swapped != space.swapped {
                return Err(Broken::Swapped(id));
            }
            owned_slots += counted.swapped;
            entries += counted.shown;
            let of_space = promised_to(space);
            if of_space != space.promised() {
                return Err(Broken::Promises { regions: of_space, ledger: space.promised() });
            }
            promised += of_space;
        }
        if entries != mappings {
            return Err(Broken::Mappings { entries, counted: mappings });
        }
        let used = self.slots.used_count();
        if owned_slots != used {
            return Err(Broken::Slots { owned: owned_slots, used });
        }
        let ledger = self.ledger.promised();
        if promised != ledger {
            return Err(Broken::Promises { regions: promised, ledger });
        }
        Ok(())
    }

    /// Checks one frame; returns whether its page owns a slot.
    fn check_frame(&self, tables: &mut impl PageTables, frame: Frame, frame_use: FrameUse) -> Result<bool, Broken> {
        let state = self.pool.state(frame);
        let in_use = frame_use != FrameUse::Free;
        if in_use != (state == Some(FrameState::HeadOfRun)) {
            return Err(Broken::Pool(frame));
        }
        let (owner, expected) = match frame_use {
            FrameUse::Free | FrameUse::Table(_) | FrameUse::Abandoned => return Ok(false),
            FrameUse::Orphaned(_) => return Ok(true),
            FrameUse::FileArriving(page) | FrameUse::Cached(CachedPage { page, .. }) => {
                let is_found = self.file_index.get(page) == Some(frame);
                return if is_found { Ok(false) } else { Err(Broken::FilePage(frame)) };
            }
            FrameUse::Resident { owner, .. } | FrameUse::TakenBack { owner, .. } => (owner, true),
            FrameUse::Arriving { owner, .. } | FrameUse::Leaving { owner, .. } => (owner, false),
        };
        let directory = self.spaces.get(owner.space).and_then(AddressSpace::directory);
        let entry =
            directory.and_then(|directory| tables.entry(directory, owner.page)).map_or(PteState::Empty, Pte::decode);
        let mapping = VirtualToPhysicalMapping::new(entry, &self.frames);
        let is_moving = matches!(entry, PteState::InTransit(_));
        if mapping.physical_page != Some(frame) || is_moving == expected {
            return Err(Broken::Entry(frame, owner));
        }
        Ok(mapping.disk_page.is_some())
    }
}

struct Counted {
    resident: u32,
    /// Entries that map pages of files.
    shown: u32,
    swapped: u32,
}

impl Pager<'_> {
    /// Counts the pages of a space by what its entries say.
    fn count_pages(&self, tables: &mut impl PageTables, id: SpaceId, space: &AddressSpace) -> Result<Counted, Broken> {
        let mut counted = Counted { resident: 0, shown: 0, swapped: 0 };
        let Some(directory) = space.directory() else { return Ok(counted) };
        for region in space.pools().regions() {
            let mut number = region.first().number();
            while number < region.end() {
                let page = Page::new(number);
                match tables.entry(directory, page).map(Pte::decode) {
                    None => number |= 1023,
                    Some(PteState::Present(frame, _)) if region.shows_file() && region.file_page(page).is_some() => {
                        counted.shown += 1;
                        let owner = OwnedPage { space: id, page };
                        if !self.mappers.of(frame).any(|listed| listed == owner) {
                            return Err(Broken::Unlisted(frame, owner));
                        }
                    }
                    Some(PteState::Present(..)) => counted.resident += 1,
                    Some(PteState::Swapped(_)) => counted.swapped += 1,
                    Some(PteState::Empty | PteState::InTransit(_)) => {}
                }
                number += 1;
            }
        }
        Ok(counted)
    }
}

/// What the regions of a space and its directory cost.
fn promised_to(space: &AddressSpace) -> u32 {
    const DIRECTORY: u32 = 1;
    let mut sum = DIRECTORY;
    let mut counted_to = 0;
    for region in space.pools().regions() {
        // Not by `table_slots`, by which the grant was charged: a mistake there must show.
        let (first, end) = (region.first().number() / 1024, region.end().div_ceil(1024));
        sum += region.pages_to_keep() + end.saturating_sub(counted_to.max(first));
        counted_to = end;
    }
    sum
}
