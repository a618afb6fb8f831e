//! Rules of pages of files.

use super::borrowing::{machine, map};
use super::hardware::{DIRT, beginning_of};
use super::machine::Machine;
use super::rules::{self, page};
use crate::addr::{PAGE_SIZE, Page};
use crate::fault::FaultError;
use crate::frame_table::{CachedPage, FrameUse};
use crate::pager::evict::Eviction;
use crate::pager::{FileStep, Options, Step, WriteBack, WriteBackPass};
use crate::vm_pool::{Backing, FilePage, FileRef, Rights};

const CODE: Page = Page::new(abi::layout::CODE_START / PAGE_SIZE);
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
    let free = machine.pager.pool().free_count();
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
    machine.unmap_file(id, shown).unwrap();
    machine.pager.forget_file(FILE, 0..u32::MAX);
    machine.check();
    // The disk still uses the frames: nobody else may have them, and the file is no more.
    assert!(moving.iter().all(|&frame| machine.pager.frames().get(frame) == FrameUse::Abandoned));
    assert_eq!(machine.file_access(id, FILE, 0, Some(1)), 1);
    machine.pager.forget_file(FILE, 0..u32::MAX);
    machine.read_in(read).unwrap();
    machine.end_all_writes();
    machine.check();
    assert_eq!((machine.pager.cached_pages(), machine.pager.pool().free_count()), (0, free));
}

#[test]
fn forgotten_pages_past_the_end_never_reach_the_disk_after_new_ones() {
    // With the cleaner on, neighbours leave together.
    let options = Options { cleaner: true, ..Options::TEXTBOOK };
    let (mut machine, id, _) = machine("random", options, 20, 10, 1);
    machine.queue_len = 9;
    for number in 0..6 {
        machine.file_access(id, FILE, number, Some(number + 10));
    }
    // The disk is writing pages 3 to 5, and has not begun with the others.
    let frame = machine.pager.file_index.get(FilePage { file: FILE, number: 4 }).unwrap();
    for number in 0..3 {
        let frame = machine.pager.file_index.get(FilePage { file: FILE, number }).unwrap();
        let cached = machine.pager.cached(frame).unwrap();
        machine.pager.frames.set(frame, FrameUse::Cached(CachedPage { dirty: false, ..cached }));
    }
    let cached = machine.pager.cached(frame).unwrap();
    match machine.pager.evict_cached(&mut machine.hardware, frame, cached) {
        Eviction::MustWrite(ticket) => machine.queue_write(ticket),
        _ => panic!("it was changed"),
    }
    assert!(!machine.pager.forget_pages_from(FILE, 2, 0..u32::MAX), "the disk uses pages 3 to 5");
    let is_cached = |machine: &Machine, number| machine.pager.file_index.get(FilePage { file: FILE, number }).is_some();
    let there = |machine: &Machine| (0..6).map(|number| is_cached(machine, number)).collect::<Vec<_>>();
    assert_eq!(there(&machine), [true, true, false, true, true, true]);
    machine.check();
    machine.end_all_writes();
    assert!(machine.pager.forget_pages_from(FILE, 2, 0..u32::MAX));
    assert_eq!(there(&machine), [true, true, false, false, false, false]);
    machine.check();
    machine.file_access(id, FILE, 4, Some(99));
    machine.write_back(FILE);
    assert_eq!(machine.file_word(FilePage { file: FILE, number: 4 }), 99);
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

#[test]
fn text_is_read_from_its_file_never_written_and_never_swapped() {
    let (mut machine, id, base) = rules::machine(14, 40, 30);
    let text = Backing::File { file: FileRef::new(3), first_page: 5, len_bytes: 2 * PAGE_SIZE - 1, shared: false };
    machine.pager.allocate_at(id, CODE, 2, Rights::READ | Rights::EXECUTE, text).unwrap();
    for round in 0..3 {
        assert_eq!(machine.access(id, CODE, None), Ok(3005));
        assert_eq!(machine.access(id, page(CODE, 1), None), Ok(3006));
        for index in 0..30 {
            machine.access(id, page(base, index), Some(round)).unwrap();
        }
    }
    assert_eq!(machine.access(id, CODE, Some(1)), Err(FaultError::Forbidden));
    machine.check();
    assert!(machine.pager.totals().file_reads > 2);
}

#[test]
fn changed_data_of_a_file_goes_to_swap_and_not_back_to_the_file() {
    let (mut machine, id, base) = rules::machine(13, 60, 40);
    let data = Backing::File { file: FileRef::new(3), first_page: 0, len_bytes: PAGE_SIZE, shared: false };
    machine.pager.allocate_at(id, CODE, 1, Rights::READ | Rights::WRITE, data).unwrap();
    assert_eq!(machine.access(id, CODE, None), Ok(3000));
    machine.access(id, CODE, Some(99)).unwrap();
    for index in 0..40 {
        machine.access(id, page(base, index), Some(index)).unwrap();
    }
    assert_eq!(machine.access(id, CODE, None), Ok(99));
}

#[test]
fn writing_back_ends_though_pages_are_changed_all_the_time() {
    const PAGES: u32 = 10;
    let file = FileRef::new(3);
    for queue_len in [0, 3] {
        let (mut machine, id, _) = rules::machine(40, 10, 1);
        machine.queue_len = queue_len;
        let shown = Backing::File { file, first_page: 0, len_bytes: PAGES * PAGE_SIZE, shared: true };
        let first = machine.pager.map_file(id, None, PAGES, Rights::READ | Rights::WRITE, shown).unwrap();
        let mut pass = WriteBackPass::default();
        for round in 1.. {
            for index in 0..PAGES {
                machine.access(id, page(first, index), Some(round)).unwrap();
            }
            match machine.pager.write_back(&mut machine.hardware, Some(file), &mut pass) {
                WriteBack::Write(ticket) => machine.queue_write(ticket),
                WriteBack::Wait => machine.end_all_writes(),
                WriteBack::GoOn => {}
                WriteBack::Done => break,
            }
            machine.check();
            assert!(round < 100, "it goes on and on");
        }
        machine.end_all_writes();
        for number in 0..PAGES {
            assert!(machine.file_word(crate::vm_pool::FilePage { file, number }) >= 1, "page {number}");
        }
    }
}

#[test]
fn a_page_that_began_as_zeros_is_written_back_as_zeros() {
    let (mut machine, id, base) = rules::machine(14, 40, 30);
    let fresh = FilePage { file: FILE, number: 2 };
    assert!(matches!(machine.pager.fresh_file_page(&mut machine.hardware, fresh), Ok(FileStep::Here(_))));
    // All frames change hands, and with them the page's.
    for index in 0..30 {
        machine.access(id, page(base, index), Some(index)).unwrap();
    }
    assert_eq!(machine.pager.file_index.get(fresh), None);
    assert_eq!((machine.file_word(fresh), machine.file_access(id, FILE, 2, None)), (0, 0), "not what the disk had");
    machine.check();
}
