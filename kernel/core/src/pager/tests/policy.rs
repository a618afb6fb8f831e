//! What a replacement policy is told, and what it is answered.

use std::sync::{Arc, Mutex};

use super::borrowing::{machine, map};
use super::machine::Machine;
use super::rules::page;
use crate::addr::Frame;
use crate::frame_table::{FrameUse, SpaceId};
use crate::pager::{Cleaned, Options};
use crate::replacement::{Replacement, Residents};
use crate::vm_pool::{FilePage, FileRef};

const FILE: FileRef = FileRef::new(3);

/// What a policy was told and answered.
#[derive(Default)]
struct Notes {
    pages: Vec<(SpaceId, Frame)>,
    was_used: bool,
    is_dirty: bool,
    now: u64,
}

/// Asks about one frame, and proposes none.
struct Curious {
    frame: Frame,
    notes: Arc<Mutex<Notes>>,
}

impl Replacement for Curious {
    fn name(&self) -> &'static str {
        "curious"
    }

    fn page_arrived(&mut self, owner: SpaceId, frame: Frame) {
        self.notes.lock().unwrap().pages.push((owner, frame));
    }

    fn page_left(&mut self, owner: SpaceId, frame: Frame) {
        let pages = &mut self.notes.lock().unwrap().pages;
        let place = pages.iter().position(|&page| page == (owner, frame)).expect("a page left that was not there");
        pages.swap_remove(place);
    }

    fn choose(&mut self, memory: &mut dyn Residents) -> Option<Frame> {
        let mut notes = self.notes.lock().unwrap();
        notes.was_used = memory.take_accessed(self.frame);
        notes.is_dirty = memory.is_dirty(self.frame);
        notes.now = memory.now();
        None
    }
}

fn ask(machine: &mut Machine, notes: &Mutex<Notes>) -> (bool, bool) {
    assert!(matches!(machine.clean_once(), Cleaned::Nothing));
    let notes = notes.lock().unwrap();
    (notes.was_used, notes.is_dirty)
}

#[test]
fn a_policy_learns_of_use_and_of_changes_each_time_and_through_each_mapping() {
    let (mut machine, id, base) = machine("fifo", Options::TEXTBOOK, 20, 10, 2);
    let [first, second] = [map(&mut machine, id, FILE, 1), map(&mut machine, id, FILE, 1)];
    for pages in [[base, base], [first, second]] {
        for page in pages {
            machine.access(id, page, None).unwrap();
        }
        let frame = match machine.pager.mapping(&mut machine.hardware, id, base).unwrap().physical_page {
            Some(frame) if pages[0] == base => frame,
            _ => machine.pager.file_index.get(FilePage { file: FILE, number: 0 }).unwrap(),
        };
        let notes = Arc::new(Mutex::new(Notes::default()));
        machine.pager.set_policy(Box::new(Curious { frame, notes: Arc::clone(&notes) }));
        assert_eq!(ask(&mut machine, &notes), (true, false));
        assert_eq!(ask(&mut machine, &notes), (false, false), "not used again");
        for page in pages {
            machine.access(id, page, None).unwrap();
            assert_eq!(ask(&mut machine, &notes), (true, false));
            assert_eq!(ask(&mut machine, &notes), (false, false));
        }
        machine.access(id, pages[1], Some(5)).unwrap();
        assert_eq!(ask(&mut machine, &notes), (true, true));
        assert_eq!(ask(&mut machine, &notes), (false, true), "it stays changed");
    }
}

#[test]
fn a_policy_knows_the_pages_that_are_resident_and_no_others() {
    let (mut machine, id, base) = machine("random", Options::ALL, 40, 90, 70);
    let shown = map(&mut machine, id, FILE, 10);
    let touch = |machine: &mut Machine| {
        for index in (0..70).chain(0..20) {
            machine.access(id, page(base, index), Some(index)).unwrap();
            machine.access(id, page(shown, index % 10), Some(index)).unwrap();
        }
    };
    machine.queue_len = 2;
    touch(&mut machine);
    let notes = Arc::new(Mutex::new(Notes::default()));
    machine
        .pager
        .set_policy(Box::new(Curious { frame: machine.pager.frames().frame_at(0), notes: Arc::clone(&notes) }));
    let faults = machine.pager.totals().faults;
    for is_over in [false, true] {
        let mut told = std::mem::take(&mut notes.lock().unwrap().pages);
        told.sort_unstable();
        let resident = machine.pager.frames().iter().filter_map(|(frame, frame_use)| match frame_use {
            FrameUse::Resident { owner, .. } | FrameUse::TakenBack { owner, .. } => Some((owner.space, frame)),
            FrameUse::Cached(_) => Some((SpaceId::FILES, frame)),
            _ => None,
        });
        let mut resident: Vec<_> = resident.collect();
        resident.sort_unstable();
        assert_eq!(told, resident);
        if is_over {
            break;
        }
        notes.lock().unwrap().pages = told;
        machine.free(id, base).unwrap();
        machine.end_all_writes();
    }
    assert!(matches!(machine.clean_once(), Cleaned::Nothing));
    assert_eq!(notes.lock().unwrap().now, u64::from(faults), "time is counted in faults");
}

/// Knows no page.
struct Forgetful;

impl Replacement for Forgetful {
    fn name(&self) -> &'static str {
        "forgetful"
    }

    fn choose(&mut self, _: &mut dyn Residents) -> Option<Frame> {
        None
    }
}

#[test]
fn a_policy_that_proposes_no_page_ends_no_process() {
    for options in [Options::TEXTBOOK, Options::ALL] {
        let (mut machine, id, base) = machine("fifo", options, 20, 60, 60);
        machine.pager.set_policy(Box::new(Forgetful));
        for index in (0..60).chain(0..60) {
            assert_eq!(machine.access(id, page(base, index), Some(index)), Ok(index));
        }
        machine.check();
    }
}
