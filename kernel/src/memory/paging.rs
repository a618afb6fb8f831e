//! The pager at work: what it decides is carried out here, with waiting where the disk is needed.

use core::ops::Range;

use kcore::addr::{Frame, PAGE_SIZE, Page};
use kcore::fault::{Fault, FaultError};
use kcore::frame_table::SpaceId;
use kcore::mapping::VirtualToPhysicalMapping;
use kcore::pager::{Freed, GrantError, PageIn, PageOut, Pager, Shortage, Source, Step, TransferFailed};
use kcore::vm_pool::{FilePage, VmPoolError};

use super::page_io::Place;
use super::tables::Mmu;
use super::window::{Purpose, with_frame};
use super::write_back;
use crate::cell::KernelCell;
use crate::cpu::interrupts;
use crate::drivers::ata::{Direction, transfer};
use crate::files;
use crate::process::{scheduler, transit};

/// The pager and the tables it works on.
pub struct Memory {
    /// What was promised, and where every page is.
    pub pager: Pager<'static>,
    /// The page tables.
    pub mmu: Mmu,
    /// The books are compared every so many faults; 0 means never.
    pub check_every: u32,
    /// Faults since the books were compared.
    pub faults: u32,
}

static MEMORY: KernelCell<Option<Memory>> = KernelCell::new(None);

/// Sets the memory system, once, at boot.
pub fn init(memory: Memory) {
    MEMORY.with(|place| *place = Some(memory));
}

/// Works on the memory system. Nothing in `work` may wait.
#[inline]
pub fn with_memory<R>(work: impl FnOnce(&mut Memory) -> R) -> R {
    MEMORY.with(|memory| match memory {
        Some(memory) => work(memory),
        None => panic!("the memory system is used before `memory::init`"),
    })
}

/// Repairs the page table for one fault of `space`; may wait for the disk. If the process is killed meanwhile, it may come back
/// with nothing repaired.
///
/// # Errors
/// A [`FaultError`] if the access is not allowed or cannot be served.
#[inline]
pub fn repair(space: SpaceId, fault: &Fault) -> Result<(), FaultError> {
    let unfinished = with_memory(|memory| {
        memory.check_if_due();
        memory.pager.count_fault(space);
        match memory.pager.resolve(&mut memory.mmu, space, fault) {
            Ok(Step::Done) if !memory.pager.should_start_cleaning() => None,
            first => Some(first),
        }
    });
    match unfinished {
        None => Ok(()),
        Some(first) => repair_slowly(space, fault, first),
    }
}

#[cold]
fn repair_slowly(space: SpaceId, fault: &Fault, first: Result<Step, FaultError>) -> Result<(), FaultError> {
    let outcome = repair_with_disk(space, fault, first?);
    write_back::clean_if_short();
    outcome
}

fn repair_with_disk(space: SpaceId, fault: &Fault, first: Step) -> Result<(), FaultError> {
    let mut step = first;
    loop {
        match step {
            Step::Done => return Ok(()),
            Step::Read(ticket) => {
                let maps_itself = matches!(ticket.source(), Source::Slots(..));
                read_in(ticket)?;
                if maps_itself {
                    return Ok(());
                }
            }
            Step::Write(ticket) => write_out(ticket),
            Step::Wait => transit::wait(),
        }
        if scheduler::is_killed() {
            return Ok(());
        }
        step = with_memory(|memory| memory.pager.resolve(&mut memory.mmu, space, fault))?;
    }
}

/// Fetches pages; the process waits. Resolving anew maps those of a file.
///
/// # Errors
/// `ReadFailed` if a page that is missed cannot be read.
pub fn read_in(ticket: PageIn) -> Result<(), FaultError> {
    let result = read_pages(&ticket);
    if let (Ok(()), Source::File(first)) = (result, ticket.source()) {
        clear_behind_end(first, ticket.frames());
    }
    let done = with_memory(|memory| memory.pager.page_in_done(&mut memory.mmu, ticket, result));
    transit::wake_all();
    done
}

/// What lies behind the end of a file in its last page is nobody's.
fn clear_behind_end(first: FilePage, frames: &[Frame]) {
    for (number, &frame) in (first.number..).zip(frames) {
        let valid_bytes = files::bytes_in_page(FilePage { number, ..first });
        if valid_bytes < PAGE_SIZE as usize {
            // SAFETY: the frame is in transit for this ticket alone, and its transfer has ended.
            unsafe { with_frame(Purpose::Fill, frame, |bytes| bytes[valid_bytes..].fill(0)) };
        }
    }
}

