//! Which pages may be borrowed, and how many.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::machine::Machine;
use super::rules::page;
use crate::addr::{Frame, PAGE_SIZE, Page};
use crate::frame_table::{FrameUse, SpaceId};
use crate::pager::borrow::Marks;
use crate::pager::served::Served;
use crate::pager::{Cleaned, Options, Step, WriteBack, WriteBackPass};
use crate::replacement::{Replacement, Residents};
use crate::vm_pool::{Backing, FilePage, FileRef, Rights};

const FILE: FileRef = FileRef::new(3);

/// A machine that borrows by `policy`, with one active space that was granted `pages` pages of heap.
pub fn machine(policy: &str, options: Options, frames: u32, slots: u32, pages: u32) -> (Machine, SpaceId, Page) {
    let mut machine = Machine::with_policy(policy, options, frames, slots, 1);
    let id = machine.spawn();
    machine.switch_to(id);
    let base = machine.pager.allocate(id, pages).unwrap();
    (machine, id, base)
}

pub fn map(machine: &mut Machine, id: SpaceId, file: FileRef, pages: u32) -> Page {
    let shown = Backing::File { file, first_page: 0, len_bytes: pages * PAGE_SIZE, shared: true };
    machine.pager.map_file(id, None, pages, Rights::READ | Rights::WRITE, shown).unwrap()
}

/// Notes which frames it is offered, and takes none.
struct Witness(Arc<Mutex<Vec<Frame>>>);

impl Replacement for Witness {
    fn name(&self) -> &'static str {
        "witness"
    }

    fn choose(&mut self, memory: &mut dyn Residents) -> Option<Frame> {
        let frames = (0..memory.frame_count()).map(|index| memory.frame_at(index));
        *self.0.lock().unwrap() = frames.filter(|&frame| memory.page_in(frame).is_some()).collect();
        None
    }
}

#[test]
fn only_pages_at_rest_are_offered_for_borrowing() {
    let (mut machine, id, base) = machine("random", Options::TEXTBOOK, 40, 60, 60);
    let shown = map(&mut machine, id, FILE, 10);
    for index in 0..5 {
        machine.access(id, page(shown, index), Some(1)).unwrap();
    }
    for index in 0..60 {
        machine.access(id, page(base, index), Some(index)).unwrap();
    }
    let mut tickets = Vec::new();
    let swapped = machine.find_swapped(id, base, 60);
    for wanted in [swapped, page(shown, 8)] {
        tickets.push(loop {
            match machine.begin_fault(id, wanted) {
                Step::Read(ticket) => break ticket,
                Step::Write(ticket) => machine.write_out(ticket),
                other => panic!("{other:?}"),
            }
        });
    }
    // One page on its way out to the swap file, one to its file, one taken back.
    machine.queue_len = 9;
    for _ in 0..2 {
        let Cleaned::Write(ticket) = machine.clean_once() else { panic!("all pages are dirty") };
        machine.queue_write(ticket);
    }
    machine.access(id, page(shown, 0), Some(2)).unwrap();
    match machine.pager.write_back(&mut machine.hardware, Some(FILE), &mut WriteBackPass::default()) {
        WriteBack::Write(ticket) => machine.queue_write(ticket),
        other => panic!("{other:?}"),
    }
    let leaving = machine.pager.frames().iter().find_map(|(_, frame_use)| match frame_use {
        FrameUse::Leaving { owner, .. } => Some(owner.page),
        _ => None,
    });
    machine.access(id, leaving.unwrap(), None).unwrap();

    let offered = Arc::new(Mutex::new(Vec::new()));
    machine.pager.set_policy(Box::new(Witness(Arc::clone(&offered))));
    assert!(matches!(machine.clean_once(), Cleaned::Nothing));
    let offered = offered.lock().unwrap();
    let mut kinds = [0; 6];
    for (frame, frame_use) in machine.pager.frames().iter() {
        let (kind, is_at_rest) = match frame_use {
            FrameUse::Arriving { .. } => (0, false),
            FrameUse::FileArriving(_) => (1, false),
            FrameUse::Leaving { .. } => (2, false),
            FrameUse::TakenBack { .. } => (3, false),
            FrameUse::Cached(cached) if !cached.transfer.is_idle() => (4, false),
            FrameUse::Cached(_) | FrameUse::Resident { .. } => (5, true),
            _ => continue,
        };
        kinds[kind] += 1;
        assert!(is_at_rest || !offered.contains(&frame), "{frame_use:?} was offered");
    }
    assert!(!offered.is_empty() && kinds.iter().all(|&count| count > 0), "{kinds:?}");
    for ticket in tickets {
        machine.read_in(ticket).unwrap();
    }
    machine.end_all_writes();
    machine.check();
}

