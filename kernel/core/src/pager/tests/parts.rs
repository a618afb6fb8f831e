//! Parts of regions are freed, in the heap and in registered pools, on a machine with few frames.

use std::collections::{BTreeMap, BTreeSet};

use abi::layout::HEAP_START;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;

use super::machine::Machine;
use super::rules::{machine, page};
use crate::addr::{PAGE_SIZE, Page};
use crate::fault::FaultError;
use crate::frame_table::{FrameUse, SpaceId};
use crate::pager::{GrantError, Options};
use crate::replacement::NAMES;
use crate::vm_pool::{Backing, Rights, VmPoolError};

/// A page of the heap at which a page table begins.
const EDGE: u32 = HEAP_START / PAGE_SIZE + 1024;
/// How many pages before and after the edge the test uses.
const REACH: u32 = 24;

fn is_absent(machine: &mut Machine, id: SpaceId, page: Page) -> bool {
    machine.access(id, page, None) == Err(FaultError::NoRegion)
        && machine.pager.mapping(&mut machine.hardware, id, page).is_none()
}

#[test]
fn a_freed_part_gives_back_its_frames_slots_and_promise_and_no_others() {
    let (mut machine, id, base) = machine(14, 40, 20);
    for index in 0..20 {
        machine.access(id, page(base, index), Some(index + 1)).unwrap();
    }
    let (free, used, promised) = (machine.pager.pool().free_count(), machine.pager.slots().used_count(), 20 + 2);
    assert_eq!(machine.pager.promised(id), promised);
    machine.free_run(id, page(base, 5), 7).unwrap();
    machine.check();
    assert_eq!(machine.pager.promised(id), promised - 7);
    let frames_back = machine.pager.pool().free_count() - free;
    let slots_back = used - machine.pager.slots().used_count();
    assert!(frames_back + slots_back >= 7, "{frames_back} frames, {slots_back} slots");
    for index in 0..20 {
        if (5..12).contains(&index) {
            assert!(is_absent(&mut machine, id, page(base, index)), "page {index}");
        } else {
            assert_eq!(machine.access(id, page(base, index), None), Ok(index + 1));
        }
    }
    // The hole is found again, and is empty.
    assert_eq!(machine.pager.allocate(id, 7), Ok(page(base, 5)));
    for index in 5..12 {
        assert_eq!(machine.access(id, page(base, index), None), Ok(0));
    }
}

#[test]
fn a_page_table_that_no_part_needs_any_more_is_freed() {
    let (mut machine, id, _) = machine(20, 40, 1);
    let first = Page::new(EDGE - 2);
    machine.pager.allocate_at(id, first, 4, Rights::READ | Rights::WRITE, Backing::Zero).unwrap();
    for index in 0..4 {
        machine.access(id, page(first, index), Some(index)).unwrap();
    }
    let (promised, free) = (machine.pager.promised(id), machine.pager.pool().free_count());
    machine.free_run(id, Page::new(EDGE), 1).unwrap();
    assert_eq!((machine.pager.promised(id), machine.pager.pool().free_count()), (promised - 1, free + 1));
    // The last page of the second table, and the table.
    machine.free_run(id, Page::new(EDGE + 1), 1).unwrap();
    assert_eq!((machine.pager.promised(id), machine.pager.pool().free_count()), (promised - 3, free + 3));
    machine.check();
}

#[test]
fn a_part_that_is_being_written_is_free_once_the_disk_is_done() {
    let (mut machine, id, base) = machine(12, 40, 20);
    machine.queue_len = 3;
    for index in 0..20 {
        machine.access(id, page(base, index), Some(index + 1)).unwrap();
    }
    assert!(machine.has_writes(), "some page is on its way out");
    machine.free_run(id, page(base, 2), 16).unwrap();
    machine.check();
    machine.end_all_writes();
    machine.check();
    for (index, expected) in [(0, 1), (1, 2), (18, 19), (19, 20)] {
        assert_eq!(machine.access(id, page(base, index), None), Ok(expected));
    }
    machine.end_all_writes();
    assert!(machine.pager.slots().used_count() <= 4, "{} slots", machine.pager.slots().used_count());
}

#[test]
fn run_that_leaves_its_region_is_not_freed() {
    let (mut machine, id, base) = machine(20, 40, 4);
    let other = machine.pager.allocate(id, 4).unwrap();
    assert_eq!(other, page(base, 4), "the regions touch");
    for index in 0..8 {
        machine.access(id, page(base, index), Some(index)).unwrap();
    }
    let promised = machine.pager.promised(id);
    for (first, page_count, error) in [
        (page(base, 3), 2, VmPoolError::NoRegion),
        (page(base, 7), 2, VmPoolError::NoRegion),
        (page(base, 8), 1, VmPoolError::NoRegion),
        (page(base, 0), u32::MAX, VmPoolError::NoRegion),
        (page(base, 0), 0, VmPoolError::Empty),
    ] {
        assert_eq!(machine.free_run(id, first, page_count), Err(error));
    }
    assert_eq!(machine.pager.promised(id), promised);
    for index in 0..8 {
        assert_eq!(machine.access(id, page(base, index), None), Ok(index));
    }
}

/// What the test knows of one space: its registered pools and regions by first page, and each word
/// that was written.
#[derive(Default)]
struct Model {
    pools: BTreeMap<u32, u32>,
    regions: BTreeMap<u32, u32>,
    words: BTreeMap<u32, u32>,
}

impl Model {
    fn holds(&self, number: u32) -> bool {
        self.regions.range(..=number).next_back().is_some_and(|(first, count)| number < first + count)
    }

