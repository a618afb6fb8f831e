//! Who gets the CPU.
//!
//! Runnable processes stand in [`Queues`], one for each class; a [draw](draw()) says which class is next, and its first process
//! runs. How often a process has used its time slice up is its [`Standing`], which also knows when it is demoted. Who sleeps
//! is in [`Sleepers`].

mod draw;
mod queues;
mod sleepers;
mod standing;
#[cfg(test)]
mod tests;

use abi::Class;
use alloc::vec::Vec;

pub use draw::{CLASS_COUNT, draw};
pub use queues::Queues;
pub use sleepers::Sleepers;
pub use standing::{SLICES_ALLOWED, Standing};

use crate::frame_table::OutOfMemory;
use crate::process_table::{MAX_PROCESSES, ProcessSlot};
use crate::rng::Rng;

/// Decides who runs next. Whoever runs stands in no queue.
pub struct Dispatcher {
    queues: Queues,
    standings: Vec<Standing>,
    rng: Rng,
}

impl Dispatcher {
    /// Nobody is runnable. `rng` makes the draws.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no memory for the queues: they are made at once, with room for every process.
    pub fn new(rng: Rng) -> Result<Self, OutOfMemory> {
        let mut standings = Vec::new();
        standings.try_reserve_exact(MAX_PROCESSES as usize).map_err(|_| OutOfMemory)?;
        standings.resize(MAX_PROCESSES as usize, Standing::new(Class::Interactive));
        Ok(Self { queues: Queues::new()?, standings, rng })
    }

    /// The class of a process.
    #[inline]
    pub fn class(&self, slot: ProcessSlot) -> Class {
        self.standings[slot.index()].class()
    }

    /// Puts a process into a class, be it new, queued or running. It starts afresh there.
    pub fn set_class(&mut self, slot: ProcessSlot, class: Class) {
        self.standings[slot.index()] = Standing::new(class);
        if self.queues.remove(slot) {
            self.queues.enqueue(slot, class);
        }
    }

    /// The process could use the CPU: it goes behind all others of its class, unless it is queued already.
    #[inline]
    pub fn enqueue(&mut self, slot: ProcessSlot) {
        self.queues.enqueue(slot, self.standings[slot.index()].class());
    }

    /// The process is queued.
    #[inline]
    pub fn is_queued(&self, slot: ProcessSlot) -> bool {
        self.queues.contains(slot)
    }

    /// Nobody is queued.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// The running process gives up the CPU: what it used of it is forgiven.
    #[inline]
    pub fn gave_way(&mut self, slot: ProcessSlot) {
        self.standings[slot.index()].gave_way();
    }

    /// The running process has used a time slice to its end. Once too often in a row, and its class is a lower one for good.
    #[inline]
    pub fn used_slice(&mut self, slot: ProcessSlot) {
        self.standings[slot.index()].used_slice();
    }

    /// The running process gives what is left of its time slice to `next`, which stands in no queue from here on, whoever else has
    /// woken it. The one that gave way stays runnable, behind all others of its class.
    #[inline]
    pub fn hand_over(&mut self, running: ProcessSlot, next: ProcessSlot) {
        self.gave_way(running);
        self.enqueue(running);
        self.queues.remove(next);
    }

    /// Takes out who runs next: the first process of the class that is drawn.
    #[inline]
    pub fn choose(&mut self) -> Option<ProcessSlot> {
        let class = draw(self.queues.are_waiting(), &mut self.rng)?;
        self.queues.pop(class)
    }

    /// The process is not runnable any more.
    pub fn remove(&mut self, slot: ProcessSlot) {
        self.queues.remove(slot);
    }
}
