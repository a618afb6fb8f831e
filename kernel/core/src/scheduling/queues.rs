//! Who is runnable: a queue for each class, in the order in which they get the CPU.

use abi::Class;
use alloc::vec::Vec;

use super::CLASS_COUNT;
use crate::frame_table::OutOfMemory;
use crate::process_table::{MAX_PROCESSES, ProcessSlot};

/// First-in-first-out queues in which nobody can stand twice: each process has one link, made at boot.
pub struct Queues {
    links: Vec<Link>,
    ends: [Option<Ends>; CLASS_COUNT],
}

/// A process's place in a queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    /// It is not queued.
    Out,
    /// It is queued in this class, between these two.
    Queued { class: Class, before: Option<ProcessSlot>, behind: Option<ProcessSlot> },
}

#[derive(Clone, Copy)]
struct Ends {
    first: ProcessSlot,
    last: ProcessSlot,
}

impl Queues {
    /// Empty queues with room for every process.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no memory for the links.
    pub fn new() -> Result<Self, OutOfMemory> {
        let mut links = Vec::new();
        links.try_reserve_exact(MAX_PROCESSES as usize).map_err(|_| OutOfMemory)?;
        links.resize(MAX_PROCESSES as usize, Link::Out);
        Ok(Self { links, ends: [None; CLASS_COUNT] })
    }

    /// In which classes somebody is queued, by [`Class::number`].
    #[inline]
    pub const fn are_waiting(&self) -> [bool; CLASS_COUNT] {
        let [real_time, interactive, background] = &self.ends;
        [real_time.is_some(), interactive.is_some(), background.is_some()]
    }

    /// Nobody is queued.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        matches!(self.are_waiting(), [false, false, false])
    }

    /// The process is queued.
    #[inline]
    pub fn contains(&self, slot: ProcessSlot) -> bool {
        self.links[slot.index()] != Link::Out
    }

    /// Puts a process at the end of a class, unless it is queued already.
    #[inline]
    pub fn enqueue(&mut self, slot: ProcessSlot, class: Class) {
        if self.contains(slot) {
            return;
        }
        let ends = &mut self.ends[class as usize];
        let before = ends.map(|ends| ends.last);
        self.links[slot.index()] = Link::Queued { class, before, behind: None };
        if let Some(Link::Queued { behind, .. }) = before.map(|last| &mut self.links[last.index()]) {
            *behind = Some(slot);
        }
        *ends = Some(Ends { first: ends.map_or(slot, |ends| ends.first), last: slot });
    }

    /// Takes the first process of a class.
    #[inline]
    pub fn pop(&mut self, class: Class) -> Option<ProcessSlot> {
        let first = self.ends[class as usize]?.first;
        self.remove(first);
        Some(first)
    }

    /// Takes a process out, wherever it stands; says whether it was queued.
    #[inline]
    pub fn remove(&mut self, slot: ProcessSlot) -> bool {
        self.contains(slot) && self.unlink(slot)
    }

    fn unlink(&mut self, slot: ProcessSlot) -> bool {
        let removed = core::mem::replace(&mut self.links[slot.index()], Link::Out);
        let Link::Queued { class, before, behind } = removed else { return false };
        if let Some(Link::Queued { behind: link, .. }) = before.map(|before| &mut self.links[before.index()]) {
            *link = behind;
        }
        if let Some(Link::Queued { before: link, .. }) = behind.map(|behind| &mut self.links[behind.index()]) {
            *link = before;
        }
        let ends = &mut self.ends[class as usize];
        *ends = ends.and_then(|Ends { first, last }| {
            let first = if before.is_some() { Some(first) } else { behind }?;
            let last = if behind.is_some() { Some(last) } else { before }?;
            Some(Ends { first, last })
        });
        true
    }
}
