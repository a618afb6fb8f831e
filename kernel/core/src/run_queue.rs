//! Who is runnable, in the order in which they get the CPU.

use alloc::vec::Vec;

use crate::frame_table::OutOfMemory;
use crate::process_table::{MAX_PROCESSES, ProcessSlot};

/// A round-robin queue in which nobody can stand twice: each process has one link, made at boot.
pub struct RunQueue {
    links: Vec<Link>,
    ends: Option<Ends>,
}

/// A process's place in the queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    /// It is not queued.
    Out,
    /// It is queued between these two.
    Queued { before: Option<ProcessSlot>, behind: Option<ProcessSlot> },
}

#[derive(Clone, Copy)]
struct Ends {
    first: ProcessSlot,
    last: ProcessSlot,
}

impl RunQueue {
    /// An empty queue with room for every process.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no memory for the links.
    pub fn new() -> Result<Self, OutOfMemory> {
        let mut links = Vec::new();
        links.try_reserve_exact(MAX_PROCESSES as usize).map_err(|_| OutOfMemory)?;
        links.resize(MAX_PROCESSES as usize, Link::Out);
        Ok(Self { links, ends: None })
    }

    /// Nobody is queued.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_none()
    }

    /// Puts a process at the end, unless it is queued already.
    #[inline]
    pub fn enqueue(&mut self, slot: ProcessSlot) {
        if self.links[slot.index()] != Link::Out {
            return;
        }
        let before = self.ends.map(|ends| ends.last);
        self.links[slot.index()] = Link::Queued { before, behind: None };
        if let Some(Link::Queued { behind, .. }) = before.map(|last| &mut self.links[last.index()]) {
            *behind = Some(slot);
        }
        self.ends = Some(Ends { first: self.ends.map_or(slot, |ends| ends.first), last: slot });
    }

    /// Takes the process at the front.
    #[inline]
    pub fn pop(&mut self) -> Option<ProcessSlot> {
        let first = self.ends?.first;
        self.remove(first);
        Some(first)
    }

    /// Takes a process out, wherever it stands; does nothing if it is not queued.
    #[inline]
    pub fn remove(&mut self, slot: ProcessSlot) {
        let Link::Queued { before, behind } = core::mem::replace(&mut self.links[slot.index()], Link::Out) else {
            return;
        };
        if let Some(Link::Queued { behind: link, .. }) = before.map(|before| &mut self.links[before.index()]) {
            *link = behind;
        }
        if let Some(Link::Queued { before: link, .. }) = behind.map(|behind| &mut self.links[behind.index()]) {
            *link = before;
        }
        let Some(Ends { first, last }) = self.ends else { return };
        let new_first = if before.is_some() { Some(first) } else { behind };
        let new_last = if behind.is_some() { Some(last) } else { before };
        self.ends = new_first.zip(new_last).map(|(first, last)| Ends { first, last });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::RunQueue;
    use crate::process_table::ProcessSlot;

    proptest! {
        #[test]
        fn the_queue_is_first_in_first_out_and_holds_nobody_twice(
            steps in proptest::collection::vec((any::<u8>(), 0u16..6), 0..300),
        ) {
            let mut queue = RunQueue::new().unwrap();
            let mut model = VecDeque::new();
            for (action, number) in steps {
                let slot = ProcessSlot::new(number);
                match action % 4 {
                    0 | 1 => {
                        queue.enqueue(slot);
                        if !model.contains(&slot) {
                            model.push_back(slot);
                        }
                    }
                    2 => prop_assert_eq!(queue.pop(), model.pop_front()),
                    _ => {
                        queue.remove(slot);
                        model.retain(|&queued| queued != slot);
                    }
                }
                prop_assert_eq!(queue.is_empty(), model.is_empty());
            }
            while let Some(slot) = model.pop_front() {
                prop_assert_eq!(queue.pop(), Some(slot));
            }
            prop_assert_eq!(queue.pop(), None);
        }
    }
}
