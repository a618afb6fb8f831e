//! The frame table: what each process frame is used for.
//!
//! The page-table entry says where a page is. The frame table says whose page a frame holds, and
//! which slot of the swap file still has a valid copy of it.
//! [`VirtualToPhysicalMapping`](crate::mapping::VirtualToPhysicalMapping) is made from both.

use alloc::vec::Vec;

use crate::addr::{Frame, Page, SwapSlot};
use crate::process_table::MAX_PROCESSES;
use crate::vm_pool::FilePage;

/// Names an address space: its place in the pager's table of spaces. Reused once the space is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpaceId(u16);

impl SpaceId {
    /// Stands for all files where an owner is wanted: cached pages are theirs. No space has this id.
    pub const FILES: Self = Self(0);

    /// Ids are below this: there is one for each process that there can be, and one for all files.
    pub const COUNT: usize = MAX_PROCESSES as usize + 1;

    /// The space at this place of the table.
    pub const fn new(index: u16) -> Self {
        Self(index)
    }

    /// The place in the table.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The place in the table, as [`new`](Self::new) takes it.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// A page of an address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnedPage {
    /// The space.
    pub space: SpaceId,
    /// The page in it.
    pub page: Page,
}

/// What a frame is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameUse {
    /// Nothing; the frame pool has it, or never had it.
    Free,
    /// A directory or page table of this space. Never borrowed.
    Table(SpaceId),
    /// It holds a page. `slot` has a copy that is valid unless the page's entry is dirty.
    Resident {
        /// Whose page.
        owner: OwnedPage,
        /// The slot that the page owns, if it was ever written out.
        slot: Option<SwapSlot>,
        /// It was fetched together with another, before it was missed, and is not known to have been used.
        ahead: bool,
    },
    /// A page is being read into it.
    Arriving {
        /// Whose page.
        owner: OwnedPage,
        /// The slot it is read from; `None` if it is read from a file.
        slot: Option<SwapSlot>,
    },
    /// Its page is being written to `slot`; then the frame is free.
    Leaving {
        /// Whose page.
        owner: OwnedPage,
        /// Where it goes.
        slot: SwapSlot,
    },
    /// Its page was touched while it was being written to `slot`: it stays, and keeps the slot as its copy.
    TakenBack {
        /// Whose page.
        owner: OwnedPage,
        /// Where the copy goes.
        slot: SwapSlot,
    },
    /// Its page was freed while it was being written to this slot: then both are free.
    Orphaned(SwapSlot),
    /// A page of a file is being read into it.
    FileArriving(FilePage),
    /// It holds a page of a file, for all who use it.
    Cached(CachedPage),
    /// Its page of a file went out of use while the disk was reading or writing it: then it is free.
    Abandoned,
}

impl FrameUse {
    /// The slot that the page in the frame owns. A page of a file owns none.
    #[inline(always)]
    pub const fn slot(self) -> Option<SwapSlot> {
        match self {
            Self::Resident { slot, .. } | Self::Arriving { slot, .. } => slot,
            Self::Leaving { slot, .. } | Self::TakenBack { slot, .. } => Some(slot),
            _ => None,
        }
    }
}

/// A page of a file in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachedPage {
    /// Which page.
    pub page: FilePage,
    /// How many entries of page tables map it.
    pub mappings: u16,
    /// It was changed, and is not known to be on the disk. Entries that map it may know of more changes.
    pub dirty: bool,
    /// What the disk does with it.
    pub transfer: FileTransfer,
}

/// What the disk does with a cached page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileTransfer {
    /// Nothing.
    None,
    /// Nothing: it could not be written, and is dirty still.
    Failed,
    /// It is being written, and stays.
    Writing,
    /// It is being written, and then, if nobody has changed it meanwhile, makes room for another. If it cannot be written it stays.
    Leaving,
    /// The same, but it makes room in any case: it could not be written before.
    LastTry,
}

impl FileTransfer {
    /// The disk does nothing with the page.
    #[inline]
    pub const fn is_idle(self) -> bool {
        matches!(self, Self::None | Self::Failed)
    }

    /// The page makes room for another.
    #[inline]
    pub const fn is_leaving(self) -> bool {
        matches!(self, Self::Leaving | Self::LastTry)
    }
}

