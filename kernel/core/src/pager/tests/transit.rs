//! Pages on their way from or to the swap file.

use abi::Access;

use super::machine::Machine;
use super::rules::{machine, page};
use crate::addr::{Frame, PAGE_SIZE, Page, SwapSlot, VirtAddr};
use crate::fault::{Fault, FaultError};
use crate::frame_table::{FrameUse, SpaceId};
use crate::pager::{PageTables, Step};
use crate::pte::{Pte, PteState};
use crate::vm_pool::{Backing, FileRef, Rights};

#[test]
fn a_failed_swap_in_keeps_the_slot() {
    let (mut machine, id, base) = machine(11, 20, 20);
    for index in 0..20 {
        machine.access(id, page(base, index), Some(index + 1)).unwrap();
    }
    let swapped = (0..20)
        .find(|&index| {
            machine.pager.mapping(&mut machine.hardware, id, page(base, index)).unwrap().physical_page.is_none()
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
    machine.destroy_space(id);
    assert_eq!(machine.pager.pool().free_count(), 11);
    machine.end_oldest_write();
    machine.check();
    assert_eq!((machine.pager.pool().free_count(), machine.pager.slots().used_count()), (12, 0));
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

#[test]
fn a_slot_that_could_not_be_written_is_never_used_again_though_its_page_is_gone() {
    let (mut machine, id, base) = machine(12, 60, 40);
    page_on_its_way_out(&mut machine, id, base);
    let promisable = machine.pager.ledger().promisable();
    machine.free(id, base).unwrap();
    machine.failing_writes = 1;
    machine.end_oldest_write();
    assert_eq!((machine.pager.slots().bad_count(), machine.pager.slots().used_count()), (1, 0));
    assert_eq!(machine.pager.ledger().promisable(), promisable - 1);
    machine.check();
}

#[test]
fn a_copy_waits_for_its_original_and_keeps_no_frame_meanwhile() {
    let (mut machine, first, _) = machine(30, 10, 1);
    let code = Page::new(abi::layout::CODE_START / PAGE_SIZE);
    let data = Backing::File { file: FileRef::new(4), first_page: 0, len_bytes: PAGE_SIZE, shared: false };
    let second = machine.spawn();
    for id in [first, second] {
        machine.pager.allocate_at(id, code, 1, Rights::READ | Rights::WRITE, data).unwrap();
    }
    machine.fault_and_wait(first, code);
    machine.switch_to(second);
    // The page table comes with the first fault.
    assert!(matches!(machine.begin_fault(second, code), Step::Wait));
    let free = machine.pager.pool().free_count();
    for _ in 0..50 {
        assert!(matches!(machine.begin_fault(second, code), Step::Wait));
    }
    assert_eq!(machine.pager.pool().free_count(), free);
    assert_eq!(machine.access(second, code, Some(7)), Ok(7));
    machine.switch_to(first);
    assert_eq!(machine.access(first, code, None), Ok(4000), "what the other has written is its own");
    machine.check();
}
