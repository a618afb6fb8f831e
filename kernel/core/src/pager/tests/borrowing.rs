//! Which pages may be borrowed, and what leaves together with them.

use std::sync::{Arc, Mutex};

use super::machine::Machine;
use super::rules::page;
use crate::addr::{Frame, PAGE_SIZE, Page};
use crate::frame_table::{FileTransfer, FrameUse, SpaceId};
use crate::pager::{Cleaned, Options, Step, WriteBack, WriteBackPass};
use crate::replacement::{Replacement, Residents};
use crate::vm_pool::{Backing, FileRef, Rights};

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
            FrameUse::Cached(cached) if cached.transfer != FileTransfer::None => (4, false),
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

#[test]
fn slots_drawn_in_vain_are_given_back() {
    let options = Options { cleaner: true, read_ahead: false };
    let (mut machine, id, base) = machine("fifo", options, 27, 3, 3);
    let write = |machine: &mut Machine, index| {
        machine.access(id, page(base, index), Some(index + 1)).unwrap();
    };
    let pad = |machine: &mut Machine, file, pages| {
        let first = map(machine, id, file, pages);
        for index in 0..pages {
            machine.access(id, page(first, index), None).unwrap();
        }
        assert_eq!(machine.pager.pool().free_count(), 5, "so few that neighbours leave, too");
        first
    };
    (0..2).for_each(|index| write(&mut machine, index));
    let first = pad(&mut machine, FILE, 17);
    machine.write_one();
    assert_eq!(machine.pager.slots().used_count(), 2, "two neighbours have slots side by side");
    (0..3).for_each(|index| write(&mut machine, index));
    machine.pager.unmap_file(&mut machine.hardware, id, first).unwrap();
    machine.pager.forget_file(FILE);
    pad(&mut machine, FileRef::new(4), 16);
    // Three dirty neighbours; one slot is free, but two of them can be written where they were.
    machine.write_one();
    machine.check();
    assert_eq!(machine.pager.slots().used_count(), 2);
    for index in 0..3 {
        assert_eq!(machine.access(id, page(base, index), None), Ok(index + 1));
    }
}