/// What each frame of the process pool is used for.
pub struct FrameTable {
    base: Frame,
    uses: Vec<FrameUse>,
    in_transit: u32,
    leaving: u32,
    tables: u32,
    unwritable: u32,
}

/// There is no memory for the table itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl FrameTable {
    /// A table for `frame_count` frames from `base`, all free. 16 bytes a frame.
    ///
    /// # Errors
    /// `OutOfMemory` if the allocator has no room for the table.
    pub fn new(base: Frame, frame_count: u32) -> Result<Self, OutOfMemory> {
        let len = frame_count as usize;
        let mut uses = Vec::new();
        uses.try_reserve_exact(len).map_err(|_| OutOfMemory)?;
        uses.resize(len, FrameUse::Free);
        Ok(Self { base, uses, in_transit: 0, leaving: 0, tables: 0, unwritable: 0 })
    }

    /// How many frames the table describes, usable or not.
    pub fn frame_count(&self) -> u32 {
        u32::try_from(self.uses.len()).unwrap_or(u32::MAX)
    }

    /// The frame at this position of the table.
    #[inline]
    pub const fn frame_at(&self, index: u32) -> Frame {
        Frame::new(self.base.number() + index)
    }

    /// What `frame` is used for; frames outside the table are `Free`.
    #[inline]
    pub fn get(&self, frame: Frame) -> FrameUse {
        self.uses.get(self.index(frame)).copied().unwrap_or(FrameUse::Free)
    }

    /// Changes what `frame` is used for.
    ///
    /// # Panics
    /// If the frame is outside the table: the pager was handed a frame that is not its own.
    #[inline]
    pub fn set(&mut self, frame: Frame, new: FrameUse) {
        let index = self.index(frame);
        let Some(place) = self.uses.get_mut(index) else { not_here(frame) };
        let old = core::mem::replace(place, new);
        if old.is_counted() || new.is_counted() {
            self.recount(&old, &new);
        }
    }

    /// One more entry maps the page of a file in `frame`, if it holds one.
    #[inline]
    pub fn add_mapping(&mut self, frame: Frame) {
        if let Some(FrameUse::Cached(cached)) = self.place_of(frame) {
            cached.mappings += 1;
        }
    }

    /// One entry fewer maps the page of a file in `frame`; the page was changed, if that entry says so. Returns how many are left, none if
    /// the frame holds no page of a file.
    #[inline]
    pub fn remove_mapping(&mut self, frame: Frame, changed: bool) -> u16 {
        let Some(FrameUse::Cached(cached)) = self.place_of(frame) else { return 0 };
        cached.mappings -= 1;
        cached.dirty |= changed;
        cached.mappings
    }

    #[inline]
    fn place_of(&mut self, frame: Frame) -> Option<&mut FrameUse> {
        let index = self.index(frame);
        self.uses.get_mut(index)
    }

    #[cold]
    #[inline(never)]
    fn recount(&mut self, old: &FrameUse, new: &FrameUse) {
        self.in_transit = self.in_transit + u32::from(new.is_in_transit()) - u32::from(old.is_in_transit());
        self.leaving = self.leaving + u32::from(new.is_leaving()) - u32::from(old.is_leaving());
        self.tables = self.tables + u32::from(new.is_table()) - u32::from(old.is_table());
        self.unwritable = self.unwritable + u32::from(new.is_unwritable()) - u32::from(old.is_unwritable());
    }

    /// How many frames the disk is reading or writing.
    #[inline]
    pub const fn in_transit(&self) -> u32 {
        self.in_transit
    }

    /// How many frames are free once the disk has written them.
    #[inline]
    pub const fn leaving(&self) -> u32 {
        self.leaving
    }

    /// How many frames hold directories and page tables.
    pub const fn tables(&self) -> u32 {
        self.tables
    }

    /// How many frames hold changed pages of files that the disk could not write.
    pub const fn unwritable(&self) -> u32 {
        self.unwritable
    }

    /// All frames with their uses, in order of frame.
    pub fn iter(&self) -> impl Iterator<Item = (Frame, FrameUse)> + '_ {
        self.uses.iter().zip(self.base.number()..).map(|(&frame_use, number)| (Frame::new(number), frame_use))
    }

    #[inline]
    const fn index(&self, frame: Frame) -> usize {
        frame.number().wrapping_sub(self.base.number()) as usize
    }
}

