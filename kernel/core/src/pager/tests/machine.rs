//! A machine in memory. It translates through a TLB that keeps what it has seen until it is told to forget it.

use std::collections::{HashMap, VecDeque};

use abi::Access;

use crate::addr::{Frame, PAGE_SIZE, Page, SwapSlot, VirtAddr};
use crate::fault::{Fault, FaultError};
use crate::frame_pool::{ContiguousFramePool, FrameInfo};
use crate::frame_table::{FileTransfer, FrameUse, SpaceId};
use crate::memory_map::FrameRange;
use crate::pager::{
    ChangesLost, Cleaned, FileStep, Options, PageIn, PageOut, PageTables, Pager, Shortage, Source, Stale, Step, Target,
    TransferFailed, WriteBack, WriteBackPass,
};
use crate::pte::{Pte, PteFlags, PteState};
use crate::replacement::by_name;
use crate::swap_slots::SwapSlots;
use crate::vm_pool::{FilePage, FileRef};

/// The first process frame; not 0, so that a frame number is not an index by accident.
pub const FIRST_FRAME: u32 = 300;

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
}

impl Hardware {
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
    fn translate(&mut self, page: Page, access: Access) -> Option<Frame> {
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
        let table = self.table_of(directory, page)?;
        Some(Pte::from_raw(self.tables[&table].get(&page.table_slot()).copied().unwrap_or(0)))
    }

    fn fill(&mut self, directory: Frame, page: Page, new: Pte) {
        let old = self.write(directory, page, new);
        assert!(!matches!(old.decode(), PteState::Present(..)), "a present entry was overwritten without a flush");
    }

