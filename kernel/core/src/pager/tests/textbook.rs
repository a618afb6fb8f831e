//! The textbook's order: a page leaves when no frame is free, alone, and a process's page first.

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

use super::borrowing::{machine, map};
use super::machine::Machine;
use super::rules::page;
use crate::pager::Options;
use crate::vm_pool::{FilePage, FileRef};

const FILE: FileRef = FileRef::new(3);

fn evictions(machine: &Machine) -> u32 {
    let totals = machine.pager.totals();
    totals.swap_outs + totals.file_writes + totals.clean_drops
}

#[test]
fn cached_page_stays_while_a_process_has_a_page_to_give() {
    const CACHED: u32 = 8;
    let (mut machine, id, base) = machine("random", Options::TEXTBOOK, 60, 200, 120);
    let shown = map(&mut machine, id, FILE, CACHED);
    let cached = |machine: &Machine| {
        let page_of = |number| FilePage { file: FILE, number };
        (0..CACHED).filter(|&number| machine.pager.file_index.get(page_of(number)).is_some()).count()
    };
    for index in 0..CACHED {
        machine.access(id, page(shown, index), None).unwrap();
    }
    for index in 0..120 {
        machine.access(id, page(base, index), Some(index)).unwrap();
    }
    assert!(evictions(&machine) > 60);
    assert_eq!(cached(&machine), 8, "every victim was a page of the process");
    machine.pager.set_textbook(false);
    for index in 0..120 {
        machine.access(id, page(base, index), Some(index)).unwrap();
    }
    assert!(cached(&machine) < 8, "files lend as processes do");
}

#[test]
fn files_lend_when_no_process_has_a_page_to_give() {
    let (mut machine, id, _) = machine("random", Options::TEXTBOOK, 30, 20, 1);
    let shown = map(&mut machine, id, FILE, 60);
    for round in 0..2 {
        for index in 0..60 {
            machine.access(id, page(shown, index), Some(round * 100 + index)).unwrap();
        }
    }
    machine.check();
    assert!(evictions(&machine) > 30);
}

#[test]
fn textbook_off_restores_the_options_of_the_start() {
    let lean = Options { cleaner: false, ..Options::ALL };
    for (start, after) in [(Options::ALL, Options::ALL), (lean, lean), (Options::TEXTBOOK, Options::ALL)] {
        let (mut machine, _, _) = machine("random", start, 40, 10, 1);
        assert_eq!(machine.pager.is_textbook(), start == Options::TEXTBOOK);
        machine.pager.set_textbook(true);
        assert!(machine.pager.is_textbook());
        machine.pager.set_textbook(false);
        assert_eq!(machine.pager.options, after);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No access evicts a page while a frame is free, and none fetches another page than its own.
    #[test]
    fn nothing_leaves_or_comes_before_it_is_needed(
        frames in 16u32..60,
        seed in any::<u64>(),
        steps in proptest::collection::vec(any::<(bool, bool, u32)>(), 1..300),
    ) {
        let mut machine = Machine::with_policy("random", Options::TEXTBOOK, frames, 2 * frames, seed);
        let id = machine.spawn();
        machine.switch_to(id);
        let base = machine.pager.allocate(id, 2 * frames).unwrap();
        let shown = map(&mut machine, id, FILE, frames);
        for (is_file, writes, index) in steps {
            let wanted = if is_file { page(shown, index % frames) } else { page(base, index % (2 * frames)) };
            let (free, evicted) = (machine.pager.pool().free_count(), evictions(&machine));
            let fetched = |machine: &Machine| machine.pager.totals().swap_ins + machine.pager.totals().file_reads;
            let fetched_before = fetched(&machine);
            machine.access(id, wanted, writes.then_some(index)).unwrap();
            machine.check();
            let now_free = machine.pager.pool().free_count();
            let left = evictions(&machine) - evicted;
            prop_assert!(left == 0 || now_free == 0, "{left} pages left, {free} frames were free, {now_free} are");
            prop_assert!(fetched(&machine) - fetched_before <= 1);
            prop_assert_eq!(machine.pager.totals().read_aheads, 0);
        }
        let totals = machine.pager.totals();
        prop_assert_eq!(totals.write_runs, totals.swap_outs + totals.file_writes);
    }
}
