//! The CPU and its memory, as far as the pager knows them: frames, tables, and a TLB that stays stale until it is flushed.

use std::collections::HashMap;

use abi::Access;

use crate::addr::{Frame, PAGE_SIZE, Page};
use crate::memory_map::FrameRange;
use crate::pager::{PageTables, Stale};
use crate::pte::{Pte, PteFlags, PteState};

/// A page's contents are one word here: all that a test can confuse is which page it is looking at.
pub type Word = u32;

/// What a frame that nobody cleared holds.
pub const DIRT: Word = 0xDEAD_BEEF;

/// What a page holds that begins with so many bytes of another and goes on with zeros.
pub const fn beginning_of(word: Word, len_bytes: u32) -> Word {
    assert!(len_bytes <= PAGE_SIZE);
    if len_bytes == PAGE_SIZE { word } else { word ^ (PAGE_SIZE - len_bytes) << 16 }
}

pub struct Hardware {
    pub memory: HashMap<Frame, Word>,
    /// Directories and page tables, by frame: slot -> raw entry.
    tables: HashMap<Frame, HashMap<u32, u32>>,
    tlb: HashMap<Page, (Frame, PteFlags)>,
    pub active: Option<Frame>,
    /// Number of entries that the pager has looked at or changed.
    pub work: u32,
}

impl Hardware {
    pub fn new(frames: FrameRange) -> Self {
        Self {
            memory: (frames.first.number()..frames.end()).map(|number| (Frame::new(number), DIRT)).collect(),
            tables: HashMap::new(),
            tlb: HashMap::new(),
            active: None,
            work: 0,
        }
    }

    fn table_of(&self, directory: Frame, page: Page) -> Option<Frame> {
        let raw = *self.tables.get(&directory)?.get(&page.directory_slot())?;
        Some(Frame::new(raw))
    }

    fn write(&mut self, directory: Frame, page: Page, new: Pte) -> Pte {
        let table = self.table_of(directory, page).expect("the page table must be there");
        let entries = self.tables.get_mut(&table).expect("a table frame holds a table");
        Pte::from_raw(entries.insert(page.table_slot(), new.raw()).unwrap_or(0))
    }

    /// Switches spaces: the TLB is empty afterwards. The space that is active already keeps what is in it.
    pub fn switch_to(&mut self, directory: Frame) {
        if self.active != Some(directory) {
            self.active = Some(directory);
            self.tlb.clear();
        }
    }

    /// What the CPU does for one access: translate through the TLB, walk the tables on a miss, set the accessed and dirty bits.
    pub fn translate(&mut self, page: Page, access: Access) -> Option<Frame> {
        let directory = self.active?;
        if let Some(&(frame, flags)) = self.tlb.get(&page)
            && (access != Access::Write || flags.contains(PteFlags::WRITABLE | PteFlags::DIRTY))
        {
            return Some(frame);
        }
        let entry = self.entry(directory, page)?;
        let PteState::Present(frame, mut flags) = entry.decode() else { return None };
        if access == Access::Write && !flags.contains(PteFlags::WRITABLE) {
            return None;
        }
        flags |= PteFlags::ACCESSED;
        if access == Access::Write {
            flags |= PteFlags::DIRTY;
        }
        self.write(directory, page, Pte::present(frame, flags));
        self.tlb.insert(page, (frame, flags));
        Some(frame)
    }
}

impl PageTables for Hardware {
    fn entry(&mut self, directory: Frame, page: Page) -> Option<Pte> {
        self.work += 1;
        let table = self.table_of(directory, page)?;
        Some(Pte::from_raw(self.tables[&table].get(&page.table_slot()).copied().unwrap_or(0)))
    }

    fn fill(&mut self, directory: Frame, page: Page, new: Pte) {
        self.work += 1;
        let old = self.write(directory, page, new);
        assert!(!matches!(old.decode(), PteState::Present(..)), "a present entry was overwritten without a flush");
    }

    fn exchange(&mut self, directory: Frame, page: Page, new: Pte) -> (Pte, Stale) {
        self.work += 1;
        (self.write(directory, page, new), Stale::new(directory, page))
    }

    fn flush(&mut self, stale: Stale) {
        if self.active == Some(stale.directory()) {
            self.tlb.remove(&stale.page());
        }
    }

    fn install_table(&mut self, directory: Frame, page: Page, table: Frame) {
        self.tables.insert(table, HashMap::new());
        let directory = self.tables.get_mut(&directory).expect("the space has a directory");
        assert_eq!(directory.insert(page.directory_slot(), table.number()), None, "the slot had a table");
    }

    fn remove_table(&mut self, directory: Frame, page: Page) -> Option<Frame> {
        let raw = self.tables.get_mut(&directory)?.remove(&page.directory_slot())?;
        let entries = self.tables.remove(&Frame::new(raw)).expect("a table frame holds a table");
        assert!(entries.values().all(|&raw| raw == 0), "a table with entries was removed");
        Some(Frame::new(raw))
    }

    fn init_directory(&mut self, directory: Frame) {
        self.tables.insert(directory, HashMap::new());
    }

    fn zero(&mut self, frame: Frame) {
        self.memory.insert(frame, 0);
    }

    fn copy(&mut self, from: Frame, to: Frame, len_bytes: u32) {
        self.memory.insert(to, beginning_of(self.memory[&from], len_bytes));
    }
}
