//! Who may end whom, and who may change whose class.

use abi::Class;

use super::{Entry, ProcessSlot, ProcessTable};
use crate::addr::Pid;

/// Why a process may not do something to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No process that is alive has this pid.
    NoSuchProcess,
    /// The caller has no right to it.
    NotPermitted,
}

impl<T> ProcessTable<T> {
    /// The process `by` kills `victim`: itself, a descendant, or, since a program acts for whoever started it, a descendant of the
    /// process that started it, as long as that one is there. Everybody descends from init, which only init itself may kill.
    ///
    /// The victim is marked, and ends as soon as it can.
    ///
    /// # Errors
    /// `NoSuchProcess` if the victim is not alive (or the caller is not), `NotPermitted` otherwise; nothing has changed then.
    pub fn kill(&mut self, by: ProcessSlot, victim: Pid) -> Result<ProcessSlot, Denied> {
        let slot = self.alive(victim)?;
        let Entry { pid, parent, is_adopted, .. } = *self.entry(by).ok_or(Denied::NoSuchProcess)?;
        let acts_for = parent.filter(|_| !is_adopted);
        let is_above = |ancestor| self.descends(slot, ancestor);
        let is_permitted = victim == pid || victim != Pid::INIT && (is_above(pid) || acts_for.is_some_and(is_above));
        if !is_permitted {
            return Err(Denied::NotPermitted);
        }
        self.mark_killed(slot, pid);
        Ok(slot)
    }

    /// The process is to end as soon as it can. A second killer changes nothing: the first is the reason.
    pub(super) fn mark_killed(&mut self, slot: ProcessSlot, by: Pid) {
        if let Some(entry) = self.entries.get_mut(slot.index()) {
            entry.killed_by.get_or_insert(by);
        }
    }

    /// The process `by` may end the machine: it has the right to be real-time, as init and the shell have, or a process that has that
    /// right started it and still exists. An orphan that init has adopted was not started by init.
    pub fn may_shut_down(&self, by: ProcessSlot) -> bool {
        let Some(caller) = self.entry(by) else { return false };
        let starter = caller.parent.filter(|_| !caller.is_adopted);
        let starter = starter.and_then(|parent| self.entry(self.slot_of(parent)?));
        caller.may_be_real_time || starter.is_some_and(|starter| starter.may_be_real_time)
    }

    /// Who has killed the process in this slot, which may not have ended yet.
    #[inline]
    pub fn killer(&self, slot: ProcessSlot) -> Option<Pid> {
        self.entry(slot)?.killed_by
    }

    /// The process `by` asks to put `target` (itself or a child) into the class `to`: into a lower one always, into a higher one
    /// if it is real-time or has the right to be. `class_of` tells the classes as they are.
    ///
    /// Init has that right. Whoever is made real-time by another gets it, and keeps it whatever its class is later. Children do not
    /// inherit it, nor a class to which their parent has raised itself ([`class_of_child`](Self::class_of_child)), so that the shell can be
    /// real-time and start programs that are not.
    ///
    /// # Errors
    /// `NoSuchProcess` if the target is not alive (or the caller is not), `NotPermitted` if it is neither the caller nor a child of it, or
    /// the class is higher than it may say; nothing has changed then.
    pub fn grant_class(
        &mut self,
        by: ProcessSlot,
        target: Pid,
        to: Class,
        class_of: impl Fn(ProcessSlot) -> Class,
    ) -> Result<ProcessSlot, Denied> {
        let slot = self.alive(target)?;
        let caller = self.entry(by).ok_or(Denied::NoSuchProcess)?;
        let is_near = slot == by || self.parent(slot) == Some(caller.pid);
        let may_raise = caller.may_be_real_time || class_of(by) == Class::RealTime;
        if !is_near || (to < class_of(slot) && !may_raise) {
            return Err(Denied::NotPermitted);
        }
        if slot != by
            && let Some(entry) = self.entries.get_mut(slot.index())
        {
            entry.may_be_real_time |= to == Class::RealTime;
            entry.given = to;
        }
        Ok(slot)
    }

    /// The class into which a child of the process in `slot` is born: that of its parent, which is `own`, but none to which the parent
    /// has only raised itself.
    pub fn class_of_child(&self, slot: ProcessSlot, own: Class) -> Class {
        // The higher class is the lesser one.
        self.entry(slot).map_or(own, |entry| own.max(entry.given))
    }

    pub(super) fn alive(&self, pid: Pid) -> Result<ProcessSlot, Denied> {
        self.slot_of(pid).filter(|&slot| self.get(slot).is_some()).ok_or(Denied::NoSuchProcess)
    }

    pub(super) fn entry(&self, slot: ProcessSlot) -> Option<&Entry<T>> {
        self.entries.get(slot.index())
    }

    /// The process in `slot` is a child of `ancestor`, or of a child of it, and so on.
    pub(super) fn descends(&self, slot: ProcessSlot, ancestor: Pid) -> bool {
        let mut parent = self.parent(slot);
        while let Some(pid) = parent {
            if pid == ancestor {
                return true;
            }
            parent = self.slot_of(pid).and_then(|slot| self.parent(slot));
        }
        false
    }
}
