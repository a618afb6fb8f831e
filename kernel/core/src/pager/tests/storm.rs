//! Random programs on a machine that is too small, against a map that remembers every word.

use std::collections::BTreeMap;
use std::iter;

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

use super::machine::Machine;
use crate::addr::{PAGE_SIZE, Page};
use crate::fault::FaultError;
use crate::frame_table::SpaceId;
use crate::pager::{GrantError, Options};
use crate::replacement::NAMES;
use crate::vm_pool::{Backing, FilePage, FileRef, Rights};

/// What a region is, with its number of pages.
#[derive(Clone, Copy)]
enum Kind {
    Heap(u32),
    /// Pages of the file from this one on, by all who map it.
    Mapping {
        count: u32,
        first: u32,
    },
}

impl Kind {
    const fn count(self) -> u32 {
        match self {
            Self::Heap(count) | Self::Mapping { count, .. } => count,
        }
    }
}

const FILE: FileRef = FileRef::new(7);
const FILE_PAGES: u32 = 40;

/// What the test knows: which regions each space has, each page's word, and each word of the file.
#[derive(Default)]
struct Model {
    spaces: BTreeMap<SpaceId, BTreeMap<Page, Kind>>,
    words: BTreeMap<(SpaceId, Page), u32>,
    file: BTreeMap<u32, u32>,
}

impl Model {
    fn pick_space(&self, choice: u32) -> Option<SpaceId> {
        let count = self.spaces.len();
        self.spaces.keys().nth(choice as usize % count.max(1)).copied()
    }

    fn pick_region(&self, space: SpaceId, choice: u32) -> Option<(Page, Kind)> {
        let regions = &self.spaces[&space];
        regions.iter().nth(choice as usize % regions.len().max(1)).map(|(&first, &kind)| (first, kind))
    }

    fn forget_region(&mut self, space: SpaceId, first: Page) {
        let kind = self.spaces.get_mut(&space).unwrap().remove(&first).unwrap();
        for index in 0..kind.count() {
            self.words.remove(&(space, first.checked_add(index).unwrap()));
        }
    }

    fn file_word(&self, number: u32) -> u32 {
        self.file.get(&number).copied().unwrap_or(FILE.raw() * 1000 + number)
    }

    /// Of pages whose changes were lost, there is what the disk has.
    fn note_losses(&mut self, machine: &mut Machine) {
        for page in core::mem::take(&mut machine.lost) {
            self.file.insert(page.number, machine.file_word(page));
        }
    }

    /// The word at position `index` of a region.
    fn word(&self, space: SpaceId, first: Page, kind: Kind, index: u32) -> u32 {
        match kind {
            Kind::Heap(_) => self.words.get(&(space, first.checked_add(index).unwrap())).copied().unwrap_or(0),
            Kind::Mapping { first, .. } => self.file_word(first + index),
        }
    }

    fn set_word(&mut self, space: SpaceId, first: Page, kind: Kind, index: u32, word: u32) {
        match kind {
            Kind::Heap(_) => drop(self.words.insert((space, first.checked_add(index).unwrap()), word)),
            Kind::Mapping { first, .. } => drop(self.file.insert(first + index, word)),
        }
    }
}

