//! Frame 0 and slot 0 are like any other.

use std::collections::BTreeSet;

use super::machine::{FIRST_FRAME, Machine};
use super::rules::page;
use crate::addr::{Frame, Page};
use crate::frame_table::SpaceId;
use crate::memory_map::FrameRange;
use crate::pager::Options;

/// What frame 0 is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Directory,
    Table,
    Page,
}

#[test]
fn frame_0_and_slot_0_are_like_any_other() {
    const PAGES: u32 = 30;
    assert_ne!(FIRST_FRAME, 0, "frame numbers and table positions must differ for the other tests to mean something");
    for role in [Role::Directory, Role::Table, Role::Page] {
        let (mut machine, id, base) = machine_with_frame_0_as(role, PAGES);
        let (mut frames, mut slots) = (BTreeSet::new(), BTreeSet::new());
        for round in 0..3 {
            for index in 0..PAGES {
                let old = if round == 0 { 0 } else { (round - 1) * 100 + index };
                assert_eq!(machine.access(id, page(base, index), None), Ok(old));
                machine.access(id, page(base, index), Some(round * 100 + index)).unwrap();
                let mapping = machine.pager.mapping(&mut machine.hardware, id, page(base, index)).unwrap();
                let frame = mapping.physical_page.unwrap();
                assert_eq!(machine.hardware.memory[&frame], round * 100 + index, "it is in the frame that is named");
                frames.insert(frame.number());
                machine.check();
            }
            for index in 0..PAGES {
                let mapping = machine.pager.mapping(&mut machine.hardware, id, page(base, index)).unwrap();
                if let (None, Some(slot)) = (mapping.physical_page, mapping.disk_page) {
                    assert_eq!(machine.swap[&slot], round * 100 + index, "it is in the slot that is named");
                    slots.insert(slot.number());
                }
            }
        }
        assert!(frames.contains(&0) == (role == Role::Page) && slots.contains(&0), "{role:?}: {frames:?} {slots:?}");
        machine.destroy_space(id);
        assert_eq!((machine.pager.pool().free_count(), machine.pager.slots().used_count()), (14, 0), "{role:?}");
    }
}

/// A machine whose pool begins with frame 0: a space with a heap of `pages` pages uses that frame for this.
fn machine_with_frame_0_as(role: Role, pages: u32) -> (Machine, SpaceId, Page) {
    let range = FrameRange { first: Frame::new(0), count: 14 };
    let mut machine = Machine::over(range, "random", Options::TEXTBOOK, 40, 1);
    // The frame that was released last is taken next.
    let first = machine.spawn();
    let release_frame_0 = |machine: &mut Machine| {
        machine.destroy_space(first);
        machine.hardware.active = None;
    };
    if role == Role::Directory {
        release_frame_0(&mut machine);
    }
    let id = machine.spawn();
    if role == Role::Table {
        release_frame_0(&mut machine);
    }
    machine.switch_to(id);
    let base = machine.pager.allocate(id, pages).unwrap();
    machine.access(id, base, None).unwrap();
    if role == Role::Page {
        release_frame_0(&mut machine);
        machine.switch_to(id);
    }
    (machine, id, base)
}
