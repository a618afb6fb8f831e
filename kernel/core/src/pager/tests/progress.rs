//! Whoever needs pages gets them in the end, and whoever goes from page to page soon finds them there.

use super::borrowing::{machine, map};
use super::rules::page;
use crate::addr::{Frame, PAGE_SIZE, Page};
use crate::fault::FaultError;
use crate::frame_table::SpaceId;
use crate::pager::{FileStep, Options, RESERVE_FRAMES, Step};
use crate::replacement::{NAMES, Replacement, Residents};
use crate::vm_pool::{Backing, FilePage, FileRef, Rights};

const FILE: FileRef = FileRef::new(3);

/// Takes what came last: the worst that can happen to an instruction that needs several pages.
struct Spiteful(Vec<Frame>);

impl Replacement for Spiteful {
    fn name(&self) -> &'static str {
        "spiteful"
    }

    fn goes_by_use(&self) -> bool {
        false
    }

    fn page_arrived(&mut self, _: SpaceId, frame: Frame) {
        self.0.push(frame);
    }

    fn page_left(&mut self, _: SpaceId, frame: Frame) {
        self.0.retain(|&other| other != frame);
    }

    fn choose(&mut self, memory: &mut dyn Residents) -> Option<Frame> {
        self.0.iter().rev().copied().find(|&frame| memory.page_in(frame).is_some())
    }
}

#[test]
fn an_instruction_gets_its_pages_whatever_they_are_and_whoever_chooses_victims() {
    // Frames to spare; or all but the reserve hold the directory and the page tables of code, heap and files.
    let machines = [24, 4 + RESERVE_FRAMES].into_iter().flat_map(|frames| [(frames, 0), (frames, 3)]);
    for ((frames, queue_len), options) in
        machines.flat_map(|machine| [(machine, Options::TEXTBOOK), (machine, Options::ALL)])
    {
        let (mut machine, id, base) = machine("fifo", options, frames, 90, 60);
        let text = map(&mut machine, id, FILE, 20);
        let code = Page::new(abi::layout::CODE_START / PAGE_SIZE);
        let data = Backing::File { file: FileRef::new(4), first_page: 0, len_bytes: 20 * PAGE_SIZE, shared: false };
        machine.pager.allocate_at(id, code, 20, Rights::READ | Rights::WRITE, data).unwrap();
        machine.pager.set_policy(Box::new(Spiteful(Vec::new())));
        machine.queue_len = queue_len;
        for index in 0..40 {
            machine.access(id, page(base, index), Some(index)).unwrap();
        }
        for start in 0..20 {
            let untouched = page(base, 40 + start);
            let [near, far] = [0, 20].map(|offset| page(base, offset + start));
            let pages = [page(text, start), page(text, (start + 9) % 20), page(code, start), near, far, untouched];
            machine.access_all(id, &pages);
            machine.check();
        }
    }
}

/// All frames but the reserve hold page tables. A page that a program's file gives its first contents needs two frames for a moment: the
/// file's page must not make room for its own copy.
#[test]
fn data_of_a_program_is_copied_on_the_fewest_frames() {
    const DATA_PAGES: u32 = 12;
    for (name, options) in NAMES.iter().flat_map(|name| [(name, Options::ALL), (name, Options::TEXTBOOK)]) {
        // The directory, and the page tables of heap and code.
        let (mut machine, id, base) = machine(name, options, 3 + RESERVE_FRAMES, 60, 30);
        let code = Page::new(abi::layout::CODE_START / PAGE_SIZE);
        let data = Backing::File { file: FILE, first_page: 0, len_bytes: DATA_PAGES * PAGE_SIZE, shared: false };
        machine.pager.allocate_at(id, code, DATA_PAGES, Rights::READ | Rights::WRITE, data).unwrap();
        for round in 0..3 {
            for index in 0..30 {
                machine.access(id, page(base, index), Some(index)).unwrap();
            }
            // One instruction on six pages of data.
            let pages: Vec<_> = (0..6).map(|index| page(code, (index * 5 + round) % DATA_PAGES)).collect();
            machine.access_all(id, &pages);
            for index in 0..DATA_PAGES {
                let found = machine.access(id, page(code, index), None);
                let expected = if round == 0 { FILE.raw() * 1000 + index } else { round - 1 };
                assert_eq!(found, Ok(expected), "{name}");
                machine.access(id, page(code, index), Some(round)).unwrap();
            }
            machine.check();
        }
    }
}

#[test]
fn an_instruction_gets_its_pages_before_files_keep_what_the_disk_cannot_write() {
    for queue_len in [0, 3] {
        let (mut machine, id, _) = machine("fifo", Options::TEXTBOOK, 100, 20, 1);
        let shown = map(&mut machine, id, FILE, 12);
        let ledger = machine.pager.ledger();
        let heap_pages = ledger.promisable() - ledger.promised();
        let heap = machine.pager.allocate(id, heap_pages).unwrap();
        for index in 0..12 {
            machine.access(id, page(shown, index), Some(index)).unwrap();
        }
        machine.failing_file_writes = u32::MAX;
        machine.write_back(FILE);
        machine.pager.set_policy(Box::new(Spiteful(Vec::new())));
        machine.queue_len = queue_len;
        for index in 0..heap_pages {
            machine.access(id, page(heap, index), Some(index)).unwrap();
        }
        for start in 0..heap_pages {
            let pages = [0, 20, 40, 60, 80, 97].map(|offset| page(heap, (start + offset) % heap_pages));
            machine.access_all(id, &pages);
        }
        machine.check();
    }
}