fn step(
    machine: &mut Machine,
    model: &mut Model,
    action: u8,
    a: u32,
    b: u32,
) -> Result<(), proptest::test_runner::TestCaseError> {
    let Some(id) = model.pick_space(a) else {
        if let Ok(id) = machine.pager.create_space(u32::MAX) {
            machine.pager.destroy_space(&mut machine.hardware, id);
            model.spaces.insert(machine.spawn(), BTreeMap::new());
        }
        return Ok(());
    };
    machine.switch_to(id);
    match action % 24 {
        0 if model.spaces.len() < 4 => {
            if let Ok(probe) = machine.pager.create_space(u32::MAX) {
                machine.pager.destroy_space(&mut machine.hardware, probe);
                model.spaces.insert(machine.spawn(), BTreeMap::new());
            }
        }
        1 if model.spaces.len() > 1 => {
            machine.pager.destroy_space(&mut machine.hardware, id);
            machine.hardware.active = None;
            for first in model.spaces[&id].keys().copied().collect::<Vec<_>>() {
                model.forget_region(id, first);
            }
            model.spaces.remove(&id);
        }
        2 | 3 => {
            let count = b % 9 + 1;
            match machine.pager.allocate(id, count) {
                Ok(first) => drop(model.spaces.get_mut(&id).unwrap().insert(first, Kind::Heap(count))),
                Err(error) => prop_assert_eq!(error, GrantError::Refused),
            }
        }
        6 => {
            let (first, count) = (b % FILE_PAGES, (b >> 8) % 12 + 1);
            let count = count.min(FILE_PAGES - first);
            let backing = Backing::File { file: FILE, first_page: first, len_bytes: count * PAGE_SIZE, shared: true };
            match machine.pager.map_file(id, None, count, Rights::READ | Rights::WRITE, backing) {
                Ok(page) => drop(model.spaces.get_mut(&id).unwrap().insert(page, Kind::Mapping { count, first })),
                Err(error) => prop_assert_eq!(error, GrantError::Refused),
            }
        }
        7 => {
            let found = machine.file_access(id, FILE, b % FILE_PAGES, None);
            model.note_losses(machine);
            prop_assert_eq!(found, model.file_word(b % FILE_PAGES));
        }
        8 => {
            machine.file_access(id, FILE, b % FILE_PAGES, Some(b | 1));
            model.note_losses(machine);
            model.file.insert(b % FILE_PAGES, b | 1);
        }
        9 if b.is_multiple_of(8) => {
            machine.write_back(FILE);
            model.note_losses(machine);
            let is_on_disk = |number| machine.file_word(FilePage { file: FILE, number }) == model.file_word(number);
            prop_assert!(machine.pager.has_unwritable(Some(FILE)) || (0..FILE_PAGES).all(is_on_disk));
        }
        4 => {
            if let Some((first, kind)) = model.pick_region(id, b) {
                match kind {
                    Kind::Heap(_) => machine.pager.free(&mut machine.hardware, id, first).unwrap(),
                    Kind::Mapping { .. } => machine.pager.unmap_file(&mut machine.hardware, id, first).unwrap(),
                }
                model.forget_region(id, first);
                prop_assert_eq!(machine.access(id, first, None), Err(FaultError::NoRegion));
            }
        }
        5 => {
            if machine.has_writes() {
                machine.end_oldest_write();
            }
        }
        10 => machine.failing_reads = b % 3,
        11 => machine.failing_slots = b % 3,
        14 => machine.failing_file_writes = if b % 4 == 3 { u32::MAX } else { b % 4 },
        12 | 13 => {
            if let Some((first, region)) = model.pick_region(id, b) {
                for index in 0..region.count() {
                    let page = first.checked_add(index).unwrap();
                    at_last(|| machine.access(id, page, Some(b ^ index | 1))).unwrap();
                    model.note_losses(machine);
                    model.set_word(id, first, region, index, b ^ index | 1);
                }
            }
        }
        kind => {
            if let Some((first, region)) = model.pick_region(id, b) {
                let index = (b >> 8) % region.count();
                let page = first.checked_add(index).unwrap();
                let found = at_last(|| machine.access(id, page, None));
                model.note_losses(machine);
                prop_assert_eq!(found, Ok(model.word(id, first, region, index)));
                if kind % 2 == 0 {
                    at_last(|| machine.access(id, page, Some(b | 1))).unwrap();
                    model.note_losses(machine);
                    model.set_word(id, first, region, index, b | 1);
                }
            }
        }
    }
    Ok(())
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
        slots in 0u32..40,
        policy in proptest::sample::select(NAMES),
        (cleaner, read_ahead) in any::<(bool, bool)>(),
        seed in any::<u64>(),
        queue_len in 0usize..5,
        steps in proptest::collection::vec(any::<(u8, u32, u32)>(), 1..300),
    ) {
        let mut machine = Machine::with_policy(policy, Options { cleaner, read_ahead }, frames, slots, seed);
        machine.queue_len = queue_len;
        let mut model = Model::default();
        for (action, a, b) in steps {
            step(&mut machine, &mut model, action, a, b)?;
            model.note_losses(&mut machine);
            machine.check();
        }
        for id in model.spaces.keys() {
            machine.pager.destroy_space(&mut machine.hardware, *id);
        }
        machine.end_all_writes();
        model.note_losses(&mut machine);
        machine.failing_file_writes = 0;
        machine.write_back(FILE);
        for number in 0..FILE_PAGES {
            prop_assert_eq!(machine.file_word(FilePage { file: FILE, number }), model.file_word(number));
        }
        prop_assert!(machine.lost.is_empty() && !machine.pager.has_unwritable(None));
        machine.pager.forget_file(FILE);
        while machine.has_writes() {
            machine.end_oldest_write();
        }
        machine.check();
        prop_assert_eq!(machine.pager.pool().free_count(), frames);
        prop_assert!(machine.pager.slots().used_count() == 0 && machine.pager.ledger().promised() == 0);
    }
}
