//! Rules of pages of files.

use super::borrowing::{machine, map};
use super::machine::DIRT;
use super::rules::page;
use crate::frame_table::{FileTransfer, FrameUse};
use crate::pager::{FileStep, Options, Step, WriteBack, WriteBackPass};
use crate::vm_pool::{FilePage, FileRef};

const FILE: FileRef = FileRef::new(3);

#[test]
fn a_page_whose_contents_on_the_disk_do_not_matter_begins_as_zeros() {
    let (mut machine, ..) = machine("random", Options::ALL, 20, 10, 1);
    let step = machine.pager.fresh_file_page(&mut machine.hardware, FilePage { file: FILE, number: 2 }).unwrap();
    let FileStep::Here(frame) = step else { panic!("{step:?}") };
    assert!(machine.hardware.memory.values().any(|&word| word == DIRT), "frames come as somebody left them");
    assert_eq!(machine.hardware.memory[&frame], 0);
}

#[test]
fn a_file_may_go_while_the_disk_has_its_pages() {
    let (mut machine, id, _) = machine("random", Options::TEXTBOOK, 20, 10, 1);
    machine.queue_len = 9;
    let shown = map(&mut machine, id, FILE, 5);
    let Step::Read(read) = machine.begin_fault(id, page(shown, 4)) else { panic!("it is on the disk") };
    machine.access(id, page(shown, 0), Some(7)).unwrap();
    match machine.pager.write_back(&mut machine.hardware, Some(FILE), &mut WriteBackPass::default()) {
        WriteBack::Write(ticket) => machine.queue_write(ticket),
        other => panic!("{other:?}"),
    }
    let is_moving = |frame_use| match frame_use {
        FrameUse::FileArriving(_) => true,
        FrameUse::Cached(cached) => cached.transfer != FileTransfer::None,
        _ => false,
    };
    let moving: Vec<_> =
        machine.pager.frames().iter().filter(|&(_, frame_use)| is_moving(frame_use)).map(|(frame, _)| frame).collect();
    assert_eq!(moving.len(), 2);
    machine.pager.unmap_file(&mut machine.hardware, id, shown).unwrap();
    machine.pager.forget_file(FILE);
    machine.check();
    // The disk still uses the frames: nobody else may have them, and the file is no more.
    assert!(moving.iter().all(|&frame| machine.pager.frames().get(frame) == FrameUse::Abandoned));
    assert_eq!(machine.file_access(id, FILE, 0, Some(1)), 1);
    machine.pager.forget_file(FILE);
    machine.read_in(read).unwrap();
    machine.end_all_writes();
    machine.check();
    assert_eq!(machine.pager.cached_pages(), 0);
}
