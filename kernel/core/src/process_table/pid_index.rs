//! Which slot has the process with a pid.

use alloc::vec::Vec;

use super::{MAX_PROCESSES, ProcessSlot};
use crate::addr::Pid;
use crate::frame_table::OutOfMemory;

/// Chains of slots whose processes' pids have the same remainder. A power of two of them.
const CHAINS: usize = 256;
/// The end of a chain.
const NONE: ProcessSlot = ProcessSlot(u16::MAX);
const _: () = assert!(MAX_PROCESSES < u16::MAX);

/// A hash table of slots by pid. All memory is taken when it is made.
pub(super) struct PidIndex {
    /// The first slot of each chain, the newest process's: mostly that is the one that is looked for.
    heads: [ProcessSlot; CHAINS],
    /// For each slot, the next of its chain.
    next: Vec<ProcessSlot>,
}

impl PidIndex {
    /// Makes an empty index.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no memory for a word for each process that there can be.
    pub fn new() -> Result<Self, OutOfMemory> {
        let mut next = Vec::new();
        next.try_reserve_exact(MAX_PROCESSES as usize).map_err(|_| OutOfMemory)?;
        next.resize(MAX_PROCESSES as usize, NONE);
        Ok(Self { heads: [NONE; CHAINS], next })
    }

    /// Finds the slot in the chain of `pid` that `is_its` says has it.
    #[inline]
    pub fn find(&self, pid: Pid, is_its: impl Fn(ProcessSlot) -> bool) -> Option<ProcessSlot> {
        let first = self.heads[chain_of(pid)];
        if is_its(first) { Some(first) } else { self.find_further(first, is_its) }
    }

    #[cold]
    fn find_further(&self, first: ProcessSlot, is_its: impl Fn(ProcessSlot) -> bool) -> Option<ProcessSlot> {
        let mut slot = first;
        while slot != NONE {
            if is_its(slot) {
                return Some(slot);
            }
            slot = self.next[slot.index()];
        }
        None
    }

    /// Notes that the process with this pid has this slot, which none had.
    pub fn insert(&mut self, pid: Pid, slot: ProcessSlot) {
        let head = &mut self.heads[chain_of(pid)];
        self.next[slot.index()] = core::mem::replace(head, slot);
    }

    /// Notes that the process with this pid does not have this slot any more.
    pub fn remove(&mut self, pid: Pid, slot: ProcessSlot) {
        let after = self.next[slot.index()];
        let head = &mut self.heads[chain_of(pid)];
        if *head == slot {
            *head = after;
            return;
        }
        let mut before = *head;
        while before != NONE {
            let next = &mut self.next[before.index()];
            if *next == slot {
                *next = after;
                return;
            }
            before = *next;
        }
    }
}

const fn chain_of(pid: Pid) -> usize {
    pid.number() as usize % CHAINS
}
