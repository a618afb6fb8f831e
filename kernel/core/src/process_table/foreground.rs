//! Whom Ctrl-C on the console ends.

use super::{Denied, MAX_PROCESSES, ProcessSlot, ProcessTable};
use crate::addr::Pid;

/// Who says which processes are in the foreground, and which are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Foreground {
    /// The shell: the first who asked, as long as it lives.
    controller: Option<Pid>,
    /// The process that it named, a descendant of its. All that descend from that one are in the foreground, too.
    process: Option<Pid>,
}

impl Foreground {
    /// The process `by` puts `process` into the foreground, or nobody.
    ///
    /// # Errors
    /// `NotPermitted` if another one that lives has that right, or the process is no descendant; `NoSuchProcess`.
    pub fn set<T>(&mut self, table: &ProcessTable<T>, by: ProcessSlot, process: Option<Pid>) -> Result<(), Denied> {
        let caller = table.pid(by).ok_or(Denied::NoSuchProcess)?;
        if self.controller.is_some_and(|pid| pid != caller && table.alive(pid).is_ok()) {
            return Err(Denied::NotPermitted);
        }
        if let Some(pid) = process
            && !table.descends(table.alive(pid)?, caller)
        {
            return Err(Denied::NotPermitted);
        }
        *self = Self { controller: Some(caller), process };
        Ok(())
    }

    /// Ctrl-C was pressed: marks those in the foreground as killed by the controller, and tells `marked` of each. Returns whether there
    /// were any.
    pub fn interrupt<T>(&self, table: &mut ProcessTable<T>, mut marked: impl FnMut(ProcessSlot)) -> bool {
        let (Some(by), Some(process)) = (self.controller, self.process) else { return false };
        // Its pid may be another's by now, but then that one does not descend from the controller.
        if !table.slot_of(process).is_some_and(|slot| table.descends(slot, by)) {
            return false;
        }
        let mut any = false;
        let mut family = Family::of(process);
        for slot in (0..MAX_PROCESSES).map(ProcessSlot::new) {
            if family.includes(table, slot) && table.get(slot).is_some() {
                table.mark_killed(slot, by);
                marked(slot);
                any = true;
            }
        }
        any
    }
}

/// A process and its descendants. The answer for a process is kept, so that each process is looked at a few times only, however long the
/// lines of parents are.
struct Family {
    ancestor: Pid,
    /// Processes whose answer is known.
    known: Bits,
    /// Processes that are known to belong to the family.
    members: Bits,
}

/// A bit for each process.
type Bits = [u32; MAX_PROCESSES.div_ceil(32) as usize];

impl Family {
    const fn of(ancestor: Pid) -> Self {
        Self { ancestor, known: [0; _], members: [0; _] }
    }

    /// Whether the process in `slot` belongs to the family.
    fn includes<T>(&mut self, table: &ProcessTable<T>, slot: ProcessSlot) -> bool {
        let line = || core::iter::successors(Some(slot), |&slot| table.slot_of(table.parent(slot)?));
        let is_ancestor = |slot| table.pid(slot) == Some(self.ancestor);
        let decides = line().find(|&slot| has(&self.known, slot) || is_ancestor(slot));
        let is_member = decides.is_some_and(|slot| has(&self.members, slot) || is_ancestor(slot));
        for slot in line().take_while(|&slot| Some(slot) != decides) {
            set(&mut self.known, slot);
            if is_member {
                set(&mut self.members, slot);
            }
        }
        is_member
    }
}

const fn has(bits: &Bits, slot: ProcessSlot) -> bool {
    bits[slot.index() / 32] & 1 << (slot.index() % 32) != 0
}

