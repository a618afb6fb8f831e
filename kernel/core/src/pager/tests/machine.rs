//! A machine in memory: the pager on its hardware, and processes that touch pages.

use std::collections::{HashMap, VecDeque};

use abi::Access;

use super::hardware::{Hardware, Word};
use crate::addr::{Frame, PAGE_SIZE, Page, SwapSlot, VirtAddr};
use crate::fault::{Fault, FaultError};
use crate::frame_pool::{ContiguousFramePool, FrameInfo};
use crate::frame_table::{FileTransfer, FrameUse, SpaceId};
use crate::memory_map::FrameRange;
use crate::pager::{
    Cleaned, FileStep, Freed, Options, PageIn, PageOut, Pager, Shortage, Step, WriteBack, WriteBackPass,
};
use crate::replacement::by_name;
use crate::swap_slots::SwapSlots;
use crate::vm_pool::{FilePage, FileRef, VmPoolError};

/// The first process frame; not 0, so that a frame number is not an index by accident.
pub const FIRST_FRAME: u32 = 300;

/// The pager, the hardware and the disk.
pub struct Machine {
    pub pager: Pager<'static>,
    pub hardware: Hardware,
    pub swap: HashMap<SwapSlot, Word>,
    /// Pages of files that were written.
    pub files: HashMap<FilePage, Word>,
    /// Writes that the disk was told to do and has not done yet, with what the frames held when it was told.
    pub queued_writes: VecDeque<(PageOut, Vec<Word>)>,
    /// The disk takes what it writes from memory when it is told to, and not when it is done: every other time.
    pub takes_early: bool,
    /// Reads that the disk was told to do and has not done yet, with the space whose process waits for each.
    pub queued_reads: VecDeque<(SpaceId, PageIn)>,
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
        // One page at a time, and cached pages of files are victims as pages of programs are.
        let options = Options { files_lend: true, ..Options::TEXTBOOK };
        Self::with_policy("random", options, frames, slots, seed)
    }

    pub fn with_policy(policy: &str, options: Options, frames: u32, slots: u32, seed: u64) -> Self {
        let range = FrameRange { first: Frame::new(FIRST_FRAME), count: frames };
        Self::over(range, policy, options, slots, seed)
    }

    pub fn over(range: FrameRange, policy: &str, options: Options, slots: u32, seed: u64) -> Self {
        let info = vec![FrameInfo::default(); range.count as usize].leak();
        let pool = ContiguousFramePool::new(range.first, info);
        let slots = SwapSlots::new(slots).unwrap();
        let pager = Pager::new(pool, slots, by_name(policy, seed, range).unwrap(), options).unwrap();
        Self {
            pager,
            hardware: Hardware::new(range),
            swap: HashMap::new(),
            files: HashMap::new(),
            queued_writes: VecDeque::new(),
            queued_reads: VecDeque::new(),
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
                Err(Shortage::Wait) => self.end_oldest_transfer(),
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

    pub fn step(&mut self, id: SpaceId, page: Page, access: Access) -> Result<Step, FaultError> {
        let fault = Fault { address: VirtAddr::new(page.number() * PAGE_SIZE), access };
        self.pager.count_fault(id);
        self.pager.resolve(&mut self.hardware, id, &fault)
    }

    /// Begins a fault of a process, by reading. If a page must be read, the process waits and others run.
    pub fn fault_and_wait(&mut self, id: SpaceId, page: Page) {
        match self.step(id, page, Access::Read) {
            Ok(Step::Read(ticket)) => self.queued_reads.push_back((id, ticket)),
            Ok(Step::Write(ticket)) => self.queue_write(ticket),
            Ok(Step::Done | Step::Wait) | Err(_) => {}
        }
    }

    /// The first of `count` pages from `base` on that is in the swap file alone.
    pub fn find_swapped(&mut self, id: SpaceId, base: Page, count: u32) -> Page {
        let mut pages = (0..count).map(|index| base.checked_add(index).unwrap());
        let is_swapped = |page: &Page| {
            let mapping = self.pager.mapping(&mut self.hardware, id, *page).unwrap();
            mapping.physical_page.is_none() && mapping.disk_page.is_some()
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
                self.end_oldest_transfer();
                Ok(())
            }
        };
        self.clean();
        outcome
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
                FileStep::Wait => self.end_oldest_transfer(),
            }
        }
        panic!("{page:?} never came");
    }

    /// The first step of writing back; its ticket is the caller's to bring back.
    pub fn begin_write_back(&mut self, file: FileRef) -> WriteBack {
        self.pager.write_back(&mut self.hardware, Some(file), &mut WriteBackPass::default())
    }

    /// Frees a region, part by part.
    pub fn free(&mut self, id: SpaceId, start: Page) -> Result<(), VmPoolError> {
        self.free_all(|pager, hardware| pager.free(hardware, id, start))
    }

    /// Frees a run of pages, part by part.
    pub fn free_run(&mut self, id: SpaceId, first: Page, page_count: u32) -> Result<(), VmPoolError> {
        let mut left = page_count;
        self.free_all(|pager, hardware| {
            left = pager.free_run(hardware, id, first, left)?;
            Ok(if left == 0 { Freed::All } else { Freed::Part })
        })
    }

    /// Ends a mapping, part by part.
    pub fn unmap_file(&mut self, id: SpaceId, start: Page) -> Result<(), VmPoolError> {
        self.free_all(|pager, hardware| pager.unmap_file(hardware, id, start))
    }

    /// Frees a pool, part by part.
    pub fn unregister_pool(&mut self, id: SpaceId, base: Page) -> Result<(), VmPoolError> {
        self.free_all(|pager, hardware| pager.unregister_pool(hardware, id, base))
    }

    /// Destroys a space, part by part.
    pub fn destroy_space(&mut self, id: SpaceId) {
        self.free_all(|pager, hardware| Ok(pager.destroy_space(hardware, id))).unwrap();
    }

    /// Calls until all is free. After each part, the books agree.
    fn free_all(
        &mut self,
        mut free_part: impl FnMut(&mut Pager<'static>, &mut Hardware) -> Result<Freed, VmPoolError>,
    ) -> Result<(), VmPoolError> {
        while free_part(&mut self.pager, &mut self.hardware)? == Freed::Part {
            self.check();
        }
        Ok(())
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
