//! Pages of files that the disk cannot write: they stay while their frames can be spared.

use std::collections::BTreeMap;

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

use super::borrowing::{machine, map};
use super::machine::Machine;
use super::rules::page;
use crate::addr::Page;
use crate::frame_table::{CachedPage, FileTransfer, FrameUse, SpaceId};
use crate::pager::evict::Eviction;
use crate::pager::{Cleaned, Options, PageOut, Target};
use crate::replacement::NAMES;
use crate::vm_pool::{FilePage, FileRef};

const FILE: FileRef = FileRef::new(3);

const fn file_page(number: u32) -> FilePage {
    FilePage { file: FILE, number }
}

/// What the test knows of a machine with a heap and a mapped file.
struct Model {
    id: SpaceId,
    heap: Page,
    heap_pages: u32,
    shown: Page,
    file_pages: u32,
    words: BTreeMap<Page, u32>,
    file: BTreeMap<u32, u32>,
}

impl Model {
    fn file_word(&self, number: u32) -> u32 {
        self.file.get(&number).copied().unwrap_or(FILE.raw() * 1000 + number)
    }

    /// One access to a page of the heap or of the file, by the process or by a call.
    fn step(&mut self, machine: &mut Machine, action: u8, choice: u32) {
        let word = action.is_multiple_of(2).then_some(choice | 1);
        let number = choice % self.file_pages;
        let found = match action % 6 {
            0..3 => {
                let place = page(self.heap, choice % self.heap_pages);
                let found = machine.access(self.id, place, word).unwrap();
                self.words.extend(word.map(|word| (place, word)));
                assert_eq!(found, self.words.get(&place).copied().unwrap_or(0));
                self.note_losses(machine);
                return;
            }
            3 | 4 => machine.access(self.id, page(self.shown, number), word).unwrap(),
            _ => machine.file_access(self.id, FILE, number, word),
        };
        self.note_losses(machine);
        self.file.extend(word.map(|word| (number, word)));
        assert_eq!(found, self.file_word(number));
    }