/// Reads with as few requests as the pages' places on the disk allow.
fn read_pages(ticket: &PageIn) -> Result<(), TransferFailed> {
    let place = Place::of_source(ticket.source());
    let mut position = 0;
    while position < ticket.frames().len() {
        let (first_sector, segments) = place.request(ticket.frames(), position).ok_or(TransferFailed)?;
        // SAFETY: the pager keeps the frames in transit until the ticket comes back.
        unsafe { transfer(Direction::Read, first_sector, &segments) }.map_err(|_| TransferFailed)?;
        position += segments.len();
    }
    Ok(())
}

/// Parks borrowed frames' pages on the disk; the process waits until the disk is done with the first.
pub fn write_out(ticket: PageOut) {
    let first = ticket.frames().first().copied();
    write_back::begin(ticket);
    let is_under_way = |frame| with_memory(|memory| memory.pager.frames().get(frame).is_in_transit());
    while first.is_some_and(is_under_way) {
        transit::wait();
    }
}

/// Makes an address space with a directory, which may be promised `limit` pages; may wait for a frame.
///
/// # Errors
/// See [`GrantError`]; nothing is left behind then.
pub fn create_space(limit: u32) -> Result<SpaceId, GrantError> {
    let id = with_memory(|memory| memory.pager.create_space(limit))?;
    loop {
        match with_memory(|memory| memory.pager.give_directory(&mut memory.mmu, id)) {
            Ok(()) => return Ok(id),
            Err(Shortage::Write(ticket)) => write_out(ticket),
            Err(Shortage::Wait) => transit::wait(),
            Err(Shortage::OutOfFrames) => {
                destroy_space(id);
                return Err(GrantError::Refused);
            }
        }
    }
}

/// Frees memory part by part, until all is free. Interrupts are let in after each part, and the time slice may end.
///
/// # Errors
/// Those of `free_part`, for its first part. It can free the others then.
pub fn free_all(mut free_part: impl FnMut(&mut Memory) -> Result<Freed, VmPoolError>) -> Result<(), VmPoolError> {
    while with_memory(&mut free_part)? == Freed::Part {
        scheduler::preemption_point();
    }
    Ok(())
}

/// Number of frames that are looked at with interrupts off when the pages of a file are forgotten.
const FRAMES_AT_ONCE: u16 = 2048;

/// Works on all frames, by their places, and lets interrupts in between. No other process runs meanwhile. Returns whether `part` has
/// returned true each time.
pub fn for_all_frames(mut part: impl FnMut(&mut Memory, Range<u32>) -> bool) -> bool {
    let count = with_memory(|memory| memory.pager.frames().frame_count());
    let mut is_true = true;
    for first in (0..count).step_by(FRAMES_AT_ONCE.into()) {
        let end = first.saturating_add(FRAMES_AT_ONCE.into());
        is_true &= with_memory(|memory| part(memory, first..end));
        interrupts::let_in();
    }
    is_true
}

/// Frees a space that no process has.
pub fn destroy_space(id: SpaceId) {
    while with_memory(|memory| memory.pager.destroy_space(&mut memory.mmu, id)) == Freed::Part {
        interrupts::let_in();
    }
}

/// What is known of one page: `None` if it is not allocated.
pub fn mapping(space: SpaceId, page: Page) -> Option<VirtualToPhysicalMapping> {
    with_memory(|memory| memory.pager.mapping(&mut memory.mmu, space, page))
}

/// Compares the books for the last time, if they are to be compared at all.
///
/// # Panics
/// If they disagree.
pub fn check_at_end() {
    with_memory(|memory| {
        if memory.check_every > 0 {
            memory.check();
        }
    });
}

impl Memory {
    /// Compares the books with each other every `check_every` faults.
    ///
    /// # Panics
    /// If they disagree.
    #[inline]
    fn check_if_due(&mut self) {
        if self.check_every == 0 {
            return;
        }
        self.faults += 1;
        if self.faults >= self.check_every {
            self.faults = 0;
            self.check();
        }
    }

    fn check(&mut self) {
        if let Err(broken) = self.pager.check(&mut self.mmu) {
            panic!("{broken}");
        }
    }
}
