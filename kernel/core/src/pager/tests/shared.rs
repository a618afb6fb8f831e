//! Pages of files with very many users.

use super::machine::Machine;
use crate::addr::{PAGE_SIZE, Page};
use crate::frame_table::SpaceId;
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

#[test]
fn a_page_that_is_mapped_more_often_than_can_be_counted_serves_everybody() {
    let mut machine = Machine::new(2000, 10, 1);
    let (writer, written, mut mapped) = mapped_often(&mut machine);
    machine.access(writer, written, Some(77)).unwrap();
    while mapped <= u32::from(u16::MAX) {
        mapped += mapped_often(&mut machine).2;
    }
    machine.check();
    machine.switch_to(writer);
    assert_eq!(machine.access(writer, written, None), Ok(77));
    machine.write_back(FILE);
    assert_eq!(machine.file_word(FilePage { file: FILE, number: 0 }), 77, "a change was forgotten");
}

#[test]
fn writing_back_gives_way_after_every_few_pages_that_are_mapped() {
    const PAGES: u32 = 100;
    let mut machine = Machine::new(300, 10, 1);
    let id = machine.spawn();
    machine.switch_to(id);
    for number in 0..PAGES {
        let page = map(&mut machine, id, number).unwrap();
        machine.access(id, page, None).unwrap();
    }
    let (mut pass, mut gave_way) = (WriteBackPass::default(), 0);
    while let WriteBack::GoOn = machine.pager.write_back(&mut machine.hardware, Some(FILE), &mut pass) {
        gave_way += 1;
    }
    assert!((3..PAGES).contains(&gave_way), "{gave_way}");
}
