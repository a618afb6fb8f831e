//! What is granted, refused, and given back.

use super::machine::Machine;
use super::rules::{machine, page};
use crate::addr::{PAGE_SIZE, Page};
use crate::fault::FaultError;
use crate::pager::{GrantError, RESERVE_FRAMES};
use crate::vm_pool::{Backing, Rights};

const STACK_TOP: Page = Page::new(abi::layout::STACK_END / PAGE_SIZE - 1);

#[test]
fn a_promise_uses_no_frame_until_it_is_touched() {
    let (mut machine, id, base) = machine(20, 10, 5);
    assert_eq!(machine.pager.pool().free_count(), 19);
    assert_eq!(machine.access(id, base, None), Ok(0));
    assert_eq!(machine.pager.pool().free_count(), 17, "a page table and a page");
    machine.check();
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