    /// Pages, their tables and the directory.
    fn promised(&self) -> u32 {
        let tables = self.regions.iter().flat_map(|(first, count)| first / 1024..=(first + count - 1) / 1024);
        let tables = u32::try_from(tables.collect::<BTreeSet<_>>().len()).unwrap();
        self.regions.values().sum::<u32>() + tables + 1
    }

    /// Takes these pages out of a region.
    fn forget(&mut self, first: u32, count: u32) {
        let (&start, &len) = self.regions.range(..=first).next_back().unwrap();
        self.regions.remove(&start);
        for (first, count) in [(start, first - start), (first + count, start + len - first - count)] {
            if count > 0 {
                self.regions.insert(first, count);
            }
        }
        self.words.retain(|number, _| !(first..first + count).contains(number));
    }
}

fn grant(model: &mut Model, granted: Result<Page, GrantError>, count: u32) -> Result<(), TestCaseError> {
    match granted {
        Ok(first) => {
            prop_assert!((0..count).all(|index| !model.holds(first.number() + index)));
            model.regions.insert(first.number(), count);
        }
        Err(error) => prop_assert!(matches!(error, GrantError::Refused | GrantError::Pool(_)), "{:?}", error),
    }
    Ok(())
}

fn step(
    machine: &mut Machine,
    (id, model): (SpaceId, &mut Model),
    (action, a, b): (u8, u32, u32),
) -> Result<(), TestCaseError> {
    let number = EDGE - REACH + a % (2 * REACH);
    let (place, count) = (Page::new(number), b % 9 + 1);
    let pool = model.pools.keys().nth(b as usize % model.pools.len().max(1)).copied();
    match action % 16 {
        0 => {
            let granted = machine.pager.allocate_at(id, place, count, Rights::READ | Rights::WRITE, Backing::Zero);
            grant(model, granted.map(|()| place), count)?;
        }
        1 => grant(model, machine.pager.allocate(id, count), count)?,
        2 => {
            if machine.pager.register_pool(id, place, count + 4).is_ok() {
                model.pools.insert(number, count + 4);
            }
        }
        3 | 4 => {
            let granted = machine.pager.allocate_in_pool(id, Page::new(pool.unwrap_or(0)), count);
            prop_assert!(granted.is_err() || pool.is_some());
            grant(model, granted, count)?;
        }
        5 => {
            let freed = machine.unregister_pool(id, Page::new(pool.unwrap_or(0)));
            prop_assert_eq!(freed.is_ok(), pool.is_some());
            if let Some((base, len)) = pool.and_then(|base| model.pools.remove_entry(&base)) {
                model.regions.retain(|first, _| !(base..base + len).contains(first));
                model.words.retain(|number, _| !(base..base + len).contains(number));
                prop_assert!((base..base + len).all(|number| is_absent(machine, id, Page::new(number))));
            }
        }
        6..9 => {
            let is_part = (number..number + count).all(|number| model.holds(number))
                && model.regions.range(number + 1..number + count).next().is_none();
            let freed = machine.free_run(id, place, count);
            prop_assert_eq!(freed.is_ok(), is_part);
            if is_part {
                model.forget(number, count);
                prop_assert!((0..count).all(|index| is_absent(machine, id, page(place, index))));
            }
        }
        9 => {
            let freed = machine.free(id, place);
            prop_assert_eq!(freed.is_ok(), model.regions.contains_key(&number));
            if let Some(&count) = model.regions.get(&number) {
                model.forget(number, count);
                prop_assert!((0..count).all(|index| is_absent(machine, id, page(place, index))));
            }
        }
        10 if machine.has_writes() => machine.end_oldest_write(),
        _ if model.holds(number) => {
            let expected = model.words.get(&number).copied().unwrap_or(0);
            prop_assert_eq!(machine.access(id, place, None), Ok(expected));
            if action % 2 == 0 {
                machine.access(id, place, Some(b | 1)).unwrap();
                model.words.insert(number, b | 1);
            }
        }
        _ => prop_assert!(is_absent(machine, id, place)),
    }
    Ok(())
}

/// Frames that hold page tables and the directory of a space.
fn table_frames(machine: &Machine, id: SpaceId) -> usize {
    machine.pager.frames().iter().filter(|&(_, frame_use)| frame_use == FrameUse::Table(id)).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn parts_are_freed_and_all_other_words_come_back(
        (frames, slots) in (16u32..40, 0u32..60),
        policy in proptest::sample::select(NAMES),
        (cleaner, read_ahead, files_lend) in any::<(bool, bool, bool)>(),
        seed in any::<u64>(),
        queue_len in 0usize..5,
        steps in proptest::collection::vec(any::<(bool, (u8, u32, u32))>(), 1..250),
    ) {
        let mut machine = Machine::with_policy(policy, Options { cleaner, read_ahead, files_lend }, frames, slots, seed);
        machine.queue_len = queue_len;
        let ids = [machine.spawn(), machine.spawn()];
        let mut models = [Model::default(), Model::default()];
        for (second, action) in steps {
            let (id, model) = (ids[usize::from(second)], &mut models[usize::from(second)]);
            machine.switch_to(id);
            step(&mut machine, (id, model), action)?;
            machine.check();
            prop_assert_eq!(machine.pager.promised(id), model.promised());
            let tables = model.promised() - model.regions.values().sum::<u32>();
            prop_assert!(table_frames(&machine, id) <= tables as usize);
        }
        for id in ids {
            machine.destroy_space(id);
        }
        machine.end_all_writes();
        machine.check();
        prop_assert_eq!(machine.pager.pool().free_count(), frames);
        prop_assert!(machine.pager.slots().used_count() == 0 && machine.pager.ledger().promised() == 0);
    }
}
