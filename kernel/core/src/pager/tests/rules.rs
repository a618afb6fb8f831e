//! One rule of paging a test.

use std::collections::BTreeSet;

use abi::Access;

use super::machine::{FIRST_FRAME, Machine};
use crate::addr::{Frame, PAGE_SIZE, Page, SwapSlot, VirtAddr};
use crate::fault::{Fault, FaultError};
use crate::frame_table::{FrameUse, SpaceId};
use crate::memory_map::FrameRange;
use crate::pager::{GrantError, Options, PageTables, RESERVE_FRAMES, Step, WriteBack, WriteBackPass};
use crate::pte::{Pte, PteState};
use crate::replacement::{NAMES, by_name};
use crate::vm_pool::{Backing, FileRef, Rights};

const CODE: Page = Page::new(abi::layout::CODE_START / PAGE_SIZE);
const STACK_TOP: Page = Page::new(abi::layout::STACK_END / PAGE_SIZE - 1);

pub fn page(base: Page, index: u32) -> Page {
    base.checked_add(index).unwrap()
}

/// A machine with one active space that was granted `pages` pages of heap.
fn machine(frames: u32, slots: u32, pages: u32) -> (Machine, SpaceId, Page) {
    let mut machine = Machine::new(frames, slots, 1);
    let id = machine.spawn();
    machine.switch_to(id);
    let base = machine.pager.allocate(id, pages).unwrap();
    (machine, id, base)
}

