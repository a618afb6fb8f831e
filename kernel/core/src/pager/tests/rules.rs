//! One rule of borrowing a test.

use abi::Access;

use super::machine::{FIRST_FRAME, Machine};
use crate::addr::{Frame, Page};
use crate::frame_table::SpaceId;
use crate::memory_map::FrameRange;
use crate::pager::{Options, RESERVE_FRAMES, Step};
use crate::replacement::{NAMES, by_name};

pub fn page(base: Page, index: u32) -> Page {
    base.checked_add(index).unwrap()
}

/// A machine with one active space that was granted `pages` pages of heap.
pub fn machine(frames: u32, slots: u32, pages: u32) -> (Machine, SpaceId, Page) {
    let mut machine = Machine::new(frames, slots, 1);
    let id = machine.spawn();
    machine.switch_to(id);
    let base = machine.pager.allocate(id, pages).unwrap();
    (machine, id, base)
}

#[test]
fn a_stolen_frame_is_zeroed_before_it_is_given_away() {
    let (mut machine, id, base) = machine(12, 40, 20);
    for index in 0..10 {
        machine.access(id, page(base, index), Some(0x5EC2_E700 + index)).unwrap();
    }
    let other = machine.spawn();
    machine.switch_to(other);
    let theirs = machine.pager.allocate(other, 4).unwrap();
    for index in 0..4 {
        assert_eq!(machine.access(other, page(theirs, index), None), Ok(0));
    }
    machine.check();
}

#[test]
fn nothing_is_evicted_while_a_frame_is_free() {
    let (mut machine, id, base) = machine(30, 30, 28);
    for index in 0..28 {
        machine.access(id, page(base, index), Some(index)).unwrap();
    }
    let totals = machine.pager.totals();
    assert_eq!((totals.swap_outs, totals.clean_drops, machine.pager.pool().free_count()), (0, 0, 0));
}

#[test]
fn resident_page_keeps_its_frame_and_its_value_when_it_faults_again() {
    let (mut machine, id, base) = machine(12, 40, 2);
    machine.access(id, base, Some(7)).unwrap();
    let (mapping, free) = (machine.pager.mapping(&mut machine.hardware, id, base), machine.pager.pool().free_count());
    assert!(mapping.is_some());
    for access in [Access::Read, Access::Write] {
        assert!(matches!(machine.step(id, base, access), Ok(Step::Done)));
        assert_eq!(machine.pager.mapping(&mut machine.hardware, id, base), mapping);
        assert_eq!(machine.access(id, base, None), Ok(7));
    }
    let totals = machine.pager.totals();
    assert_eq!((totals.spurious, totals.zero_fills, machine.pager.pool().free_count()), (2, 1, free));
    machine.check();
}

#[test]
fn a_page_changed_after_its_first_eviction_is_written_again_to_the_same_slot() {
    let (mut machine, id, base) = machine(11, 20, 20);
    for round in 0..5 {
        for index in 0..20 {
            let old = if round == 0 { 0 } else { (round - 1) * 100 + index };
            assert_eq!(machine.access(id, page(base, index), None), Ok(old), "round {round}");
            machine.access(id, page(base, index), Some(round * 100 + index)).unwrap();
        }
    }
    assert!(machine.pager.slots().used_count() <= 20, "slots are assigned once");
    machine.check();
}

#[test]
fn a_clean_page_with_a_copy_is_dropped_without_writing() {
    let (mut machine, id, base) = machine(11, 20, 16);
    for index in 0..16 {
        machine.access(id, page(base, index), Some(index)).unwrap();
    }
    for _ in 0..3 {
        for index in 0..16 {
            assert_eq!(machine.access(id, page(base, index), None), Ok(index));
        }
    }
    let outs = machine.pager.totals().swap_outs;
    for _ in 0..3 {
        for index in 0..16 {
            assert_eq!(machine.access(id, page(base, index), None), Ok(index));
        }
    }
    assert_eq!(machine.pager.totals().swap_outs, outs, "all pages are clean and have a copy");
    assert!(machine.pager.totals().clean_drops > 0);
}

#[test]
fn a_zero_page_that_was_only_read_is_forgotten() {
    let (mut machine, id, base) = machine(11, 20, 20);
    for _ in 0..2 {
        for index in 0..20 {
            assert_eq!(machine.access(id, page(base, index), None), Ok(0));
        }
    }
    assert_eq!((machine.pager.totals().swap_outs, machine.pager.slots().used_count()), (0, 0));
}

#[test]
fn the_running_process_does_not_see_its_evicted_page_through_a_stale_translation() {
    let (mut machine, id, base) = machine(10, 40, 30);
    for index in 0..30 {
        machine.access(id, page(base, index), Some(index + 1)).unwrap();
        for earlier in 0..=index {
            assert_eq!(machine.access(id, page(base, earlier), None), Ok(earlier + 1));
        }
    }
}

#[test]
fn a_new_policy_learns_of_the_pages_that_are_resident() {
    for name in NAMES {
        let (mut machine, id, base) = machine(20, 40, 30);
        for index in 0..12 {
            machine.access(id, page(base, index), Some(index)).unwrap();
        }
        let range = FrameRange { first: Frame::new(FIRST_FRAME), count: 20 };
        machine.pager.set_policy(by_name(name, 1, range).unwrap());
        for index in (0..30).chain(0..30) {
            machine.access(id, page(base, index), Some(index)).unwrap();
            machine.check();
        }
        assert_eq!(machine.pager.policy_name(), *name);
    }
}

#[test]
fn an_instruction_on_six_pages_gets_them_all() {
    let machines = NAMES.iter().flat_map(|name| [(name, Options::ALL), (name, Options::TEXTBOOK)]);
    // Frames to spare; or all but the reserve hold the directory and a page table.
    for ((name, options), frames) in machines.flat_map(|machine| [(machine, 20), (machine, 2 + RESERVE_FRAMES)]) {
        let mut machine = Machine::with_policy(name, options, frames, 60, 1);
        let id = machine.spawn();
        machine.switch_to(id);
        let base = machine.pager.allocate(id, 40).unwrap();
        for index in 0..40 {
            machine.access(id, page(base, index), Some(index)).unwrap();
        }
        for start in 0..200 {
            let pages: Vec<_> = (0..6).map(|index| page(base, (start + index * 7) % 40)).collect();
            let faults = machine.access_all(id, &pages);
            assert!(faults < 60, "{name}: {faults} faults");
        }
    }
}