    fn exchange(&mut self, directory: Frame, page: Page, new: Pte) -> (Pte, Stale) {
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

/// The pager, the hardware and the disk.
pub struct Machine {
    pub pager: Pager<'static>,
    pub hardware: Hardware,
    pub swap: HashMap<SwapSlot, Word>,
    /// Pages of files that were written.
    pub files: HashMap<FilePage, Word>,
    /// Writes that the disk was told to do and has not done yet, with what the frames held when it was told.
    queued_writes: VecDeque<(PageOut, Vec<Word>)>,
    /// The disk takes what it writes from memory when it is told to, and not when it is done: every other time.
    takes_early: bool,
    /// How many writes may be queued before the oldest is done.
    pub queue_len: usize,
    /// How many of the next transfers fail.
    pub failing_reads: u32,
    pub failing_writes: u32,
    /// How many of the next writes to slots fail, if all promises can be kept with a slot less.
    pub failing_slots: u32,
    /// How many of the next writes to files fail.
    pub failing_file_writes: u32,
    /// Pages of files whose changes were lost.
    pub lost: Vec<FilePage>,
}

impl Machine {
    pub fn new(frames: u32, slots: u32, seed: u64) -> Self {
        Self::with_policy("random", Options::TEXTBOOK, frames, slots, seed)
    }

    pub fn with_policy(policy: &str, options: Options, frames: u32, slots: u32, seed: u64) -> Self {
        let range = FrameRange { first: Frame::new(FIRST_FRAME), count: frames };
        Self::over(range, policy, options, slots, seed)
    }

    pub fn over(range: FrameRange, policy: &str, options: Options, slots: u32, seed: u64) -> Self {
        let info = vec![FrameInfo::default(); range.count as usize].leak();
        let pool = ContiguousFramePool::new(range.first, info);
        let slots = SwapSlots::new(slots).unwrap();
        let hardware = Hardware {
            memory: (range.first.number()..range.end()).map(|number| (Frame::new(number), DIRT)).collect(),
            tables: HashMap::new(),
            tlb: HashMap::new(),
            active: None,
        };
        let pager = Pager::new(pool, slots, by_name(policy, seed, range).unwrap(), options).unwrap();
        Self {
            pager,
            hardware,
            swap: HashMap::new(),
            files: HashMap::new(),
            queued_writes: VecDeque::new(),
            takes_early: false,
            queue_len: 0,
            failing_reads: 0,
            failing_writes: 0,
            failing_slots: 0,
            failing_file_writes: 0,
            lost: Vec::new(),
        }
    }

    pub fn spawn(&mut self) -> SpaceId {
        let id = self.pager.create_space(u32::MAX).unwrap();
        loop {
            match self.pager.give_directory(&mut self.hardware, id) {
                Ok(()) => return id,
                Err(Shortage::Write(ticket)) => self.queue_write(ticket),
                Err(Shortage::Wait) => self.end_oldest_write(),
                Err(Shortage::OutOfFrames) => panic!("a promised directory has no frame"),
            }
        }
    }

    pub fn switch_to(&mut self, id: SpaceId) {
        let directory = self.pager.spaces().get(id).and_then(|space| space.directory()).unwrap();
        self.hardware.switch_to(directory);
    }

    /// One access by the active space, faults and all.
    pub fn access(&mut self, id: SpaceId, page: Page, write: Option<Word>) -> Result<Word, FaultError> {
        let access = if write.is_some() { Access::Write } else { Access::Read };
        for _ in 0..1000 {
            if let Some(frame) = self.hardware.translate(page, access) {
                let place = self.hardware.memory.get_mut(&frame).unwrap();
                if let Some(word) = write {
                    *place = word;
                }
                return Ok(*place);
            }
            self.fault(id, page, access)?;
        }
        panic!("{page:?} never became accessible");
    }

    /// One instruction that reads all these pages: it is tried until none of them is missing. Returns how many faults that took.
    pub fn access_all(&mut self, id: SpaceId, pages: &[Page]) -> u32 {
        for faults in 0..200 {
            let missing = pages.iter().find(|&&page| self.hardware.translate(page, Access::Read).is_none());
            match missing {
                None => return faults,
                Some(&page) => self.fault(id, page, Access::Read).unwrap(),
            }
        }
        panic!("the instruction was never done")
    }

    /// The first step of a fault, by reading; its ticket is the caller's to bring back.
    pub fn begin_fault(&mut self, id: SpaceId, page: Page) -> Step {
        self.step(id, page, Access::Read).unwrap()
    }

    fn step(&mut self, id: SpaceId, page: Page, access: Access) -> Result<Step, FaultError> {
        let fault = Fault { address: VirtAddr::new(page.number() * PAGE_SIZE), access };
        self.pager.count_fault(id);
        self.pager.resolve(&mut self.hardware, id, &fault)
    }

    /// The first of `count` pages from `base` on that is in the swap file alone.
    pub fn find_swapped(&mut self, id: SpaceId, base: Page, count: u32) -> Page {
        let mut pages = (0..count).map(|index| base.checked_add(index).unwrap());
        let is_swapped = |page: &Page| {
            let mapping = self.pager.mapping(&mut self.hardware, id, *page).unwrap();
            mapping.physical_page().is_none() && mapping.disk_page().is_some()
        };
        pages.find(is_swapped).expect("no page was swapped out")
    }

    fn fault(&mut self, id: SpaceId, page: Page, access: Access) -> Result<(), FaultError> {
        let step = self.step(id, page, access)?;
        let outcome = match step {
            Step::Done => Ok(()),
            Step::Read(ticket) => self.read_in(ticket),
            Step::Write(ticket) => {
                self.queue_write(ticket);
                Ok(())
            }
            Step::Wait => {
                if self.has_writes() {
                    self.end_oldest_write();
                }
                Ok(())
            }
        };
        self.clean();
        outcome
    }

    pub fn queue_write(&mut self, ticket: PageOut) {
        let words = self.words(&ticket);
        self.queued_writes.push_back((ticket, words));
        if self.queued_writes.len() > self.queue_len {
            self.end_oldest_write();
        }
    }

    /// Writes are queued.
    pub fn has_writes(&self) -> bool {
        !self.queued_writes.is_empty()
    }

    /// The disk ends the write it began first. What it writes is what the frames hold now, or what they held at first.
    pub fn end_oldest_write(&mut self) {
        let (ticket, words) = self.queued_writes.pop_front().expect("something waits for a write, but none is queued");
        self.takes_early = !self.takes_early;
        let words = if self.takes_early { words } else { self.words(&ticket) };
        self.end_write(ticket, &words);
    }

    fn words(&self, ticket: &PageOut) -> Vec<Word> {
        ticket.frames().iter().map(|frame| self.hardware.memory[frame]).collect()
    }

    pub fn read_in(&mut self, ticket: PageIn) -> Result<(), FaultError> {
        let failed = self.failing_reads.checked_sub(1).map(|rest| self.failing_reads = rest).is_some();
        if !failed {
            for (index, &frame) in (0..).zip(ticket.frames()) {
                let word = match ticket.source() {
                    Source::Slots(first, _) => self.swap[&SwapSlot::new(first.number() + index)],
                    Source::File(first) => self.file_word(FilePage { number: first.number + index, ..first }),
                };
                self.hardware.memory.insert(frame, word);
            }
        }
        let result = if failed { Err(TransferFailed) } else { Ok(()) };
        self.pager.page_in_done(&mut self.hardware, ticket, result)
    }

    pub fn write_out(&mut self, ticket: PageOut) {
        let words = self.words(&ticket);
        self.end_write(ticket, &words);
    }

    fn end_write(&mut self, mut ticket: PageOut, words: &[Word]) {
        let failed = self.failing_writes.checked_sub(1).map(|rest| self.failing_writes = rest).is_some();
        let failed = failed || self.slot_fails(ticket.target()) || self.file_write_fails(ticket.target());
        if failed && ticket.frames().len() > 1 {
            let mut words = words.chunks(1);
            let mut next = || words.next().expect("a word for each page");
            while let Some(one) = ticket.split_first() {
                self.end_write(one, next());
            }
            return self.end_write(ticket, next());
        }
        if !failed {
            for (index, &word) in (0..).zip(words) {
                match ticket.target() {
                    Target::Slots(first) => self.swap.insert(SwapSlot::new(first.number() + index), word),
                    Target::File(first) => self.files.insert(FilePage { number: first.number + index, ..first }, word),
                };
            }
        }
        let result = if failed { Err(TransferFailed) } else { Ok(()) };
        let done = self.pager.page_out_done(&mut self.hardware, ticket, result);
        self.lost.extend(done.err().map(|ChangesLost(page)| page));
    }

    fn file_write_fails(&mut self, target: Target) -> bool {
        let is_file = matches!(target, Target::File(_));
        is_file && self.failing_file_writes.checked_sub(1).map(|rest| self.failing_file_writes = rest).is_some()
    }

    fn slot_fails(&mut self, target: Target) -> bool {
        let ledger = self.pager.ledger();
        let fails = matches!(target, Target::Slots(_)) && ledger.promised() < ledger.promisable();
        fails && self.failing_slots.checked_sub(1).map(|rest| self.failing_slots = rest).is_some()
    }

    /// What a call does that reads or writes a page of a file for `id`.
    pub fn file_access(&mut self, id: SpaceId, file: FileRef, number: u32, write: Option<Word>) -> Word {
        let page = FilePage { file, number };
        for _ in 0..1000 {
            let step = match write {
                // A whole page is overwritten: what the disk has does not matter.
                Some(_) => self.pager.fresh_file_page(&mut self.hardware, page),
                None => self.pager.file_page(&mut self.hardware, id, page, 3),
            };
            match step.unwrap() {
                FileStep::Here(frame) => {
                    if let Some(word) = write {
                        self.hardware.memory.insert(frame, word);
                        self.pager.file_page_changed(frame);
                    }
                    return self.hardware.memory[&frame];
                }
                // A read that failed is tried again.
                FileStep::Read(ticket) => drop(self.read_in(ticket)),
                FileStep::Write(ticket) => self.queue_write(ticket),
                FileStep::Wait => self.end_oldest_write(),
            }
        }
        panic!("{page:?} never came");
    }

    /// What `Sync` does.
    pub fn write_back(&mut self, file: FileRef) {
        let mut pass = WriteBackPass::default();
        loop {
            match self.pager.write_back(&mut self.hardware, Some(file), &mut pass) {
                WriteBack::Write(ticket) => self.queue_write(ticket),
                WriteBack::Wait => self.end_all_writes(),
                WriteBack::GoOn => {}
                WriteBack::Done => break,
            }
        }
        self.end_all_writes();
    }

    pub fn end_all_writes(&mut self) {
        while self.has_writes() {
            self.end_oldest_write();
        }
    }

    /// What the disk has of a page of a file: a word of its own until it is written.
    pub fn file_word(&self, page: FilePage) -> Word {
        self.files.get(&page).copied().unwrap_or(page.file.raw() * 1000 + page.number)
    }

    /// Lets the cleaner work as long as it wants to.
    pub fn clean(&mut self) {
        if !self.pager.should_start_cleaning() {
            return;
        }
        while self.pager.should_go_on_cleaning() {
            match self.pager.clean(&mut self.hardware) {
                Cleaned::Freed => {}
                Cleaned::Write(ticket) => self.queue_write(ticket),
                Cleaned::Nothing => return,
            }
        }
    }

    /// One step of cleaning.
    pub fn clean_once(&mut self) -> Cleaned {
        self.pager.clean(&mut self.hardware)
    }

    pub fn check(&mut self) {
        self.pager.check(&mut self.hardware).unwrap();
        for (frame, frame_use) in self.pager.frames().iter() {
            if let FrameUse::Cached(cached) = frame_use
                && cached.transfer == FileTransfer::Failed
            {
                assert!(cached.dirty, "{frame:?} could not be written and is clean");
            }
        }
    }
}
