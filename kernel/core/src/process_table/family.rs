//! How processes end, and how their parents hear of it.

use abi::record::ExitStatus;

use super::{Entry, Life, ProcessSlot, ProcessTable};
use crate::addr::Pid;

/// Which child a parent waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildChoice {
    /// Whichever ends first.
    Any,
    /// This one.
    Only(Pid),
}

impl ChildChoice {
    fn includes(self, pid: Pid) -> bool {
        match self {
            Self::Any => true,
            Self::Only(chosen) => chosen == pid,
        }
    }
}

/// What a parent that asks for a child gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitOutcome {
    /// The child has ended. It stays in the table until [`ProcessTable::bury`].
    Ended(ExitStatus),
    /// All such children are still alive: block. The parent is woken when one ends.
    MustWait,
}

/// Why there is nothing to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitError {
    /// The caller has no children.
    NoChild,
    /// That process is no child of the caller.
    NotAChild,
}

/// Parents whose `Wait` can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Woken {
    /// The parent of the process that ended.
    pub parent: Option<ProcessSlot>,
    /// Init, if it was handed a child that had ended.
    pub init: Option<ProcessSlot>,
}

impl<T> ProcessTable<T> {
    /// The process in `slot` has ended. Its children, dead or alive, become children of init. Returns its payload and
    /// the parents that are to be woken: their `Wait` can now be answered.
    pub fn end(&mut self, slot: ProcessSlot, status: ExitStatus) -> Option<(T, Woken)> {
        let entry = self.entries.get_mut(slot.index())?;
        let Life::Alive(_) = entry.life else { return None };
        let Life::Alive(payload) = core::mem::replace(&mut entry.life, Life::Ended(status)) else { return None };
        let (pid, parent) = (entry.pid, entry.parent);
        let adopted_a_dead_child = self.orphan_children_of(pid);
        let woken = Woken {
            parent: parent.and_then(|parent| self.stop_waiting_for(parent, pid)),
            init: adopted_a_dead_child.and_then(|child| self.stop_waiting_for(Pid::INIT, child)),
        };
        Some((payload, woken))
    }

    /// Hands the children of `pid` to init; returns one of them that has ended already.
    fn orphan_children_of(&mut self, pid: Pid) -> Option<Pid> {
        let mut dead_child = None;
        for child in self.entries.iter_mut().filter(|entry| entry.parent == Some(pid)) {
            child.parent = Some(Pid::INIT);
            child.is_adopted = true;
            if matches!(child.life, Life::Ended(_)) {
                dead_child = Some(child.pid);
            }
        }
        dead_child
    }

    /// If `parent` is blocked until `child` ends, it no longer is.
    fn stop_waiting_for(&mut self, parent: Pid, child: Pid) -> Option<ProcessSlot> {
        let slot = self.slot_of(parent)?;
        let entry = self.entries.get_mut(slot.index())?;
        entry.waits_for.take_if(|choice| choice.includes(child)).map(|_| slot)
    }

    /// The parent in `slot` asks for a child that has ended. The child stays, so that its status is not lost if it does not reach
    /// the parent; after that, [`bury`](Self::bury) it.
    ///
    /// # Errors
    /// `NoChild`, or `NotAChild` if `choice` names no child of the parent.
    pub fn wait(&mut self, slot: ProcessSlot, choice: ChildChoice) -> Result<WaitOutcome, WaitError> {
        let parent = self.pid(slot).ok_or(WaitError::NoChild)?;
        let is_wanted = |entry: &Entry<T>| entry.parent == Some(parent) && choice.includes(entry.pid);
        let wanted = || self.entries.iter().map(|(_, entry)| entry).filter(|entry| is_wanted(entry));
        if wanted().next().is_none() {
            return Err(if choice == ChildChoice::Any { WaitError::NoChild } else { WaitError::NotAChild });
        }
        let ended = wanted().find_map(|entry| match entry.life {
            Life::Ended(status) => Some(status),
            Life::Alive(_) => None,
        });
        if let Some(status) = ended {
            return Ok(WaitOutcome::Ended(status));
        }
        if let Some(entry) = self.entries.get_mut(slot.index()) {
            entry.waits_for = Some(choice);
        }
        Ok(WaitOutcome::MustWait)
    }

    /// Removes the child `pid` of the parent in `slot`, if it has ended; otherwise does nothing.
    pub fn bury(&mut self, slot: ProcessSlot, pid: Pid) {
        let parent = self.pid(slot);
        let is_ended_child = |entry: &Entry<T>| entry.parent == parent && matches!(entry.life, Life::Ended(_));
        if let Some(place) = self.slot_of(pid)
            && self.entry(place).is_some_and(is_ended_child)
        {
            self.entries.remove(place.index());
            self.slots.remove(pid, place);
        }
    }
}