#[test]
fn a_promise_uses_no_frame_until_it_is_touched() {
    let (mut machine, id, base) = machine(20, 10, 5);
    assert_eq!(machine.pager.pool().free_count(), 19);
    assert_eq!(machine.access(id, base, None), Ok(0));
    assert_eq!(machine.pager.pool().free_count(), 17, "a page table and a page");
    machine.check();
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
fn freed_memory_cannot_be_used_and_comes_back_zeroed() {
    let (mut machine, id, base) = machine(20, 10, 3);
    machine.access(id, base, Some(7)).unwrap();
    machine.pager.free(&mut machine.hardware, id, base).unwrap();
    assert_eq!(machine.access(id, base, None), Err(FaultError::NoRegion));
    assert_eq!(machine.pager.allocate(id, 3), Ok(base), "the hole is used again");
    assert_eq!(machine.access(id, base, None), Ok(0));
    machine.check();
}

#[test]
fn freeing_what_was_never_touched_releases_no_frame() {
    let (mut machine, id, base) = machine(20, 10, 3);
    let free = machine.pager.pool().free_count();
    // With no page table at all, and with one that some other page has needed.
    for touched in [None, Some(0), Some(2)] {
        if let Some(index) = touched {
            assert_eq!(machine.pager.allocate(id, 3), Ok(base));
            machine.access(id, page(base, index), None).unwrap();
            assert_eq!(machine.pager.pool().free_count(), free - 2, "a page table and a page");
        }
        machine.pager.free(&mut machine.hardware, id, base).unwrap();
        assert_eq!(machine.pager.pool().free_count(), free, "{touched:?}");
        assert!(machine.pager.free(&mut machine.hardware, id, base).is_err());
        machine.check();
    }
}

#[test]
fn a_space_leaves_nothing_behind() {
    let mut machine = Machine::new(12, 40, 3);
    for _ in 0..10 {
        let id = machine.spawn();
        machine.switch_to(id);
        let base = machine.pager.allocate(id, 30).unwrap();
        for index in 0..30 {
            machine.access(id, page(base, index), Some(index)).unwrap();
        }
        machine.check();
        machine.pager.destroy_space(&mut machine.hardware, id);
        assert_eq!((machine.pager.pool().free_count(), machine.pager.slots().used_count()), (12, 0));
        assert_eq!(machine.pager.ledger().promised(), 0);
    }
}

#[test]
fn what_cannot_be_kept_is_refused_and_what_was_granted_is_delivered() {
    let (frames, slots) = (20, 30);
    let mut machine = Machine::new(frames, slots, 5);
    let id = machine.spawn();
    machine.switch_to(id);
    let most = frames - RESERVE_FRAMES + slots - 2;
    assert_eq!(machine.pager.allocate(id, most + 1), Err(GrantError::Refused));
    let base = machine.pager.allocate(id, most).unwrap();
    assert_eq!(machine.pager.allocate(id, 1), Err(GrantError::Refused));
    for round in 0..3 {
        for index in 0..most {
            if round > 0 {
                assert_eq!(machine.access(id, page(base, index), None), Ok(round * 1000 + index));
            }
            machine.access(id, page(base, index), Some((round + 1) * 1000 + index)).unwrap();
        }
        machine.check();
    }
}

#[test]
fn a_failed_swap_in_keeps_the_slot() {
    let (mut machine, id, base) = machine(11, 20, 20);
    for index in 0..20 {
        machine.access(id, page(base, index), Some(index + 1)).unwrap();
    }
    let swapped = (0..20)
        .find(|&index| {
            machine.pager.mapping(&mut machine.hardware, id, page(base, index)).unwrap().physical_page().is_none()
        })
        .unwrap();
    machine.failing_reads = 1;
    assert_eq!(machine.access(id, page(base, swapped), None), Err(FaultError::ReadFailed));
    machine.check();
    assert_eq!(machine.access(id, page(base, swapped), None), Ok(swapped + 1));
}

#[test]
fn a_failed_swap_out_goes_to_another_slot_and_loses_nothing() {
    let (mut machine, id, base) = machine(11, 30, 20);
    machine.failing_writes = 3;
    for index in 0..20 {
        machine.access(id, page(base, index), Some(index + 1)).unwrap();
    }
    for index in 0..20 {
        assert_eq!(machine.access(id, page(base, index), None), Ok(index + 1));
    }
    machine.check();
    assert_eq!(machine.pager.slots().bad_count(), 3);
}

/// Touches pages until one is on its way out, and returns it.
fn page_on_its_way_out(machine: &mut Machine, id: SpaceId, base: Page) -> (Page, Frame, SwapSlot) {
    machine.queue_len = 1;
    for index in 0.. {
        machine.access(id, page(base, index), Some(index + 1)).unwrap();
        let leaving = machine.pager.frames().iter().find_map(|(frame, frame_use)| match frame_use {
            FrameUse::Leaving { owner, slot } => Some((owner.page, frame, slot)),
            _ => None,
        });
        if let Some(leaving) = leaving {
            return leaving;
        }
    }
    unreachable!("frames run out before numbers do");
}

#[test]
fn a_victim_that_is_touched_while_it_is_written_is_taken_back() {
    let (mut machine, id, base) = machine(12, 60, 40);
    let (victim, frame, slot) = page_on_its_way_out(&mut machine, id, base);
    let word = victim.number() - base.number() + 1;
    assert_eq!(machine.access(id, victim, None), Ok(word));
    let owner = crate::frame_table::OwnedPage { space: id, page: victim };
    assert_eq!(machine.pager.frames().get(frame), FrameUse::TakenBack { owner, slot });
    machine.check();
    machine.access(id, victim, Some(4711)).unwrap();
    machine.end_oldest_write();
    machine.check();
    assert_eq!(machine.access(id, victim, None), Ok(4711));
}

#[test]
fn a_space_may_end_while_its_page_is_being_written() {
    let (mut machine, id, base) = machine(12, 60, 40);
    page_on_its_way_out(&mut machine, id, base);
    machine.pager.destroy_space(&mut machine.hardware, id);
    assert_eq!(machine.pager.pool().free_count(), 11);
    machine.end_oldest_write();
    machine.check();
    assert_eq!((machine.pager.pool().free_count(), machine.pager.slots().used_count()), (12, 0));
}

#[test]
fn the_stack_grows_by_touch_down_to_its_guard_and_not_beyond() {
    let (mut machine, id, _) = machine(40, 10, 1);
    machine.pager.allocate_at(id, STACK_TOP, 1, Rights::READ | Rights::WRITE, Backing::Zero).unwrap();
    machine.access(id, STACK_TOP, Some(1)).unwrap();
    machine.access(id, Page::new(STACK_TOP.number() - 9), Some(2)).unwrap();
    machine.check();
    let limit = Page::new(abi::layout::STACK_LIMIT / PAGE_SIZE);
    assert_eq!(machine.access(id, limit, None), Err(FaultError::StackRefused), "8 MiB cannot be promised here");
    let guard = Page::new(limit.number() - 1);
    assert_eq!(machine.access(id, guard, None), Err(FaultError::NoRegion));
    machine.check();
}

#[test]
fn text_is_read_from_its_file_never_written_and_never_swapped() {
    let (mut machine, id, base) = machine(14, 40, 30);
    let text = Backing::File { file: FileRef::new(3), first_page: 5, len_bytes: 2 * PAGE_SIZE - 1, shared: false };
    machine.pager.allocate_at(id, CODE, 2, Rights::READ | Rights::EXECUTE, text).unwrap();
    for round in 0..3 {
        assert_eq!(machine.access(id, CODE, None), Ok(3005));
        assert_eq!(machine.access(id, page(CODE, 1), None), Ok(3006));
        for index in 0..30 {
            machine.access(id, page(base, index), Some(round)).unwrap();
        }
    }
    assert_eq!(machine.access(id, CODE, Some(1)), Err(FaultError::Forbidden));
    machine.check();
    assert!(machine.pager.totals().file_reads > 2);
}

#[test]
fn changed_data_of_a_file_goes_to_swap_and_not_back_to_the_file() {
    let (mut machine, id, base) = machine(13, 60, 40);
    let data = Backing::File { file: FileRef::new(3), first_page: 0, len_bytes: PAGE_SIZE, shared: false };
    machine.pager.allocate_at(id, CODE, 1, Rights::READ | Rights::WRITE, data).unwrap();
    assert_eq!(machine.access(id, CODE, None), Ok(3000));
    machine.access(id, CODE, Some(99)).unwrap();
    for index in 0..40 {
        machine.access(id, page(base, index), Some(index)).unwrap();
    }
    assert_eq!(machine.access(id, CODE, None), Ok(99));
}

#[test]
fn writing_back_ends_though_pages_are_changed_all_the_time() {
    const PAGES: u32 = 10;
    let file = FileRef::new(3);
    for queue_len in [0, 3] {
        let (mut machine, id, _) = machine(40, 10, 1);
        machine.queue_len = queue_len;
        let shown = Backing::File { file, first_page: 0, len_bytes: PAGES * PAGE_SIZE, shared: true };
        let first = machine.pager.map_file(id, None, PAGES, Rights::READ | Rights::WRITE, shown).unwrap();
        let mut pass = WriteBackPass::default();
        for round in 1.. {
            for index in 0..PAGES {
                machine.access(id, page(first, index), Some(round)).unwrap();
            }
            match machine.pager.write_back(&mut machine.hardware, Some(file), &mut pass) {
                WriteBack::Write(ticket) => machine.queue_write(ticket),
                WriteBack::Wait => machine.end_all_writes(),
                WriteBack::GoOn => {}
                WriteBack::Done => break,
            }
            machine.check();
            assert!(round < 100, "it goes on and on");
        }
        machine.end_all_writes();
        for number in 0..PAGES {
            assert!(machine.file_word(crate::vm_pool::FilePage { file, number }) >= 1, "page {number}");
        }
    }
}

#[test]
fn the_page_being_filled_is_never_the_victim() {
    let (mut machine, id, base) = machine(12, 60, 40);
    for index in 0..20 {
        machine.access(id, page(base, index), Some(index)).unwrap();
    }
    let wanted = (0..20)
        .map(|index| page(base, index))
        .find(|&wanted| {
            let directory = machine.hardware.active.unwrap();
            matches!(machine.hardware.entry(directory, wanted).map(Pte::decode), Some(PteState::Swapped(_)))
        })
        .unwrap();
    let fault = Fault { address: VirtAddr::new(wanted.number() * PAGE_SIZE), access: Access::Read };
    let ticket = loop {
        match machine.pager.resolve(&mut machine.hardware, id, &fault).unwrap() {
            Step::Read(ticket) => break ticket,
            Step::Write(out) => machine.write_out(out),
            other => panic!("{other:?}"),
        }
    };
    for index in 20..40 {
        machine.access(id, page(base, index), Some(index)).unwrap();
        assert!(matches!(machine.pager.frames().get(ticket.frames()[0]), FrameUse::Arriving { .. }));
    }
    machine.read_in(ticket).unwrap();
    machine.check();
}

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
                let frame = Frame::new(mapping.physical_page().unwrap());
                assert_eq!(machine.hardware.memory[&frame], round * 100 + index, "it is in the frame that is named");
                frames.insert(frame.number());
                machine.check();
            }
            for index in 0..PAGES {
                let mapping = machine.pager.mapping(&mut machine.hardware, id, page(base, index)).unwrap();
                if let (None, Some(slot)) = (mapping.physical_page(), mapping.disk_page()) {
                    assert_eq!(
                        machine.swap[&SwapSlot::new(slot)],
                        round * 100 + index,
                        "it is in the slot that is named"
                    );
                    slots.insert(slot);
                }
            }
        }
        assert!(frames.contains(&0) == (role == Role::Page) && slots.contains(&0), "{role:?}: {frames:?} {slots:?}");
        machine.pager.destroy_space(&mut machine.hardware, id);
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
        machine.pager.destroy_space(&mut machine.hardware, first);
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