/// Picks one page, whoever used it.
pub struct Picker {
    pub page: Page,
    pub goes_by_use: bool,
}

impl Replacement for Picker {
    fn name(&self) -> &'static str {
        "picker"
    }

    fn goes_by_use(&self) -> bool {
        self.goes_by_use
    }

    fn choose(&mut self, memory: &mut dyn Residents) -> Option<Frame> {
        let mut frames = (0..memory.frame_count()).map(|index| memory.frame_at(index));
        frames.find(|&frame| memory.page_in(frame).is_some_and(|owned| owned.page == self.page))
    }
}

/// A machine with frames to spare whose heap has `count` dirty pages.
pub fn dirty_pages(count: u32, slots: u32) -> (Machine, SpaceId, Page) {
    let options = Options { read_ahead: false, ..Options::ALL };
    let (mut machine, id, base) = machine("fifo", options, 100, slots, count);
    write(&mut machine, id, base, 0..count);
    (machine, id, base)
}

/// Writes to pages of the heap: to each its number.
pub fn write(machine: &mut Machine, id: SpaceId, base: Page, pages: Range<u32>) {
    for index in pages {
        machine.access(id, page(base, index), Some(index)).unwrap();
    }
}

/// One step of cleaning with this page as its victim, while `wanted` frames are missing.
pub fn clean(machine: &mut Machine, victim: Page, goes_by_use: bool, wanted: u32) -> Cleaned {
    machine.pager.set_policy(Box::new(Picker { page: victim, goes_by_use }));
    machine.pager.marks = Marks { low: 0, high: machine.pager.pool().free_count() + wanted };
    // The last faults were long ago.
    machine.pager.served = Served::new(machine.pager.pool_range()).unwrap();
    machine.clean_once()
}

