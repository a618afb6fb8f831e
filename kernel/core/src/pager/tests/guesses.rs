//! What is counted of pages that were fetched ahead: each is a hit once it was used, or a miss once it has left without.

use super::borrowing::{clean, dirty_pages, written};
use super::machine::Machine;
use super::rules::page;
use crate::addr::Page;
use crate::frame_table::SpaceId;
use crate::pager::Cleaned;

/// A machine of which page 0 was missed, and pages 1 to 3 were fetched with it.
fn fetched_ahead() -> (Machine, SpaceId, Page) {
    let (mut machine, id, base) = dirty_pages(4, 20);
    assert_eq!(written(&mut machine, page(base, 0), false, 4), 4);
    machine.pager.options.read_ahead = true;
    machine.pager.marks.high = 0;
    machine.access(id, base, None).unwrap();
    assert_eq!((machine.pager.resident(id), machine.pager.totals().read_aheads), (4, 3));
    (machine, id, base)
}

fn hits_and_misses(machine: &Machine) -> (u32, u32) {
    (machine.pager.totals().read_ahead_hits, machine.pager.totals().read_ahead_misses)
}

#[test]
fn a_page_that_is_dropped_unused_was_a_miss_and_one_that_was_used_a_hit() {
    let (mut machine, id, base) = fetched_ahead();
    machine.access(id, page(base, 1), None).unwrap();
    for (index, expected) in [(2, (0, 1)), (1, (1, 1)), (3, (1, 2)), (0, (1, 2))] {
        assert!(matches!(clean(&mut machine, page(base, index), true, 1), Cleaned::Freed));
        assert_eq!(hits_and_misses(&machine), expected, "page {index}");
    }
}

#[test]
fn a_page_that_was_changed_was_a_hit() {
    let (mut machine, id, base) = fetched_ahead();
    machine.access(id, page(base, 2), Some(9)).unwrap();
    assert_eq!(written(&mut machine, page(base, 2), true, 1), 1);
    assert_eq!(hits_and_misses(&machine), (1, 0));
}

#[test]
fn freed_pages_are_counted_as_well() {
    let (mut machine, id, base) = fetched_ahead();
    machine.access(id, page(base, 3), None).unwrap();
    machine.free(id, base).unwrap();
    assert_eq!(hits_and_misses(&machine), (1, 2));
}
