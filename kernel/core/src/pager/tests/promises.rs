//! What is granted, refused, and given back.

use super::machine::Machine;
use super::rules::{machine, page};
use crate::addr::{PAGE_SIZE, Page};
use crate::fault::FaultError;
use crate::frame_table::SpaceId;
use crate::pager::{GrantError, RESERVE_FRAMES};
use crate::vm_pool::{Backing, Rights};

/// Pages that one page table maps.
const TABLE_PAGES: u32 = 1024;
/// The first page of some page table, in the middle of the heap.
const EDGE: u32 = abi::layout::HEAP_START / PAGE_SIZE + 5 * TABLE_PAGES;
/// The first page of some page table, in the middle of the stack.
const STACK_EDGE: u32 = abi::layout::STACK_END / PAGE_SIZE / TABLE_PAGES * TABLE_PAGES;

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
    machine.free(id, base).unwrap();
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
        machine.free(id, base).unwrap();
        assert_eq!(machine.pager.pool().free_count(), free, "{touched:?}");
        assert!(machine.free(id, base).is_err());
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
        machine.destroy_space(id);
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
    machine.free(id, first).unwrap();
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

fn allocate_at(machine: &mut Machine, id: SpaceId, first: u32, page_count: u32) -> Result<(), GrantError> {
    let rights = Rights::READ | Rights::WRITE;
    machine.pager.allocate_at(id, Page::new(first), page_count, rights, Backing::Zero)
}

#[test]
fn a_region_is_charged_for_the_page_tables_that_it_touches_and_no_more() {
    for (before_edge, page_count, tables) in [
        (3, 3, 1),
        (3, 4, 2),
        (1, 2, 2),
        (0, 1, 1),
        (0, TABLE_PAGES, 1),
        (0, TABLE_PAGES + 1, 2),
        (1, TABLE_PAGES + 1, 2),
        (1, TABLE_PAGES + 2, 3),
    ] {
        let mut machine = Machine::new(40, 1100, 5);
        let id = machine.spawn();
        machine.switch_to(id);
        let (first, directory) = (EDGE - before_edge, machine.pager.promised(id));
        allocate_at(&mut machine, id, first, page_count).unwrap();
        let charged = machine.pager.promised(id) - directory;
        assert_eq!(charged, page_count + tables, "{page_count} pages from {before_edge} before the edge on");
        machine.check();
        let tables_of_machine = machine.pager.frames().tables();
        for index in (0..page_count).step_by(1023).chain([page_count - 1]) {
            machine.access(id, Page::new(first + index), Some(index)).unwrap();
        }
        assert_eq!(machine.pager.frames().tables() - tables_of_machine, tables);
        machine.free(id, Page::new(first)).unwrap();
        machine.check();
        assert_eq!((machine.pager.promised(id), machine.pager.frames().tables()), (directory, tables_of_machine));
    }
}

#[test]
fn a_page_table_is_charged_to_the_first_region_in_it_and_given_back_with_the_last() {
    let (mut machine, id, _) = machine(40, 40, 1);
    let before = machine.pager.promised(id);
    allocate_at(&mut machine, id, EDGE - 3, 2).unwrap();
    assert_eq!(machine.pager.promised(id), before + 3);
    allocate_at(&mut machine, id, EDGE - 1, 2).unwrap();
    assert_eq!(machine.pager.promised(id), before + 6, "the second region needs the table after the edge");
    for number in EDGE - 3..=EDGE {
        machine.access(id, Page::new(number), Some(number)).unwrap();
    }
    let tables = machine.pager.frames().tables();
    machine.free(id, Page::new(EDGE - 3)).unwrap();
    assert_eq!((machine.pager.promised(id), machine.pager.frames().tables()), (before + 4, tables));
    assert_eq!(machine.access(id, Page::new(EDGE - 1), None), Ok(EDGE - 1));
    machine.free(id, Page::new(EDGE - 1)).unwrap();
    assert_eq!((machine.pager.promised(id), machine.pager.frames().tables()), (before, tables - 2));
    machine.check();
}

#[test]
fn a_stack_that_grows_across_the_edge_of_a_page_table_is_charged_for_one_more() {
    for (limit, expected) in [(3, Err(FaultError::StackRefused)), (4, Ok(7))] {
        let (mut machine, id, _) = machine(40, 40, 1);
        allocate_at(&mut machine, id, STACK_EDGE + 2, 2).unwrap();
        let before = machine.pager.promised(id);
        machine.pager.lower_limit(id, before + limit).unwrap();
        assert_eq!(machine.access(id, Page::new(STACK_EDGE - 1), Some(7)), expected);
        let charged = if expected.is_ok() { 4 } else { 0 };
        assert_eq!(machine.pager.promised(id), before + charged, "three pages and a table, or nothing");
        machine.check();
        if expected.is_err() {
            assert_eq!(machine.access(id, Page::new(STACK_EDGE), Some(8)), Ok(8), "up to the edge no table is needed");
            machine.check();
        }
        machine.destroy_space(id);
        assert_eq!((machine.pager.ledger().promised(), machine.pager.pool().free_count()), (0, 40));
    }
}

#[test]
fn a_space_has_one_directory_however_often_it_is_given_one() {
    let mut machine = Machine::new(20, 10, 5);
    let id = machine.spawn();
    let directory = machine.pager.spaces().get(id).unwrap().directory();
    machine.pager.give_directory(&mut machine.hardware, id).unwrap();
    assert_eq!(machine.pager.spaces().get(id).unwrap().directory(), directory);
    assert_eq!(machine.pager.pool().free_count(), 19);
}
