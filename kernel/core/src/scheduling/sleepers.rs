//! Who sleeps, and until when. A tick looks at the earliest sleeper only.

use alloc::vec::Vec;

use crate::frame_table::OutOfMemory;
use crate::process_table::{MAX_PROCESSES, ProcessSlot};

/// A binary heap of sleepers by the tick that wakes them, with room for every process: falling asleep cannot fail.
pub struct Sleepers {
    heap: Vec<(u64, ProcessSlot)>,
    /// Each process's place in the heap; `None` if it is awake.
    places: Vec<Option<u16>>,
}

impl Sleepers {
    /// Nobody sleeps.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no memory for the heap.
    pub fn new() -> Result<Self, OutOfMemory> {
        let (mut heap, mut places) = (Vec::new(), Vec::new());
        heap.try_reserve_exact(MAX_PROCESSES as usize).map_err(|_| OutOfMemory)?;
        places.try_reserve_exact(MAX_PROCESSES as usize).map_err(|_| OutOfMemory)?;
        places.resize(MAX_PROCESSES as usize, None);
        Ok(Self { heap, places })
    }

    /// Lets a process sleep until the tick `wake_at`; if it sleeps already, until then instead.
    pub fn add(&mut self, slot: ProcessSlot, wake_at: u64) {
        self.remove(slot);
        self.heap.push((wake_at, slot));
        self.sift_up(self.heap.len() - 1);
    }

    /// The process does not sleep any longer.
    pub fn remove(&mut self, slot: ProcessSlot) {
        if let Some(place) = self.places[slot.index()] {
            self.take_out(place.into());
        }
    }

    /// Takes out a sleeper whose tick has come.
    #[inline]
    pub fn pop_due(&mut self, now: u64) -> Option<ProcessSlot> {
        let &(wake_at, slot) = self.heap.first()?;
        if wake_at > now {
            return None;
        }
        self.take_out(0);
        Some(slot)
    }

    fn take_out(&mut self, place: usize) {
        let (_, slot) = self.heap.swap_remove(place);
        self.places[slot.index()] = None;
        if place < self.heap.len() {
            // The last one was put here; it may belong further up or further down.
            self.sift_up(place);
            self.sift_down(place);
        }
    }

    fn sift_up(&mut self, mut place: usize) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent] <= self.heap[place] {
                break;
            }
            self.heap.swap(parent, place);
            self.note(place);
            place = parent;
        }
        self.note(place);
    }

    fn sift_down(&mut self, mut place: usize) {
        loop {
            let children = [2 * place + 1, 2 * place + 2];
            let earlier =
                children.into_iter().filter(|&child| child < self.heap.len()).min_by_key(|&child| self.heap[child]);
            match earlier {
                Some(child) if self.heap[child] < self.heap[place] => {
                    self.heap.swap(child, place);
                    self.note(place);
                    place = child;
                }
                _ => break,
            }
        }
        self.note(place);
    }

    /// Writes down who is at this place of the heap.
    fn note(&mut self, place: usize) {
        let (_, slot) = self.heap[place];
        self.places[slot.index()] = u16::try_from(place).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::Sleepers;
    use crate::process_table::ProcessSlot;

    proptest! {
        #[test]
        fn nobody_wakes_early_and_nobody_oversleeps(steps in proptest::collection::vec((0u8..4, 0u16..12, 0u64..30), 0..300)) {
            let mut sleepers = Sleepers::new().unwrap();
            let mut model = BTreeMap::new();
            let mut now = 0;
            for (action, number, delay) in steps {
                let slot = ProcessSlot::new(number);
                match action {
                    0 | 1 => {
                        sleepers.add(slot, now + delay);
                        model.insert(slot, now + delay);
                    }
                    2 => {
                        sleepers.remove(slot);
                        model.remove(&slot);
                    }
                    _ => {
                        now += delay;
                        while let Some(slot) = sleepers.pop_due(now) {
                            prop_assert!(model.remove(&slot).is_some_and(|wake_at| wake_at <= now));
                        }
                        prop_assert!(model.values().all(|&wake_at| wake_at > now));
                    }
                }
            }
            let left = core::iter::from_fn(|| sleepers.pop_due(u64::MAX)).count();
            prop_assert_eq!(left, model.len());
        }
    }
}
