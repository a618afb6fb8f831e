//! What leaves together with a victim, and to which slots.

use super::borrowing::{Picker, clean, dirty_pages, write, written};
use super::rules::page;
use crate::addr::Frame;
use crate::pager::Cleaned;
use crate::pager::borrow::Marks;
use crate::pager::served::Served;

#[test]
fn as_many_dirty_neighbours_leave_with_a_victim_as_are_wanted() {
    for (wanted, expected) in [(0, 1), (1, 1), (3, 3), (6, 6), (50, 9)] {
        let (mut machine, id, base) = dirty_pages(9, 20);
        assert_eq!(written(&mut machine, page(base, 4), false, wanted), expected);
        for index in 0..9 {
            assert_eq!(machine.access(id, page(base, index), None), Ok(index));
        }
    }
}

#[test]
fn used_neighbours_stay_if_the_policy_goes_by_use() {
    let (mut machine, _, base) = dirty_pages(5, 20);
    assert_eq!(written(&mut machine, page(base, 2), true, 5), 1);
    let (mut machine, id, base) = dirty_pages(5, 20);
    written(&mut machine, page(base, 0), false, 5);
    for index in 0..5 {
        machine.access(id, page(base, index), None).unwrap();
    }
    assert!(matches!(clean(&mut machine, page(base, 2), true, 5), Cleaned::Freed));
    assert_eq!(machine.pager.resident(id), 4, "clean ones as well");
}

#[test]
fn neighbours_of_the_last_faults_stay() {
    for is_dirty in [true, false] {
        let (mut machine, id, base) = dirty_pages(5, 20);
        written(&mut machine, page(base, 0), false, 5);
        for index in [0, 1, 3, 4, 2] {
            machine.access(id, page(base, index), is_dirty.then_some(index)).unwrap();
        }
        machine.pager.set_policy(Box::new(Picker { page: page(base, 0), goes_by_use: false }));
        machine.pager.marks = Marks { low: 0, high: machine.pager.pool().free_count() + 5 };
        machine.pager.served = Served::new(machine.pager.pool_range()).unwrap();
        let mapping = machine.pager.mapping(&mut machine.hardware, id, page(base, 1)).unwrap();
        machine.pager.served.note(Frame::new(mapping.physical_page().unwrap()));
        match machine.clean_once() {
            Cleaned::Write(ticket) => {
                assert_eq!((is_dirty, ticket.frames().len()), (true, 1), "1 stands between 0 and the others");
                machine.queue_write(ticket);
            }
            Cleaned::Freed => assert_eq!((is_dirty, machine.pager.resident(id)), (false, 1), "all but 1 are gone"),
            Cleaned::Nothing => panic!("0 may go"),
        }
        assert!(machine.pager.mapping(&mut machine.hardware, id, page(base, 1)).unwrap().physical_page().is_some());
    }
}

#[test]
fn neighbours_that_were_fetched_ahead_wait_for_their_use() {
    let (mut machine, id, base) = dirty_pages(5, 20);
    assert_eq!(written(&mut machine, page(base, 0), false, 5), 5);
    machine.pager.options.read_ahead = true;
    machine.pager.marks.high = 0;
    machine.access(id, page(base, 0), None).unwrap();
    machine.access(id, page(base, 1), None).unwrap();
    assert_eq!((machine.pager.resident(id), machine.pager.totals().swap_ins), (5, 5));
    assert!(matches!(clean(&mut machine, page(base, 0), false, 5), Cleaned::Freed));
    assert_eq!(machine.pager.resident(id), 3, "0 and 1 were used and have left");
    machine.check();
}

#[test]
fn pages_in_scattered_slots_are_written_to_slots_of_their_own() {
    let (mut machine, id, base) = dirty_pages(6, 20);
    // One by one and out of order: no two neighbours have slots side by side.
    for index in [4, 1, 5, 0, 3, 2] {
        assert_eq!(written(&mut machine, page(base, index), false, 1), 1);
    }
    write(&mut machine, id, base, 0..6);
    assert_eq!(written(&mut machine, page(base, 2), false, 6), 6, "to new ones");
    assert_eq!(machine.pager.slots().used_count(), 6);
    for index in 0..6 {
        assert_eq!(machine.access(id, page(base, index), None), Ok(index));
    }
}

#[test]
fn slots_drawn_in_vain_are_given_back() {
    let (mut machine, id, base) = dirty_pages(3, 3);
    assert_eq!(written(&mut machine, page(base, 0), false, 2), 2);
    write(&mut machine, id, base, 0..2);
    // Three dirty neighbours; one slot is free, but two of them can be written where they were.
    assert_eq!(written(&mut machine, page(base, 0), false, 3), 2);
    assert_eq!(machine.pager.slots().used_count(), 2);
    for index in 0..3 {
        assert_eq!(machine.access(id, page(base, index), None), Ok(index));
    }
}

#[test]
fn a_swap_file_that_was_full_takes_several_pages_at_once_again() {
    let (mut machine, id, base) = dirty_pages(3, 3);
    assert_eq!(written(&mut machine, page(base, 0), false, 3), 3);
    let more = machine.pager.allocate(id, 3).unwrap();
    write(&mut machine, id, more, 0..3);
    for _ in 0..200 {
        assert!(matches!(clean(&mut machine, page(more, 0), false, 3), Cleaned::Nothing), "no slot is free");
    }
    machine.pager.free(&mut machine.hardware, id, base).unwrap();
    assert_eq!(written(&mut machine, page(more, 0), false, 3), 3);
}
