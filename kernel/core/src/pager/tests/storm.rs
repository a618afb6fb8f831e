//! Random programs on a machine that is too small, against a map that remembers every word.

use std::collections::BTreeMap;
use std::iter;

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;

use super::machine::Machine;
use super::model::{FILE, FILE_PAGES, Kind, Model, OWN_POOL, OWN_POOL_PAGES, PROGRAM, TABLE_PAGES};
use crate::addr::{PAGE_SIZE, Page};
use crate::fault::FaultError;
use crate::frame_table::SpaceId;
use crate::pager::{GrantError, Options};
use crate::replacement::NAMES;
use crate::vm_pool::VmPoolError;

/// Edges of page tables in the pools. Of those in the heap, the tables before, between and after them are used.
const CODE_EDGE: u32 = abi::layout::CODE_START / PAGE_SIZE + TABLE_PAGES;
const HEAP_EDGES: [u32; 2] = {
    let edge = abi::layout::HEAP_START / PAGE_SIZE + TABLE_PAGES;
    [edge, edge + TABLE_PAGES]
};
const FILE_EDGE: u32 = abi::layout::FILE_START / PAGE_SIZE + TABLE_PAGES;
const STACK_EDGE: u32 = abi::layout::STACK_END / PAGE_SIZE / TABLE_PAGES * TABLE_PAGES;

fn step(machine: &mut Machine, model: &mut Model, action: u8, a: u32, b: u32) -> Result<(), TestCaseError> {
    let Some(id) = model.pick_space(a) else {
        spawn(machine, model);
        return Ok(());
    };
    // A process that waits for a page does nothing else.
    machine.end_reads_of(id);
    machine.switch_to(id);
    match action % 36 {
        0 if model.spaces.len() < 4 => spawn(machine, model),
        1 if model.spaces.len() > 1 => {
            machine.destroy_space(id);
            machine.hardware.active = None;
            model.forget_space(id);
        }
        2 | 3 => {
            let count = b % 9 + 1;
            match machine.pager.allocate(id, count) {
                Ok(first) => model.note_region(id, (first, Kind::Heap(count)), Ok(()))?,
                Err(error) => prop_assert_eq!(error, GrantError::Refused),
            }
        }
        4 => {
            if let Some((first, kind)) = model.pick_region(id, b) {
                give_back(machine, model, id, first, kind)?;
            }
        }
        5 if machine.has_writes() => machine.end_oldest_write(),
        6 => {
            let (first, count) = (b % FILE_PAGES, (b >> 8) % 12 + 1);
            let kind = Kind::Mapping { count: count.min(FILE_PAGES - first), first };
            match machine.pager.map_file(id, None, kind.count(), kind.rights(), kind.backing()) {
                Ok(page) => model.note_region(id, (page, kind), Ok(()))?,
                Err(error) => prop_assert_eq!(error, GrantError::Refused),
            }
        }
        kind @ 7..=9 => call(machine, model, id, kind, b)?,
        10 => machine.failing_reads = b % 3,
        11 => machine.failing_slots = b % 3,
        12 | 13 => {
            if let Some((first, kind)) = model.pick_region(id, b).filter(|(_, kind)| kind.may_be_written()) {
                // Of a large region its first and last pages.
                let count = kind.count();
                for index in (0..count.min(12)).chain(count.saturating_sub(12).max(12)..count) {
                    write(machine, model, id, (first, kind, index), b ^ index | 1);
                }
            }
        }
        14 => machine.failing_file_writes = if b % 4 == 3 { u32::MAX } else { b % 4 },
        kind @ 15..=17 => make_beside_edge(machine, model, id, kind, b)?,
        18 => grow_stack(machine, model, id, b)?,
        20 if model.pools.contains(&id) => {
            prop_assert_eq!(machine.unregister_pool(id, OWN_POOL), Ok(()));
            model.forget_pool(id);
        }
        20 => {
            prop_assert_eq!(machine.pager.register_pool(id, OWN_POOL, OWN_POOL_PAGES), Ok(()));
            model.pools.insert(id);
        }
        21 | 23 => {
            let kind = Kind::Heap(b % 7 + 1);
            match machine.pager.allocate_in_pool(id, OWN_POOL, kind.count()) {
                Ok(first) => model.note_region(id, (first, kind), Ok(()))?,
                Err(GrantError::Pool(VmPoolError::NoPool)) => prop_assert!(!model.pools.contains(&id)),
                Err(error) => {
                    prop_assert!(matches!(error, GrantError::Refused | GrantError::Pool(VmPoolError::NoHole)))
                }
            }
        }
        19 => {
            if let Some((first, region)) = model.pick_region(id, b) {
                machine.fault_and_wait(id, first.checked_add((b >> 8) % region.count()).unwrap());
            }
        }
        kind => {
            if let Some((first, region)) = model.pick_region(id, b) {
                access(
                    machine,
                    model,
                    id,
                    (first, region, (b >> 8) % region.count()),
                    (kind % 2 == 0).then_some(b | 1),
                )?;
            }
        }
    }
    Ok(())
}