#[cold]
fn not_here(frame: Frame) -> ! {
    panic!("{frame:?} is not in the frame table")
}

impl FrameUse {
    /// Some counter counts it. Most changes are between uses that none does.
    #[inline]
    const fn is_counted(&self) -> bool {
        match self {
            Self::Free | Self::Resident { .. } => false,
            Self::Cached(cached) => !matches!(cached.transfer, FileTransfer::None),
            _ => true,
        }
    }

    /// The disk is reading or writing the frame.
    #[inline]
    pub const fn is_in_transit(&self) -> bool {
        match self {
            Self::Free | Self::Table(_) | Self::Resident { .. } => false,
            Self::Cached(cached) => !cached.transfer.is_idle(),
            _ => true,
        }
    }

    /// The frame is free once the disk has written it.
    #[inline]
    const fn is_leaving(&self) -> bool {
        match self {
            Self::Leaving { .. } | Self::Orphaned(_) | Self::Abandoned => true,
            Self::Cached(cached) => cached.transfer.is_leaving(),
            _ => false,
        }
    }

    #[inline]
    const fn is_unwritable(&self) -> bool {
        matches!(self, Self::Cached(CachedPage { transfer: FileTransfer::Failed, .. }))
    }

    #[inline]
    const fn is_table(&self) -> bool {
        matches!(self, Self::Table(_))
    }
}

#[cfg(test)]
mod tests {
    use super::{CachedPage, FileTransfer, FrameTable, FrameUse, OwnedPage, SpaceId};
    use crate::addr::{Frame, Page, SwapSlot};
    use crate::vm_pool::{FilePage, FileRef};

    #[test]
    fn an_entry_takes_16_bytes() {
        assert_eq!(size_of::<FrameUse>(), 16);
    }

    #[test]
    fn transit_and_tables_are_counted_as_uses_change() {
        let mut table = FrameTable::new(Frame::new(100), 4).unwrap();
        let owner = OwnedPage { space: SpaceId::new(3), page: Page::new(7) };
        table.set(Frame::new(100), FrameUse::Arriving { owner, slot: None });
        table.set(Frame::new(101), FrameUse::Leaving { owner, slot: SwapSlot::new(0) });
        table.set(Frame::new(103), FrameUse::Table(owner.space));
        assert_eq!((table.in_transit(), table.leaving(), table.tables()), (2, 1, 1));
        table.set(Frame::new(100), FrameUse::Resident { owner, slot: None, ahead: false });
        table.set(Frame::new(101), FrameUse::Orphaned(SwapSlot::new(0)));
        table.set(Frame::new(103), FrameUse::Free);
        assert_eq!((table.in_transit(), table.leaving(), table.tables()), (1, 1, 0));
        assert_eq!(table.get(Frame::new(99)), FrameUse::Free);
        assert_eq!(table.iter().filter(|(_, frame_use)| *frame_use != FrameUse::Free).count(), 2);
    }

    #[test]
    fn pages_that_cannot_be_written_are_counted_whatever_is_done_with_them() {
        let mut table = FrameTable::new(Frame::new(100), 2).unwrap();
        let page = FilePage { file: FileRef::new(1), number: 0 };
        for (transfer, in_transit, leaving, unwritable) in [
            (FileTransfer::Failed, 0, 0, 1),
            (FileTransfer::LastTry, 1, 1, 0),
            (FileTransfer::Failed, 0, 0, 1),
            (FileTransfer::Writing, 1, 0, 0),
            (FileTransfer::Failed, 0, 0, 1),
            (FileTransfer::None, 0, 0, 0),
            (FileTransfer::Leaving, 1, 1, 0),
            (FileTransfer::Failed, 0, 0, 1),
        ] {
            let cached = CachedPage { page, mappings: 0, dirty: true, transfer };
            table.set(Frame::new(101), FrameUse::Cached(cached));
            assert_eq!((table.in_transit(), table.leaving(), table.unwritable()), (in_transit, leaving, unwritable));
        }
        table.set(Frame::new(101), FrameUse::Free);
        assert_eq!(table.unwritable(), 0);
    }

    #[test]
    #[should_panic(expected = "not in the frame table")]
    fn a_frame_of_another_pool_is_noticed() {
        let mut table = FrameTable::new(Frame::new(100), 4).unwrap();
        table.set(Frame::new(104), FrameUse::Free);
    }
}