const fn set(bits: &mut Bits, slot: ProcessSlot) {
    bits[slot.index() / 32] |= 1 << (slot.index() % 32);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::Foreground;
    use crate::addr::Pid;
    use crate::process_table::tests::{status, wait_and_bury};
    use crate::process_table::{Denied, ProcessSlot, ProcessTable};

    /// Init, a shell, two programs of the shell's, and a child of the first program.
    fn family() -> (ProcessTable<()>, [(ProcessSlot, Pid); 5]) {
        let mut table = ProcessTable::new().unwrap();
        let init = table.add(None, ()).unwrap();
        let shell = table.add(Some(init.1), ()).unwrap();
        let front = table.add(Some(shell.1), ()).unwrap();
        let back = table.add(Some(shell.1), ()).unwrap();
        let child = table.add(Some(front.1), ()).unwrap();
        (table, [init, shell, front, back, child])
    }

    fn interrupted(foreground: Foreground, table: &mut ProcessTable<()>) -> Vec<ProcessSlot> {
        let mut marked = Vec::new();
        assert_eq!(foreground.interrupt(table, |slot| marked.push(slot)), !marked.is_empty());
        marked
    }

    #[test]
    fn only_those_in_the_foreground_are_ended() {
        let (mut table, [_, shell, front, back, child]) = family();
        let mut foreground = Foreground::default();
        assert_eq!(interrupted(foreground, &mut table), []);
        assert_eq!(foreground.set(&table, shell.0, Some(front.1)), Ok(()));
        assert_eq!(interrupted(foreground, &mut table), [front.0, child.0]);
        assert_eq!([front, child].map(|(slot, _)| table.killer(slot)), [Some(shell.1); 2]);
        assert_eq!(table.killer(back.0), None);
        assert_eq!(foreground.set(&table, shell.0, None), Ok(()));
        assert_eq!(interrupted(foreground, &mut table), []);
    }

    #[test]
    fn the_shell_alone_says_who_is_in_the_foreground_as_long_as_it_lives() {
        let (mut table, [init, shell, front, back, _]) = family();
        let mut foreground = Foreground::default();
        foreground.set(&table, shell.0, None).unwrap();
        assert_eq!(foreground.set(&table, front.0, None), Err(Denied::NotPermitted));
        assert_eq!(foreground.set(&table, init.0, Some(shell.1)), Err(Denied::NotPermitted));
        for (pid, error) in
            [(shell.1, Denied::NotPermitted), (init.1, Denied::NotPermitted), (Pid::new(99), Denied::NoSuchProcess)]
        {
            assert_eq!(foreground.set(&table, shell.0, Some(pid)), Err(error));
        }
        foreground.set(&table, shell.0, Some(back.1)).unwrap();
        table.end(shell.0, status(shell.1)).unwrap();
        // An orphan is nobody's foreground.
        assert_eq!(interrupted(foreground, &mut table), []);
        assert_eq!(foreground.set(&table, init.0, Some(front.1)), Ok(()));
    }

    #[test]
    fn one_that_has_ended_is_not_ended_again_but_its_children_are() {
        let (mut table, [_, shell, front, _, child]) = family();
        let mut foreground = Foreground::default();
        foreground.set(&table, shell.0, Some(front.1)).unwrap();
        table.end(child.0, status(child.1)).unwrap();
        assert_eq!(interrupted(foreground, &mut table), [front.0]);
        table.end(front.0, status(front.1)).unwrap();
        assert_eq!(interrupted(foreground, &mut table), []);
        wait_and_bury(&mut table, shell.0, front.1);
        assert_eq!(interrupted(foreground, &mut table), []);
    }

    proptest! {
        #[test]
        fn foreground_is_a_process_and_its_descendants(parents in proptest::collection::vec(any::<u16>(), 1..80), choice in any::<usize>()) {
            let (mut table, [_, shell, ..]) = family();
            let mut pids = vec![shell.1];
            for parent in parents {
                let parent = pids[usize::from(parent) % pids.len()];
                pids.push(table.add(Some(parent), ()).unwrap().1);
            }
            let chosen = pids[1 + choice % (pids.len() - 1)];
            let mut foreground = Foreground::default();
            foreground.set(&table, shell.0, Some(chosen)).unwrap();
            let is_meant = |slot: &ProcessSlot| table.pid(*slot) == Some(chosen) || table.descends(*slot, chosen);
            let expected: Vec<_> = (0..100).map(ProcessSlot::new).filter(is_meant).collect();
            prop_assert_eq!(interrupted(foreground, &mut table), expected);
        }
    }
}