    fn note_losses(&mut self, machine: &mut Machine) {
        for lost in core::mem::take(&mut machine.lost) {
            self.file.insert(lost.number, machine.file_word(lost));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn a_few_lose_nothing_however_long_the_disk_cannot_write_them(
        frames in 64u32..120,
        policy in proptest::sample::select(NAMES),
        (cleaner, read_ahead, files_lend) in any::<(bool, bool, bool)>(),
        queue_len in 0usize..4,
        steps in proptest::collection::vec(any::<(u8, u32)>(), 1..1000),
    ) {
        let heap_pages = 2 * frames;
        let options = Options { cleaner, read_ahead, files_lend };
        let (mut machine, id, heap) = machine(policy, options, frames, 3 * frames, heap_pages);
        let file_pages = frames / 8;
        let shown = map(&mut machine, id, FILE, file_pages);
        machine.queue_len = queue_len;
        machine.failing_file_writes = u32::MAX;
        let mut model =
            Model { id, heap, heap_pages, shown, file_pages, words: BTreeMap::new(), file: BTreeMap::new() };
        for (action, choice) in steps {
            model.step(&mut machine, action, choice);
            if choice.is_multiple_of(50) {
                machine.write_back(FILE);
                prop_assert_eq!(machine.pager.has_unwritable(Some(FILE)), !model.file.is_empty());
                machine.check();
            }
        }
        machine.end_all_writes();
        machine.failing_file_writes = 0;
        machine.write_back(FILE);
        for number in 0..file_pages {
            prop_assert_eq!(machine.file_word(file_page(number)), model.file_word(number), "page {}", number);
        }
        prop_assert!(!machine.pager.has_unwritable(None));
    }

    #[test]
    fn every_promise_is_kept_though_no_file_can_ever_be_written(
        frames in 16u32..160,
        slots in 0u32..40,
        policy in proptest::sample::select(NAMES),
        (cleaner, read_ahead, files_lend) in any::<(bool, bool, bool)>(),
        queue_len in 0usize..4,
        steps in proptest::collection::vec(any::<(u8, u32)>(), 1..500),
    ) {
        let options = Options { cleaner, read_ahead, files_lend };
        let mut machine = Machine::with_policy(policy, options, frames, slots, 1);
        let id = machine.spawn();
        machine.switch_to(id);
        let file_pages = 2 * frames;
        let shown = map(&mut machine, id, FILE, file_pages);
        // All that can be promised, but for the page table.
        let ledger = machine.pager.ledger();
        let heap_pages = ledger.promisable() - ledger.promised() - 1;
        let heap = machine.pager.allocate(id, heap_pages).unwrap();
        machine.queue_len = queue_len;
        machine.failing_file_writes = u32::MAX;
        let mut model =
            Model { id, heap, heap_pages, shown, file_pages, words: BTreeMap::new(), file: BTreeMap::new() };
        for (action, choice) in steps {
            model.step(&mut machine, action, choice);
        }
        machine.check();
        for index in 0..heap_pages {
            model.step(&mut machine, 0, index);
        }
        for index in 0..heap_pages {
            model.step(&mut machine, 1, index);
        }
        machine.check();
    }
}

#[test]
fn changes_are_lost_when_everything_that_was_promised_is_used_and_not_before() {
    const FILE_PAGES: u32 = 12;
    let (mut machine, id, _) = machine("fifo", Options::ALL, 100, 10, 1);
    let shown = map(&mut machine, id, FILE, FILE_PAGES);
    let ledger = machine.pager.ledger();
    let heap_pages = ledger.promisable() - ledger.promised();
    let heap = machine.pager.allocate(id, heap_pages).unwrap();
    for index in 0..FILE_PAGES {
        machine.access(id, page(shown, index), Some(index)).unwrap();
    }
    machine.failing_file_writes = u32::MAX;
    machine.write_back(FILE);
    assert_eq!(machine.pager.frames().unwritable(), FILE_PAGES, "all that are spared");
    for index in 0..heap_pages {
        machine.access(id, page(heap, index), Some(index)).unwrap();
        assert!(machine.lost.is_empty() || index + FILE_PAGES > heap_pages, "after {index} of {heap_pages} pages");
    }
    assert!((1..=FILE_PAGES).contains(&u32::try_from(machine.lost.len()).unwrap()), "{:?}", machine.lost);
    for index in 0..heap_pages {
        assert_eq!(machine.access(id, page(heap, index), None), Ok(index));
    }
    machine.check();
}

#[test]
fn no_more_than_their_share_are_spared() {
    const FILE_PAGES: u32 = 30;
    let (mut machine, id, heap) = machine("fifo", Options::ALL, 80, 200, 160);
    let shown = map(&mut machine, id, FILE, FILE_PAGES);
    for index in 0..FILE_PAGES {
        machine.access(id, page(shown, index), Some(index)).unwrap();
    }
    machine.failing_file_writes = u32::MAX;
    machine.write_back(FILE);
    assert_eq!(machine.pager.frames().unwritable(), FILE_PAGES);
    for index in (0..160).cycle().take(1000) {
        machine.access(id, page(heap, index), Some(index)).unwrap();
    }
    assert_eq!((machine.pager.frames().unwritable(), machine.lost.len()), (80 / 8, 30 - 80 / 8));
}

/// One changed page on its way out; the disk cannot write it.
fn fail_to_evict(machine: &mut Machine, number: u32) -> usize {
    let ticket = evict(machine, number);
    let count = ticket.frames().len();
    machine.failing_file_writes = u32::MAX;
    machine.write_out(ticket);
    machine.failing_file_writes = 0;
    count
}

fn cached(machine: &Machine, number: u32) -> Option<CachedPage> {
    let frame = machine.pager.file_index.get(file_page(number))?;
    machine.pager.cached(frame)
}

fn evict(machine: &mut Machine, number: u32) -> PageOut {
    let frame = machine.pager.file_index.get(file_page(number)).unwrap();
    let FrameUse::Cached(cached) = machine.pager.frames().get(frame) else { panic!("it is in memory") };
    match machine.pager.evict_cached(&mut machine.hardware, frame, cached) {
        Eviction::MustWrite(ticket) => ticket,
        _ => panic!("it was changed"),
    }
}

#[test]
fn the_second_failure_is_the_last() {
    let (mut machine, id, _) = machine("fifo", Options::TEXTBOOK, 40, 10, 1);
    let shown = map(&mut machine, id, FILE, 1);
    machine.access(id, shown, Some(1)).unwrap();
    fail_to_evict(&mut machine, 0);
    assert!(cached(&machine, 0).is_some_and(|cached| cached.dirty && cached.transfer == FileTransfer::Failed));
    assert_eq!((machine.access(id, shown, None), machine.pager.frames().unwritable()), (Ok(1), 1));
    fail_to_evict(&mut machine, 0);
    assert_eq!((&machine.lost[..], cached(&machine, 0)), (&[file_page(0)][..], None));
    assert_eq!((machine.access(id, shown, None), machine.pager.frames().unwritable()), (Ok(3000), 0));
    machine.check();
}

#[test]
fn a_write_that_succeeds_makes_good_what_failed_before() {
    let (mut machine, id, _) = machine("fifo", Options::TEXTBOOK, 40, 10, 1);
    let shown = map(&mut machine, id, FILE, 1);
    for word in 1..5 {
        machine.access(id, shown, Some(word)).unwrap();
        fail_to_evict(&mut machine, 0);
        assert!(machine.pager.has_unwritable(Some(FILE)) && !machine.pager.has_unwritable(Some(FileRef::new(9))));
        match word % 2 {
            0 => machine.write_back(FILE),
            _ => {
                let ticket = evict(&mut machine, 0);
                machine.write_out(ticket);
            }
        }
        assert!(!machine.pager.has_unwritable(None) && machine.lost.is_empty());
        assert_eq!((machine.file_word(file_page(0)), machine.access(id, shown, None)), (word, Ok(word)));
    }
}

#[test]
fn what_changes_during_its_second_failure_is_in_use_and_stays() {
    let (mut machine, id, _) = machine("fifo", Options::TEXTBOOK, 40, 10, 1);
    let shown = map(&mut machine, id, FILE, 1);
    machine.access(id, shown, Some(1)).unwrap();
    fail_to_evict(&mut machine, 0);
    let ticket = evict(&mut machine, 0);
    machine.access(id, shown, Some(2)).unwrap();
    machine.failing_file_writes = 1;
    machine.write_out(ticket);
    assert_eq!((machine.lost.len(), machine.access(id, shown, None)), (0, Ok(2)));
    machine.check();
    machine.write_back(FILE);
    assert_eq!(machine.file_word(file_page(0)), 2);
}

#[test]
fn it_does_not_leave_with_a_neighbour_but_is_written_back_with_one() {
    // With the cleaner on, neighbours leave together.
    let options = Options { cleaner: true, ..Options::TEXTBOOK };
    let (mut machine, id, _) = machine("fifo", options, 40, 10, 1);
    let shown = map(&mut machine, id, FILE, 5);
    for index in 0..5 {
        machine.access(id, page(shown, index), Some(index + 1)).unwrap();
    }
    assert_eq!(fail_to_evict(&mut machine, 2), 5, "all that were changed");
    assert_eq!(machine.pager.frames().unwritable(), 5);
    for index in [0, 1, 3, 4] {
        let ticket = evict(&mut machine, index);
        assert_eq!(ticket.frames().len(), 1);
        machine.write_out(ticket);
    }
    for index in [0, 1, 3, 4] {
        machine.access(id, page(shown, index), Some(index + 10)).unwrap();
    }
    let ticket = evict(&mut machine, 3);
    assert_eq!(ticket.frames().len(), 2, "3 and 4, but not 2");
    machine.write_out(ticket);
    assert_eq!(cached(&machine, 2).unwrap().transfer, FileTransfer::Failed);
    machine.write_back(FILE);
    let words: Vec<_> = (0..5).map(|number| machine.file_word(file_page(number))).collect();
    assert_eq!(words, [10, 11, 3, 13, 14]);
    machine.check();
}

/// Three changed pages, of which the disk could not write the one in the middle.
fn one_unwritable_of_three() -> (Machine, SpaceId, Page) {
    let (mut machine, id, _) = machine("fifo", Options::TEXTBOOK, 40, 10, 1);
    let shown = map(&mut machine, id, FILE, 3);
    // A neighbour comes into memory first, so that it is what Sync comes across first.
    for (index, word) in [(0, None), (1, Some(11)), (2, None)] {
        machine.access(id, page(shown, index), word).unwrap();
    }
    fail_to_evict(&mut machine, 1);
    for index in [0, 2] {
        machine.access(id, page(shown, index), Some(index + 10)).unwrap();
    }
    (machine, id, shown)
}

#[test]
fn it_is_written_back_in_one_run_with_its_neighbours() {
    let (mut machine, ..) = one_unwritable_of_three();
    let runs = machine.pager.totals().write_runs;
    machine.write_back(FILE);
    assert_eq!(machine.pager.totals().write_runs - runs, 1);
    assert_eq!([0, 1, 2].map(|number| machine.file_word(file_page(number))), [10, 11, 12]);
}

/// They have not been tried once.
#[test]
fn the_last_try_takes_no_neighbours_along() {
    let (mut machine, id, shown) = one_unwritable_of_three();
    assert_eq!(fail_to_evict(&mut machine, 1), 1);
    assert_eq!(machine.lost, [file_page(1)]);
    assert_eq!([0, 2].map(|index| machine.access(id, page(shown, index), None)), [Ok(10), Ok(12)]);
    machine.check();
}

#[test]
fn one_that_changes_while_it_is_written_leaves_the_turn_to_others() {
    let (mut machine, id, heap) = machine("fifo", Options::ALL, 40, 60, 30);
    let shown = map(&mut machine, id, FILE, 1);
    machine.access(id, shown, Some(0)).unwrap();
    // The last few are spared.
    for index in 0..20 {
        machine.access(id, page(heap, index), Some(index)).unwrap();
    }
    let Cleaned::Write(ticket) = machine.clean_once() else { panic!("all pages were changed") };
    assert_eq!(ticket.target(), Target::File(file_page(0)), "the oldest");
    machine.access(id, shown, Some(1)).unwrap();
    machine.write_out(ticket);
    assert!(cached(&machine, 0).is_some_and(|cached| cached.transfer == FileTransfer::None), "it stays");
    let Cleaned::Write(ticket) = machine.clean_once() else { panic!("all pages were changed") };
    assert!(matches!(ticket.target(), Target::Slots(_)), "{:?}", ticket.target());
    machine.write_out(ticket);
    machine.check();
}
