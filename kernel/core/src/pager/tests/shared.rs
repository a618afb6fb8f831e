//! Pages of files with very many users.

use super::machine::Machine;
use crate::addr::{PAGE_SIZE, Page};
use crate::frame_table::SpaceId;
use crate::pager::mappers::LIST_MAX;
use crate::pager::{GrantError, WriteBack, WriteBackPass};
use crate::vm_pool::{Backing, FilePage, FileRef, Rights, VmPoolError};

const FILE: FileRef = FileRef::new(3);

/// Maps page `number` of the file once more.
fn map(machine: &mut Machine, id: SpaceId, number: u32) -> Result<Page, GrantError> {
    let shown = Backing::File { file: FILE, first_page: number, len_bytes: PAGE_SIZE, shared: true };
    machine.pager.map_file(id, None, 1, Rights::READ | Rights::WRITE, shown)
}

/// A space that maps page 0 of the file as often as it may, and reads it each time; returns the first mapping, and how many there are.
fn mapped_often(machine: &mut Machine) -> (SpaceId, Page, u32) {
    let id = machine.spawn();
    machine.switch_to(id);
    let first = map(machine, id, 0).unwrap();
    machine.access(id, first, None).unwrap();
    for count in 1.. {
        match map(machine, id, 0) {
            Ok(page) => drop(machine.access(id, page, None).unwrap()),
            Err(error) => {
                assert_eq!(error, GrantError::Pool(VmPoolError::TooManyRegions));
                return (id, first, count);
            }
        }
    }
    unreachable!("the regions of a pool are bounded")
}

/// More than a call needs to empty a full list of entries, and far less than there are mappings.
const WORK_MAX: u32 = 4 * LIST_MAX;

#[test]
fn page_that_is_mapped_more_often_than_its_list_can_tell_serves_all_and_costs_no_more() {
    let mut machine = Machine::new(2000, 10, 1);
    let (writer, written, mut mapped) = mapped_often(&mut machine);
    machine.access(writer, written, Some(77)).unwrap();
    while mapped < 5000 {
        mapped += mapped_often(&mut machine).2;
    }
    machine.check();
    for id in machine.pager.spaces().iter().map(|(id, _)| id).collect::<Vec<_>>() {
        machine.switch_to(id);
        machine.hardware.work = 0;
        assert_eq!(machine.access(id, written, None), Ok(77));
        assert!(machine.hardware.work <= WORK_MAX, "a fault has looked at {} entries", machine.hardware.work);
    }
    machine.hardware.work = 0;
    assert!(matches!(machine.begin_write_back(FILE), WriteBack::Write(_)));
    assert!(machine.hardware.work <= WORK_MAX, "{} entries were looked at", machine.hardware.work);
}

#[test]
fn pages_that_are_mapped_more_often_than_all_lists_can_tell_serve_all() {
    const PAGES: u32 = 20;
    let mut machine = Machine::new(500, 10, 1);
    let mut mapped = Vec::new();
    for _ in 0..20 {
        let id = machine.spawn();
        machine.switch_to(id);
        for round in 0..220 {
            let page = map(&mut machine, id, round % PAGES).unwrap();
            machine.access(id, page, Some(round % PAGES)).unwrap();
            mapped.push((id, page, round % PAGES));
        }
    }
    machine.check();
    for &(id, page, number) in mapped.iter().step_by(7) {
        machine.switch_to(id);
        assert_eq!(machine.access(id, page, None), Ok(number));
    }
    // One instruction that needs several of them at once is done, too.
    for several in mapped.chunks(220).flat_map(|of_space| of_space.chunks(6)) {
        let pages: Vec<Page> = several.iter().map(|&(_, page, _)| page).collect();
        machine.switch_to(several[0].0);
        assert!(machine.access_all(several[0].0, &pages) <= 12);
    }
    machine.check();
}

#[test]
fn change_through_a_mapping_is_not_forgotten_when_too_many_others_come() {
    let mut machine = Machine::new(2000, 10, 1);
    let (writer, written, mut mapped) = mapped_often(&mut machine);
    machine.access(writer, written, Some(77)).unwrap();
    while mapped < 1000 {
        mapped += mapped_often(&mut machine).2;
    }
    machine.check();
    machine.switch_to(writer);
    assert_eq!(machine.access(writer, written, None), Ok(77));
    machine.write_back(FILE);
    assert_eq!(machine.file_word(FilePage { file: FILE, number: 0 }), 77, "a change was forgotten");
}

#[test]
fn writing_back_gives_way_however_many_frames_and_entries_it_looks_at() {
    const FRAMES: u32 = 10_000;
    let mut machine = Machine::new(FRAMES, 10, 1);
    let (_, _, mut mapped) = mapped_often(&mut machine);
    while mapped < 3 * LIST_MAX {
        mapped += mapped_often(&mut machine).2;
    }
    machine.hardware.work = 0;
    let (mut pass, mut gave_way) = (WriteBackPass::default(), 0);
    while let WriteBack::GoOn = machine.pager.write_back(&mut machine.hardware, Some(FILE), &mut pass) {
        assert!(machine.hardware.work <= 5000, "{} entries were looked at", machine.hardware.work);
        machine.hardware.work = 0;
        gave_way += 1;
    }
    assert_eq!(gave_way, FRAMES / 4096);
}
