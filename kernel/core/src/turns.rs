//! Turns at something that one process uses at a time, and keeps while it waits for something else.

use crate::process_table::{MAX_PROCESSES, ProcessSlot};

const WORD_COUNT: usize = MAX_PROCESSES.div_ceil(32) as usize;

/// The process whose turn it is, and those that wait for theirs, a bit for each: to wait needs no memory.
///
/// Turns go round by the numbers of the processes, so a process waits for one turn of each other process at most.
pub struct Turns {
    holder: Option<ProcessSlot>,
    waiting: [u32; WORD_COUNT],
    waiting_count: u32,
}

impl Turns {
    /// Makes turns that no process has or waits for.
    pub const fn new() -> Self {
        Self { holder: None, waiting: [0; WORD_COUNT], waiting_count: 0 }
    }

    /// Returns whether it is the turn of `process`. If not, the process waits for its turn from now on.
    pub fn is_turn_of(&mut self, process: ProcessSlot) -> bool {
        let holder = *self.holder.get_or_insert(process);
        self.set_waiting(process, holder != process);
        holder == process
    }

    /// Ends the turn of `process`, or its waiting. Returns the process whose turn begins, if one does.
    pub fn leave(&mut self, process: ProcessSlot) -> Option<ProcessSlot> {
        self.set_waiting(process, false);
        if self.holder != Some(process) {
            return None;
        }
        self.holder = self.next_after(process);
        self.holder
    }

    fn next_after(&self, process: ProcessSlot) -> Option<ProcessSlot> {
        if self.waiting_count == 0 {
            return None;
        }
        let mut others = (1..MAX_PROCESSES).map(|step| ProcessSlot::new((process.number() + step) % MAX_PROCESSES));
        others.find(|&other| self.is_waiting(other))
    }

    const fn is_waiting(&self, process: ProcessSlot) -> bool {
        self.waiting[process.index() / 32] & 1 << (process.index() % 32) != 0
    }

    const fn set_waiting(&mut self, process: ProcessSlot, waits: bool) {
        if self.is_waiting(process) != waits {
            self.waiting[process.index() / 32] ^= 1 << (process.index() % 32);
            self.waiting_count = if waits { self.waiting_count + 1 } else { self.waiting_count - 1 };
        }
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{MAX_PROCESSES, ProcessSlot, Turns};

    /// Neighbours in one word of the set, neighbours in two, and the first and the last process.
    const PROCESSES: [u16; 7] = [0, 1, 31, 32, 63, 700, MAX_PROCESSES - 1];

    proptest! {
        #[test]
        fn turn_belongs_to_one_process_and_every_waiting_process_gets_one(
            steps in proptest::collection::vec(any::<(bool, u8)>(), 0..300)
        ) {
            let mut turns = Turns::new();
            let mut holder = None;
            // Each waiting process, with the processes that have had a turn since it began to wait.
            let mut waiting = BTreeMap::<ProcessSlot, BTreeSet<ProcessSlot>>::new();
            for (asks, number) in steps {
                let process = ProcessSlot::new(PROCESSES[usize::from(number) % PROCESSES.len()]);
                if asks {
                    let has_turn = *holder.get_or_insert(process) == process;
                    prop_assert_eq!(turns.is_turn_of(process), has_turn);
                    if !has_turn {
                        waiting.entry(process).or_default();
                    }
                    continue;
                }
                let next = turns.leave(process);
                waiting.remove(&process);
                if holder != Some(process) {
                    prop_assert_eq!(next, None);
                    continue;
                }
                prop_assert_eq!(next.is_some(), !waiting.is_empty(), "a turn passes to a process that waits");
                if let Some(next) = next {
                    prop_assert!(waiting.remove(&next).is_some(), "{next:?} does not wait");
                    for (overtaken, served) in &mut waiting {
                        prop_assert!(served.insert(next), "{next:?} has overtaken {overtaken:?} twice");
                    }
                }
                holder = next;
            }
        }
    }
}
