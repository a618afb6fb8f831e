//! Processes that wait for the same thing.

use kcore::process_table::{MAX_PROCESSES, ProcessSlot};

use super::scheduler;

const WORD_COUNT: usize = MAX_PROCESSES.div_ceil(32) as usize;

/// A set of processes, a bit for each, so that joining needs no memory.
pub struct Waiters {
    words: [u32; WORD_COUNT],
    /// Nobody has joined since all were woken.
    is_empty: bool,
}

impl Waiters {
    /// Nobody waits.
    pub const fn new() -> Self {
        Self { words: [0; WORD_COUNT], is_empty: true }
    }

    /// Lets a process join; it blocks itself next.
    pub const fn add(&mut self, process: ProcessSlot) {
        self.words[process.index() / 32] |= 1 << (process.index() % 32);
        self.is_empty = false;
    }

    /// Wakes everyone and forgets them. Each looks for itself whether its time has come, and else joins again.
    pub fn wake_all(&mut self) {
        if core::mem::replace(&mut self.is_empty, true) {
            return;
        }
        for (first, word) in (0u16..).step_by(32).zip(&mut self.words) {
            let woken = core::mem::take(word);
            if woken != 0 {
                (0..32)
                    .filter(|bit| woken & 1 << bit != 0)
                    .for_each(|bit| scheduler::wake(ProcessSlot::new(first + bit)));
            }
        }
    }
}