#[test]
fn whoever_goes_from_page_to_page_soon_finds_them_there() {
    let (mut machine, id, base) = machine("fifo", Options::ALL, 120, 400, 300);
    for index in 0..300 {
        machine.access(id, page(base, index), Some(index)).unwrap();
    }
    let before = *machine.pager.totals();
    for index in 0..300 {
        assert_eq!(machine.access(id, page(base, index), None), Ok(index));
    }
    let now = machine.pager.totals();
    let (fetched, ahead) = (now.swap_ins - before.swap_ins, now.read_aheads - before.read_aheads);
    assert!(fetched > 180 && ahead * 4 > fetched * 3, "{ahead} of {fetched} pages were fetched ahead");
    let hits = now.read_ahead_hits - before.read_ahead_hits;
    let misses = now.read_ahead_misses - before.read_ahead_misses;
    assert!(hits > 10 * misses, "{hits} hits, {misses} misses");
}

#[test]
fn guesses_leave_frames_free() {
    let (mut machine, id, base) = machine("fifo", Options::ALL, 120, 400, 300);
    for round in 0..3 {
        for index in 0..300 {
            machine.access(id, page(base, index), Some(round)).unwrap();
            match machine.begin_fault(id, page(base, (index + 1) % 300)) {
                Step::Read(ticket) => {
                    let free = machine.pager.pool().free_count();
                    assert!(
                        ticket.frames().len() == 1 || free >= machine.pager.marks.low / 2,
                        "{free} frames are left"
                    );
                    machine.read_in(ticket).unwrap();
                }
                Step::Write(ticket) => machine.write_out(ticket),
                Step::Done | Step::Wait => {}
            }
        }
    }
}

#[test]
fn after_a_batch_that_failed_the_missed_page_is_read_alone() {
    let (mut machine, id, base) = machine("fifo", Options::ALL, 60, 200, 150);
    for index in 0..150 {
        machine.access(id, page(base, index), Some(index)).unwrap();
    }
    let missed = machine.find_swapped(id, base, 150);
    machine.clean();
    let Step::Read(ticket) = machine.begin_fault(id, missed) else { panic!("it is on the disk") };
    assert!(ticket.frames().len() > 1, "a batch");
    machine.failing_reads = 2;
    assert_eq!(machine.read_in(ticket), Ok(()), "it can be tried again");
    assert_eq!(machine.access(id, missed, None), Err(FaultError::ReadFailed));
    assert_eq!(machine.access(id, missed, None), Ok(missed.number() - base.number()));
    machine.check();
}

#[test]
fn a_call_that_reads_ahead_leaves_frames_free() {
    let (mut machine, id, base) = machine("fifo", Options::ALL, 120, 400, 300);
    for index in 0..300 {
        machine.access(id, page(base, index), Some(index)).unwrap();
    }
    for number in (0..2000).step_by(50) {
        let step = machine.pager.file_page(&mut machine.hardware, id, FilePage { file: FILE, number }, 40).unwrap();
        let FileStep::Read(ticket) = step else { continue };
        let (count, free) = (ticket.frames().len(), machine.pager.pool().free_count());
        assert!(count == 1 || free >= machine.pager.marks.low / 2, "{count} pages, and {free} frames are left");
        machine.read_in(ticket).unwrap();
    }
    assert!(machine.pager.totals().read_aheads > 0);
}

/// All lists for runs are lent: as many transfers are under way as there can be.
#[test]
fn where_no_list_is_left_pages_move_one_by_one() {
    let (mut machine, id, base) = machine("fifo", Options::ALL, 60, 200, 150);
    let shown = map(&mut machine, id, FILE, 20);
    let mut lent = Vec::new();
    loop {
        let run = machine.pager.run_lists.run_for(2);
        if !run.has_room_for_several() {
            break;
        }
        lent.push(run);
    }
    for round in 0..3 {
        for index in 0..150 {
            let found = machine.access(id, page(base, index), None);
            assert_eq!(found, Ok(if round == 0 { 0 } else { index + round - 1 }));
            machine.access(id, page(base, index), Some(index + round)).unwrap();
        }
        for index in (0..20).rev() {
            let found = machine.access(id, page(shown, index), Some(round));
            assert_eq!((found, machine.access(id, page(shown, index), None)), (Ok(round), Ok(round)));
        }
        machine.check();
    }
    let totals = machine.pager.totals();
    assert_eq!((totals.read_aheads, lent.is_empty()), (0, false));
    machine.write_back(FILE);
    assert!((0..20).all(|number| machine.file_word(FilePage { file: FILE, number }) == 2));
}
