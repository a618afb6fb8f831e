//! Rules of pages of files.

use super::borrowing::{machine, map};
use super::machine::{DIRT, beginning_of};
use super::rules::page;
use crate::addr::{PAGE_SIZE, Page};
use crate::frame_table::FrameUse;
use crate::pager::evict::Eviction;
use crate::pager::{FileStep, Options, Step, WriteBack, WriteBackPass};
use crate::vm_pool::{Backing, FilePage, FileRef, Rights};

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
        FrameUse::Cached(cached) => !cached.transfer.is_idle(),
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

#[test]
fn data_of_a_program_ends_where_the_file_says_and_zeros_follow() {
    let (mut machine, id, _) = machine("random", Options::TEXTBOOK, 20, 10, 1);
    let code = Page::new(abi::layout::CODE_START / PAGE_SIZE);
    let data = Backing::File { file: FILE, first_page: 5, len_bytes: PAGE_SIZE + 100, shared: false };
    machine.pager.allocate_at(id, code, 3, Rights::READ | Rights::WRITE, data).unwrap();
    assert_eq!(machine.access(id, code, None), Ok(3005));
    assert_eq!(machine.access(id, page(code, 1), None), Ok(beginning_of(3006, 100)));
    assert_eq!(machine.access(id, page(code, 2), None), Ok(0));
    machine.check();
}

#[test]
fn a_page_that_changes_while_it_is_written_on_its_way_out_stays() {
    let (mut machine, id, _) = machine("fifo", Options::TEXTBOOK, 20, 10, 1);
    machine.queue_len = 9;
    let shown = map(&mut machine, id, FILE, 1);
    for early in [true, false] {
        machine.access(id, shown, Some(1)).unwrap();
        let frame = machine.pager.file_index.get(FilePage { file: FILE, number: 0 }).unwrap();
        let cached = machine.pager.cached(frame).unwrap();
        match machine.pager.evict_cached(&mut machine.hardware, frame, cached) {
            Eviction::MustWrite(ticket) => machine.queue_write(ticket),
            _ => panic!("it was changed"),
        }
        let last = if early { 2 } else { 3 };
        machine.access(id, shown, Some(last)).unwrap();
        machine.end_all_writes();
        machine.check();
        assert_eq!(machine.access(id, shown, None), Ok(last));
        machine.write_back(FILE);
        assert_eq!(machine.file_word(FilePage { file: FILE, number: 0 }), last);
    }
}

#[test]
fn writing_back_ends_though_others_write_back_the_same_pages() {
    let (mut machine, id, _) = machine("random", Options::TEXTBOOK, 20, 10, 1);
    machine.queue_len = 9;
    let shown = map(&mut machine, id, FILE, 3);
    let mut pass = WriteBackPass::default();
    for round in 1.. {
        for index in 0..3 {
            machine.access(id, page(shown, index), Some(round)).unwrap();
        }
        // Somebody else is always first.
        match machine.pager.write_back(&mut machine.hardware, Some(FILE), &mut WriteBackPass::default()) {
            WriteBack::Write(ticket) => machine.queue_write(ticket),
            WriteBack::Wait | WriteBack::GoOn | WriteBack::Done => {}
        }
        for index in 0..3 {
            machine.access(id, page(shown, index), Some(round)).unwrap();
        }
        match machine.pager.write_back(&mut machine.hardware, Some(FILE), &mut pass) {
            WriteBack::Write(ticket) => machine.queue_write(ticket),
            WriteBack::Wait => machine.end_all_writes(),
            WriteBack::GoOn => {}
            WriteBack::Done => break,
        }
        assert!(round < 50, "it goes on and on");
    }
}
