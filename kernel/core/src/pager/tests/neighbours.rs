//! What leaves together with a victim, and to which slots.

use super::borrowing::{Picker, clean, dirty_pages, map, write, written};
use super::machine::Machine;
use super::rules::page;
use crate::addr::Page;
use crate::pager::Cleaned;
use crate::pager::borrow::Marks;
use crate::pager::served::Served;
use crate::vm_pool::{FilePage, FileRef};

const FILE: FileRef = FileRef::new(3);

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
        machine.pager.served.note(mapping.physical_page.unwrap());
        match machine.clean_once() {
            Cleaned::Write(ticket) => {
                assert_eq!((is_dirty, ticket.frames().len()), (true, 1), "1 stands between 0 and the others");
                machine.queue_write(ticket);
            }
            Cleaned::Freed => assert_eq!((is_dirty, machine.pager.resident(id)), (false, 1), "all but 1 are gone"),
            Cleaned::Nothing => panic!("0 may go"),
        }
        assert!(machine.pager.mapping(&mut machine.hardware, id, page(base, 1)).unwrap().physical_page.is_some());
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
    machine.free(id, base).unwrap();
    assert_eq!(written(&mut machine, page(more, 0), false, 3), 3);
}

#[test]
fn pages_of_other_regions_stay() {
    let (mut machine, id, base) = dirty_pages(3, 20);
    let next = machine.pager.allocate(id, 3).unwrap();
    assert_eq!(next, page(base, 3), "side by side");
    write(&mut machine, id, next, 0..3);
    assert_eq!(written(&mut machine, page(base, 2), false, 6), 3);
    assert_eq!(written(&mut machine, page(next, 0), false, 6), 3);
    for first in [base, next] {
        (0..3).for_each(|index| assert_eq!(machine.access(id, page(first, index), None), Ok(index)));
    }
    assert!(matches!(clean(&mut machine, page(next, 0), false, 6), Cleaned::Freed));
    assert_eq!(machine.pager.resident(id), 3, "clean ones as well");
}

#[test]
fn the_victim_is_among_those_that_leave_where_slots_are_too_few_for_all() {
    for victim in 0..6 {
        // Three free slots: a part of the six pages can leave.
        let (mut machine, id, base) = dirty_pages(6, 3);
        assert_eq!(written(&mut machine, page(base, victim), false, 6), 3);
        let mapping = machine.pager.mapping(&mut machine.hardware, id, page(base, victim)).unwrap();
        assert_eq!(mapping.physical_page, None, "page {victim} was chosen");
        for index in 0..6 {
            assert_eq!(machine.access(id, page(base, index), None), Ok(index));
        }
    }
}

#[test]
fn pages_of_a_file_leave_with_a_clean_neighbour_unless_they_are_spared_or_used() {
    for goes_by_use in [false, true] {
        let (mut machine, id, _) = dirty_pages(1, 20);
        let shown = map(&mut machine, id, FILE, 6);
        let frame_of = |machine: &Machine, number| machine.pager.file_index.get(FilePage { file: FILE, number });
        for number in 0..6 {
            machine.file_access(id, FILE, number, None);
        }
        // Page 2 was used a moment ago. Nobody has used the others.
        machine.access(id, page(shown, 2), None).unwrap();
        machine.pager.set_policy(Box::new(Picker { page: Page::new(4), goes_by_use }));
        machine.pager.marks = Marks { low: 0, high: machine.pager.pool().free_count() + 6 };
        machine.pager.served = Served::new(machine.pager.pool_range()).unwrap();
        let spared = frame_of(&machine, 1).unwrap();
        machine.pager.served.note(spared);
        assert!(matches!(machine.clean_once(), Cleaned::Freed));
        let left: Vec<_> = (0..6).filter(|&number| frame_of(&machine, number).is_some()).collect();
        assert_eq!(left, if goes_by_use { vec![1, 2] } else { vec![1] });
        machine.check();
    }
}