/// A new space, if its directory can be promised.
fn spawn(machine: &mut Machine, model: &mut Model) {
    if let Ok(probe) = machine.pager.create_space(u32::MAX) {
        machine.destroy_space(probe);
        model.spaces.insert(machine.spawn(), BTreeMap::new());
    }
}

fn give_back(
    machine: &mut Machine,
    model: &mut Model,
    id: SpaceId,
    first: Page,
    kind: Kind,
) -> Result<(), TestCaseError> {
    let given_back = match kind {
        Kind::Mapping { .. } => machine.unmap_file(id, first),
        _ => machine.free(id, first),
    };
    if let Kind::Stack(_) | Kind::Segment { .. } = kind {
        prop_assert_eq!(given_back, Err(VmPoolError::NoRegion));
        return Ok(());
    }
    prop_assert_eq!(given_back, Ok(()));
    model.forget_region(id, first);
    prop_assert_eq!(machine.access(id, first, None), Err(FaultError::NoRegion));
    Ok(())
}

/// A call reads a page of the file, writes one, or writes all back.
fn call(machine: &mut Machine, model: &mut Model, id: SpaceId, kind: u8, b: u32) -> Result<(), TestCaseError> {
    let number = b % FILE_PAGES;
    match kind {
        7 => {
            let found = machine.file_access(id, FILE, number, None);
            model.note_losses(machine);
            prop_assert_eq!(found, model.file_word(number));
        }
        8 => {
            machine.file_access(id, FILE, number, Some(b | 1));
            model.note_losses(machine);
            model.file.insert(number, b | 1);
        }
        _ if b.is_multiple_of(8) => {
            machine.write_back(FILE);
            model.note_losses(machine);
            prop_assert!(machine.pager.has_unwritable(Some(FILE)) || model.is_on_disk(machine));
        }
        _ => {}
    }
    Ok(())
}

/// A region before, at or across the edge of a page table.
fn make_beside_edge(
    machine: &mut Machine,
    model: &mut Model,
    id: SpaceId,
    kind: u8,
    b: u32,
) -> Result<(), TestCaseError> {
    let (before, count) = ((b >> 2) % 12, (b >> 8) % 12 + 1);
    let first = (b >> 16) % (FILE_PAGES - count);
    let (edge, kind) = match kind {
        // Now and then all of the table between the edges, and some pages on either side.
        15 if b.is_multiple_of(16) => (HEAP_EDGES[0], Kind::Heap(TABLE_PAGES + before + count)),
        15 => (HEAP_EDGES[b as usize % 2], Kind::Heap(count)),
        16 => (FILE_EDGE, Kind::Mapping { count, first }),
        _ => (CODE_EDGE, Kind::Segment { count, first, is_text: b.is_multiple_of(2) }),
    };
    let at = Page::new(edge - before);
    let granted = machine.pager.allocate_at(id, at, kind.count(), kind.rights(), kind.backing());
    model.note_region(id, (at, kind), granted)
}