/// As [`clean`], for a victim that is dirty: how many pages are written.
pub fn written(machine: &mut Machine, victim: Page, goes_by_use: bool, wanted: u32) -> usize {
    match clean(machine, victim, goes_by_use, wanted) {
        Cleaned::Write(ticket) => {
            let count = ticket.frames().len();
            machine.queue_write(ticket);
            machine.check();
            count
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn whatever_was_mapped_for_a_fault_is_spared() {
    let (mut machine, id, base) = dirty_pages(3, 20);
    let shown = map(&mut machine, id, FILE, 1);
    let code = Page::new(abi::layout::CODE_START / PAGE_SIZE);
    let data = Backing::File { file: FileRef::new(4), first_page: 9, len_bytes: PAGE_SIZE, shared: false };
    machine.pager.allocate_at(id, code, 1, Rights::READ | Rights::WRITE, data).unwrap();
    written(&mut machine, page(base, 0), false, 1);
    machine.queue_len = 1;
    written(&mut machine, page(base, 1), false, 1);
    // On its way to the swap file, there, zeros, a page of a file, and a copy of one.
    let fresh = machine.pager.allocate(id, 1).unwrap();
    for touched in [page(base, 1), page(base, 0), fresh, shown, code] {
        machine.pager.served = Served::new(machine.pager.pool_range()).unwrap();
        machine.access(id, touched, None).unwrap();
        machine.end_all_writes();
        // The policy knows a page of a file by its number there.
        let known_as = if touched == shown { Page::new(0) } else { touched };
        machine.pager.set_policy(Box::new(Picker { page: known_as, goes_by_use: false }));
        assert!(matches!(machine.clean_once(), Cleaned::Nothing), "{touched:?} was borrowed");
        machine.pager.served = Served::new(machine.pager.pool_range()).unwrap();
        assert!(matches!(machine.clean_once(), Cleaned::Freed), "{touched:?} is clean");
    }
    machine.check();
}

#[test]
fn the_cleaner_counts_what_is_on_its_way_out() {
    let (mut machine, _, _) = dirty_pages(60, 90);
    let free = machine.pager.pool().free_count();
    machine.queue_len = 99;
    machine.pager.marks = Marks { low: free + 1, high: free + 8 };
    machine.clean();
    assert!((8..16).contains(&machine.pager.frames().leaving()), "{} pages", machine.pager.frames().leaving());
    assert!(!machine.pager.should_start_cleaning());
}

#[test]
fn a_slot_that_cannot_be_written_is_promised_to_nobody() {
    let (mut machine, id, base) = dirty_pages(3, 20);
    let before = machine.pager.ledger().promisable();
    machine.failing_writes = 2;
    written(&mut machine, page(base, 0), false, 1);
    written(&mut machine, page(base, 1), false, 1);
    assert_eq!((machine.pager.ledger().promisable(), machine.pager.slots().bad_count()), (before - 2, 2));
    assert_eq!(machine.access(id, base, None), Ok(0));
}

#[test]
fn pages_leave_and_come_several_at_a_time_however_long_it_goes_on() {
    let (mut machine, id, base) = machine("fifo", Options::ALL, 40, 90, 80);
    for round in 0..60 {
        let before = *machine.pager.totals();
        write(&mut machine, id, base, 0..80);
        let now = machine.pager.totals();
        let (pages, runs) = (now.swap_outs - before.swap_outs, now.write_runs - before.write_runs);
        assert!(pages > 40 && pages > runs + 10, "round {round}: {pages} pages in {runs} writes");
        assert!(round == 0 || now.read_aheads - before.read_aheads > 20, "round {round}");
    }
    assert_eq!(machine.pager.spaces().get(id).unwrap().account(), machine.pager.totals(), "there is no other space");
}

#[test]
fn a_fault_waits_for_frames_that_are_nearly_free_and_borrows_no_more() {
    let (mut machine, id, base) =
        machine("fifo", Options { cleaner: true, read_ahead: false, ..Options::ALL }, 40, 90, 80);
    write(&mut machine, id, base, 0..30);
    machine.queue_len = 99;
    machine.pager.marks = Marks { low: 99, high: machine.pager.pool().free_count() + 4 };
    machine.clean();
    let leaving = machine.pager.frames().leaving();
    assert!(leaving >= 4);
    while machine.pager.pool().free_count() > 0 {
        let fresh = machine.pager.allocate(id, 1).unwrap();
        assert!(matches!(machine.begin_fault(id, fresh), Step::Done));
    }
    let fresh = machine.pager.allocate(id, 1).unwrap();
    assert!(matches!(machine.begin_fault(id, fresh), Step::Wait));
    assert_eq!(machine.pager.frames().leaving(), leaving, "no further page has left");
    machine.end_oldest_write();
    assert!(matches!(machine.begin_fault(id, fresh), Step::Done));
}

#[test]
fn the_cleaner_keeps_a_32nd_of_all_frames_free_but_at_least_4_and_at_most_64() {
    for (frames, low) in [(20, 4), (128, 4), (320, 10), (2048, 64), (100_000, 64)] {
        let marks = Marks::new(frames);
        assert_eq!((marks.low, marks.high), (low, 2 * low), "{frames} frames");
    }
}

#[test]
fn pages_that_are_mapped_around_a_missed_one_are_not_spared() {
    let (mut machine, id, _) = machine("fifo", Options::ALL, 60, 10, 1);
    let shown = map(&mut machine, id, FILE, 16);
    for number in 0..16 {
        machine.file_access(id, FILE, number, None);
    }
    machine.pager.served = Served::new(machine.pager.pool_range()).unwrap();
    machine.access(id, page(shown, 5), None).unwrap();
    assert_eq!(machine.pager.totals().file_maps, 16);
    let is_spared = |number: &u32| {
        let frame = machine.pager.file_index.get(FilePage { file: FILE, number: *number }).unwrap();
        machine.pager.served.contains(frame)
    };
    assert_eq!((0..16).filter(is_spared).collect::<Vec<_>>(), [5]);
}
