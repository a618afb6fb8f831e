//! Random programs on a machine that is too small, against a map that remembers every word.

use std::collections::BTreeMap;

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

use super::machine::Machine;
use crate::addr::Page;
use crate::fault::FaultError;
use crate::frame_table::SpaceId;
use crate::pager::{GrantError, Options};
use crate::replacement::NAMES;

/// What the test knows: which regions each space has, and each page's word.
#[derive(Default)]
struct Model {
    spaces: BTreeMap<SpaceId, BTreeMap<Page, u32>>,
    words: BTreeMap<(SpaceId, Page), u32>,
}

impl Model {
    fn pick_space(&self, choice: u32) -> Option<SpaceId> {
        let count = self.spaces.len();
        self.spaces.keys().nth(choice as usize % count.max(1)).copied()
    }

    fn pick_region(&self, space: SpaceId, choice: u32) -> Option<(Page, u32)> {
        let regions = &self.spaces[&space];
        regions.iter().nth(choice as usize % regions.len().max(1)).map(|(&first, &count)| (first, count))
    }

    fn forget_region(&mut self, space: SpaceId, first: Page) {
        let count = self.spaces.get_mut(&space).unwrap().remove(&first).unwrap();
        for index in 0..count {
            self.words.remove(&(space, first.checked_add(index).unwrap()));
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
        if let Ok(id) = machine.pager.create_space() {
            machine.pager.destroy_space(&mut machine.hardware, id);
            model.spaces.insert(machine.spawn(), BTreeMap::new());
        }
        return Ok(());
    };
    machine.switch_to(id);
    match action % 16 {
        0 if model.spaces.len() < 4 => {
            if let Ok(probe) = machine.pager.create_space() {
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
                Ok(first) => drop(model.spaces.get_mut(&id).unwrap().insert(first, count)),
                Err(error) => prop_assert_eq!(error, GrantError::Refused),
            }
        }
        4 => {
            if let Some((first, _)) = model.pick_region(id, b) {
                machine.pager.free(&mut machine.hardware, id, first).unwrap();
                model.forget_region(id, first);
                prop_assert_eq!(machine.access(id, first, None), Err(FaultError::NoRegion));
            }
        }
        5 => {
            if !machine.queued_writes.is_empty() {
                machine.end_oldest_write();
            }
        }
        kind => {
            if let Some((first, count)) = model.pick_region(id, b) {
                let page = first.checked_add((b >> 8) % count).unwrap();
                let expected = model.words.get(&(id, page)).copied().unwrap_or(0);
                prop_assert_eq!(machine.access(id, page, None), Ok(expected));
                if kind % 2 == 0 {
                    machine.access(id, page, Some(b | 1)).unwrap();
                    model.words.insert((id, page), b | 1);
                }
            }
        }
    }
    Ok(())
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
            machine.check();
        }
        for id in model.spaces.keys() {
            machine.pager.destroy_space(&mut machine.hardware, *id);
        }
        while !machine.queued_writes.is_empty() {
            machine.end_oldest_write();
        }
        machine.check();
        prop_assert_eq!(machine.pager.pool().free_count(), frames);
        prop_assert!(machine.pager.slots().used_count() == 0 && machine.pager.ledger().promised() == 0);
    }
}