/// A stack after the edge of a page table, which then grows across it by touch.
fn grow_stack(machine: &mut Machine, model: &mut Model, id: SpaceId, b: u32) -> Result<(), TestCaseError> {
    let pages = (b >> 8) % 12 + 1;
    let Some((first, _)) = model.stack_of(id) else {
        let (at, stack) = (Page::new(STACK_EDGE + b % 12), Kind::Stack(2));
        let granted = machine.pager.allocate_at(id, at, 2, stack.rights(), stack.backing());
        return model.note_region(id, (at, stack), granted);
    };
    if first.number() < STACK_EDGE {
        return Ok(());
    }
    match machine.access(id, Page::new(first.number() - pages), None) {
        Ok(word) => {
            prop_assert_eq!(word, 0);
            model.grow_stack(id, pages);
        }
        Err(error) => prop_assert_eq!(error, FaultError::StackRefused),
    }
    Ok(())
}

/// Reads a page of a region, and writes `word` to it.
fn access(
    machine: &mut Machine,
    model: &mut Model,
    id: SpaceId,
    (first, kind, index): (Page, Kind, u32),
    word: Option<u32>,
) -> Result<(), TestCaseError> {
    let page = first.checked_add(index).unwrap();
    let found = at_last(|| machine.access(id, page, None));
    model.note_losses(machine);
    prop_assert_eq!(found, Ok(model.word(id, first, kind, index)));
    match word {
        Some(word) if kind.may_be_written() => write(machine, model, id, (first, kind, index), word),
        Some(word) => prop_assert_eq!(machine.access(id, page, Some(word)), Err(FaultError::Forbidden)),
        None => {}
    }
    Ok(())
}

fn write(machine: &mut Machine, model: &mut Model, id: SpaceId, (first, kind, index): (Page, Kind, u32), word: u32) {
    let page = first.checked_add(index).unwrap();
    at_last(|| machine.access(id, page, Some(word))).unwrap();
    model.note_losses(machine);
    model.set_word(id, first, kind, index, word);
}

/// What comes of an access once the disk can read what it needs.
fn at_last(access: impl FnMut() -> Result<u32, FaultError>) -> Result<u32, FaultError> {
    let mut tries = iter::repeat_with(access).take(5);
    tries.find(|tried| *tried != Err(FaultError::ReadFailed)).unwrap_or(Err(FaultError::ReadFailed))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn every_word_comes_back_and_the_books_agree(
        frames in 14u32..40,
        slots in prop_oneof![4 => 0u32..40, 1 => 1100u32..1200],
        policy in proptest::sample::select(NAMES),
        (cleaner, read_ahead, files_lend) in any::<(bool, bool, bool)>(),
        seed in any::<u64>(),
        queue_len in 0usize..5,
        steps in proptest::collection::vec(any::<(u8, u32, u32)>(), 1..300),
    ) {
        let mut machine = Machine::with_policy(policy, Options { cleaner, read_ahead, files_lend }, frames, slots, seed);
        machine.queue_len = queue_len;
        let mut model = Model::default();
        for (action, a, b) in steps {
            step(&mut machine, &mut model, action, a, b)?;
            model.note_losses(&mut machine);
            machine.check();
            for (id, promised) in model.promises() {
                prop_assert_eq!(machine.pager.promised(id), promised);
            }
        }
        for id in model.spaces.keys() {
            machine.end_reads_of(*id);
            machine.destroy_space(*id);
        }
        machine.end_all_writes();
        model.note_losses(&mut machine);
        machine.failing_file_writes = 0;
        machine.write_back(FILE);
        prop_assert!(model.is_on_disk(&machine));
        prop_assert!(machine.lost.is_empty() && !machine.pager.has_unwritable(None));
        [FILE, PROGRAM].into_iter().for_each(|file| machine.pager.forget_file(file, 0..u32::MAX));
        machine.end_all_writes();
        machine.check();
        prop_assert_eq!(machine.pager.pool().free_count(), frames);
        prop_assert!(machine.pager.slots().used_count() == 0 && machine.pager.ledger().promised() == 0);
    }
}