#[test]
fn a_limit_refuses_what_the_machine_could_keep() {
    let (mut machine, id, _) = machine(40, 40, 5);
    let held = machine.pager.promised(id);
    machine.pager.lower_limit(id, held + 10).unwrap();
    assert_eq!(machine.pager.lower_limit(id, held + 11), Err(GrantError::OverLimit));
    let first = machine.pager.allocate(id, 8).unwrap();
    assert_eq!(machine.pager.allocate(id, 3), Err(GrantError::OverLimit));
    assert_eq!(machine.pager.promised(id), held + 8);
    machine.pager.free(&mut machine.hardware, id, first).unwrap();
    assert!(machine.pager.allocate(id, 3).is_ok());
    assert_eq!(machine.pager.create_space(0), Err(GrantError::OverLimit));
    machine.check();
}

#[test]
fn a_stack_grows_within_the_limit_only() {
    let (mut machine, id, _) = machine(60, 60, 1);
    machine.pager.allocate_at(id, STACK_TOP, 1, Rights::READ | Rights::WRITE, Backing::Zero).unwrap();
    machine.pager.lower_limit(id, machine.pager.promised(id) + 5).unwrap();
    let lower = |pages| Page::new(STACK_TOP.number() - pages);
    assert_eq!(machine.access(id, lower(6), Some(1)), Err(FaultError::StackRefused));
    assert_eq!(machine.access(id, lower(5), Some(1)), Ok(1));
    assert_eq!(machine.access(id, lower(6), Some(1)), Err(FaultError::StackRefused));
    machine.check();
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
    for (name, options) in NAMES.iter().flat_map(|name| [(name, Options::ALL), (name, Options::TEXTBOOK)]) {
        let mut machine = Machine::with_policy(name, options, 20, 60, 1);
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
