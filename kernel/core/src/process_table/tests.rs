use abi::record::{Account, ExitStatus};
use abi::{Class, ExitReason};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{AddError, ChildChoice, Denied, MAX_PROCESSES, ProcessSlot, ProcessTable, WaitError, WaitOutcome, Woken};
use crate::addr::Pid;

pub(super) fn status(pid: Pid) -> ExitStatus {
    ExitStatus { pid: pid.number(), reason: ExitReason::Exited(pid.number() * 10), account: Account::default() }
}

#[test]
fn a_parent_gets_the_reason_of_its_child_exactly_once() {
    let mut table = ProcessTable::new().unwrap();
    let (init, init_pid) = table.add(None, ()).unwrap();
    let (child, pid) = table.add(Some(init_pid), ()).unwrap();
    assert_eq!((init_pid, pid), (Pid::INIT, Pid::new(2)));
    assert_eq!(table.wait(init, ChildChoice::Any), Ok(WaitOutcome::MustWait));
    assert_eq!(table.end(child, status(pid)), Some(((), Woken { parent: Some(init), init: None })));
    assert_eq!(table.end(child, status(pid)), None, "one cannot end twice");
    for choice in [ChildChoice::Only(pid), ChildChoice::Any] {
        assert_eq!(table.wait(init, choice), Ok(WaitOutcome::Ended(status(pid))), "it stays until it is buried");
    }
    table.bury(init, pid);
    assert_eq!(table.wait(init, ChildChoice::Only(pid)), Err(WaitError::NotAChild));
    assert_eq!(table.wait(init, ChildChoice::Any), Err(WaitError::NoChild));
    assert_eq!(table.count(), 1);
}

#[test]
fn only_an_ended_child_is_buried_and_only_by_its_parent() {
    let (mut table, [init, shell, one, other, grandchild]) = family();
    table.end(other.0, status(other.1)).unwrap();
    for (by, pid) in [(init, other.1), (one, other.1), (shell, one.1), (shell, grandchild.1), (shell, Pid::new(99))] {
        table.bury(by.0, pid);
        assert_eq!(table.count(), 5, "{by:?} has buried {pid:?}");
    }
    table.bury(shell.0, other.1);
    assert_eq!(table.count(), 4);
}

/// The parent waits for this child, which has ended, and buries it.
pub(super) fn wait_and_bury(table: &mut ProcessTable<impl Sized>, parent: ProcessSlot, child: Pid) {
    assert_eq!(table.wait(parent, ChildChoice::Only(child)), Ok(WaitOutcome::Ended(status(child))));
    table.bury(parent, child);
}

#[test]
fn a_parent_that_waits_for_one_child_is_not_woken_by_another() {
    let mut table = ProcessTable::new().unwrap();
    let (init, init_pid) = table.add(None, ()).unwrap();
    let (first, first_pid) = table.add(Some(init_pid), ()).unwrap();
    let (_, second_pid) = table.add(Some(init_pid), ()).unwrap();
    assert_eq!(table.wait(init, ChildChoice::Only(second_pid)), Ok(WaitOutcome::MustWait));
    assert_eq!(table.end(first, status(first_pid)), Some(((), Woken { parent: None, init: None })));
    assert_eq!(table.wait(init, ChildChoice::Any), Ok(WaitOutcome::Ended(status(first_pid))));
}

#[test]
fn orphans_are_adopted_by_init_dead_or_alive() {
    let mut table = ProcessTable::new().unwrap();
    let (init, init_pid) = table.add(None, ()).unwrap();
    let (parent, parent_pid) = table.add(Some(init_pid), ()).unwrap();
    let (dead, dead_pid) = table.add(Some(parent_pid), ()).unwrap();
    let (alive, alive_pid) = table.add(Some(parent_pid), ()).unwrap();
    assert!(table.end(dead, status(dead_pid)).is_some());
    assert_eq!(table.wait(init, ChildChoice::Only(dead_pid)), Err(WaitError::NotAChild));
    assert_eq!(table.wait(init, ChildChoice::Any), Ok(WaitOutcome::MustWait));
    let (_, woken) = table.end(parent, status(parent_pid)).unwrap();
    assert_eq!(woken.parent, Some(init));
    wait_and_bury(&mut table, init, dead_pid);
    assert_eq!(table.wait(init, ChildChoice::Only(alive_pid)), Ok(WaitOutcome::MustWait));
    let (_, woken) = table.end(alive, status(alive_pid)).unwrap();
    assert_eq!(woken.parent, Some(init));
}

#[test]
fn init_is_woken_for_a_dead_child_it_inherits() {
    let mut table = ProcessTable::new().unwrap();
    let (init, init_pid) = table.add(None, ()).unwrap();
    let (other, other_pid) = table.add(Some(init_pid), ()).unwrap();
    let (parent, parent_pid) = table.add(Some(other_pid), ()).unwrap();
    let (dead, dead_pid) = table.add(Some(parent_pid), ()).unwrap();
    table.end(dead, status(dead_pid)).unwrap();
    assert_eq!(table.wait(init, ChildChoice::Any), Ok(WaitOutcome::MustWait));
    let (_, woken) = table.end(parent, status(parent_pid)).unwrap();
    assert_eq!(woken, Woken { parent: None, init: Some(init) });
    assert!(table.get(other).is_some());
}

#[test]
fn only_the_living_are_found() {
    let mut table = ProcessTable::new().unwrap();
    let (init, init_pid) = table.add(None, "init").unwrap();
    let (first, first_pid) = table.add(Some(init_pid), "twin").unwrap();
    let (_, second_pid) = table.add(Some(init_pid), "twin").unwrap();
    assert_eq!(table.lowest_pid(|name| *name == "twin"), Some(first_pid));
    table.end(first, status(first_pid)).unwrap();
    assert_eq!(table.lowest_pid(|name| *name == "twin"), Some(second_pid), "the first has ended");
    wait_and_bury(&mut table, init, first_pid);
    let (reused, third_pid) = table.add(Some(init_pid), "twin").unwrap();
    assert_eq!(reused, first);
    assert!(third_pid > second_pid);
    assert_eq!(table.lowest_pid(|name| *name == "twin"), Some(second_pid), "the lowest pid, not the first place");
    assert_eq!(table.lowest_pid(|name| *name == "nobody"), None);
}

#[test]
fn a_full_table_refuses_and_a_freed_place_is_used_again() {
    let mut table = ProcessTable::new().unwrap();
    let (init, init_pid) = table.add(None, 0).unwrap();
    let (slot, pid) = table.add(Some(init_pid), 1).unwrap();
    for _ in 2..MAX_PROCESSES {
        table.add(Some(init_pid), 2).unwrap();
    }
    assert_eq!(table.add(Some(init_pid), 3), Err(AddError::TableFull));
    table.end(slot, status(pid)).unwrap();
    assert_eq!(table.add(Some(init_pid), 3), Err(AddError::TableFull), "not waited for yet");
    wait_and_bury(&mut table, init, pid);
    let (reused, new_pid) = table.add(Some(init_pid), 3).unwrap();
    assert_eq!(reused, slot);
    assert_ne!(new_pid, pid, "a pid is not used again soon");
}

/// Init, its child, that one's children (two), and a child of the first of them.
fn family() -> (ProcessTable<()>, [(ProcessSlot, Pid); 5]) {
    let mut table = ProcessTable::new().unwrap();
    let init = table.add(None, ()).unwrap();
    let shell = table.add(Some(init.1), ()).unwrap();
    let [one, other] = [0; 2].map(|_| table.add(Some(shell.1), ()).unwrap());
    let grandchild = table.add(Some(one.1), ()).unwrap();
    (table, [init, shell, one, other, grandchild])
}

#[test]
fn one_may_kill_oneself_ones_descendants_and_those_of_whom_one_acts_for() {
    let (mut table, [init, shell, one, other, grandchild]) = family();
    let permitted = [
        (init, [true, true, true, true, true]),
        (shell, [false, true, true, true, true]),
        (one, [false, false, true, true, true]),
        (other, [false, false, true, true, true]),
        (grandchild, [false, false, false, false, true]),
    ];
    for ((by, by_pid), expected) in permitted {
        for (victim, is_permitted) in [init, shell, one, other, grandchild].into_iter().zip(expected) {
            let expected = if is_permitted { Ok(victim.0) } else { Err(Denied::NotPermitted) };
            assert_eq!(table.kill(by, victim.1), expected, "{by_pid} kills {}", victim.1);
        }
    }
    assert_eq!(table.kill(init.0, Pid::new(99)), Err(Denied::NoSuchProcess));
    table.end(other.0, status(other.1)).unwrap();
    assert_eq!(table.kill(init.0, other.1), Err(Denied::NoSuchProcess), "it has ended");
}

#[test]
fn the_first_killer_is_the_reason() {
    let (mut table, [init, shell, one, ..]) = family();
    assert_eq!(table.killer(one.0), None);
    table.kill(shell.0, one.1).unwrap();
    table.kill(init.0, one.1).unwrap();
    assert_eq!(table.killer(one.0), Some(shell.1));
}

#[test]
fn an_orphan_does_not_act_for_init() {
    let (mut table, [_, shell, one, other, grandchild]) = family();
    table.end(one.0, status(one.1)).unwrap();
    assert_eq!(table.parent(grandchild.0), Some(Pid::INIT));
    assert_eq!(table.kill(grandchild.0, other.1), Err(Denied::NotPermitted));
    assert_eq!(table.kill(grandchild.0, shell.1), Err(Denied::NotPermitted));
    assert_eq!(table.kill(shell.0, grandchild.1), Ok(grandchild.0), "init started the shell");
}

#[test]
fn classes_go_down_but_up_only_by_right() {
    let (mut table, [init, shell, one, _, grandchild]) = family();
    let interactive = |_| Class::Interactive;
    for to in [Class::Interactive, Class::Background] {
        assert_eq!(table.grant_class(shell.0, shell.1, to, interactive), Ok(shell.0));
        assert_eq!(table.grant_class(shell.0, one.1, to, interactive), Ok(one.0));
        assert_eq!(table.grant_class(shell.0, grandchild.1, to, interactive), Err(Denied::NotPermitted), "no child");
        assert_eq!(table.grant_class(one.0, shell.1, to, interactive), Err(Denied::NotPermitted), "its parent");
    }
    let raise = |table: &mut ProcessTable<()>, by: ProcessSlot, target| {
        table.grant_class(by, target, Class::RealTime, interactive)
    };
    assert_eq!(raise(&mut table, shell.0, shell.1), Err(Denied::NotPermitted));
    assert_eq!(raise(&mut table, init.0, shell.1), Ok(shell.0), "init has the right");
    assert_eq!(raise(&mut table, shell.0, one.1), Ok(one.0), "whom it made real-time has it too");
    assert_eq!(raise(&mut table, grandchild.0, grandchild.1), Err(Denied::NotPermitted), "it is not inherited");
    let real_time = |_| Class::RealTime;
    assert_eq!(table.grant_class(grandchild.0, grandchild.1, Class::RealTime, real_time), Ok(grandchild.0));
    assert_eq!(raise(&mut table, grandchild.0, grandchild.1), Err(Denied::NotPermitted), "nor given by oneself");
    let background = |_| Class::Background;
    assert_eq!(
        table.grant_class(grandchild.0, grandchild.1, Class::Interactive, background),
        Err(Denied::NotPermitted)
    );
}

#[test]
fn who_raises_itself_raises_no_child() {
    let mut table = ProcessTable::new().unwrap();
    let init = table.add(None, ()).unwrap();
    let shell = table.add(Some(init.1), ()).unwrap();
    let interactive = |_| Class::Interactive;
    assert_eq!(table.class_of_child(shell.0, Class::Interactive), Class::Interactive);
    assert_eq!(table.class_of_child(shell.0, Class::Background), Class::Background, "a lower class is inherited");
    table.grant_class(init.0, shell.1, Class::RealTime, interactive).unwrap();
    assert_eq!(table.class_of_child(shell.0, Class::RealTime), Class::RealTime, "made so by another");
    let (child, _) = table.add(Some(shell.1), ()).unwrap();
    assert_eq!(table.class_of_child(child, Class::RealTime), Class::RealTime, "born so");
    table.grant_class(init.0, shell.1, Class::Interactive, interactive).unwrap();
    table.grant_class(shell.0, shell.1, Class::RealTime, interactive).unwrap();
    assert_eq!(table.class_of_child(shell.0, Class::RealTime), Class::Interactive);
}

proptest! {
    /// Processes are put into classes by themselves and by their parents, as far as that is granted, and start others.
    #[test]
    fn a_class_is_handed_down_by_those_only_who_were_given_it(
        steps in proptest::collection::vec((0..3u8, 0..8u16, 0..8u16, 0..3u32), 0..60),
    ) {
        let mut table = ProcessTable::new().unwrap();
        table.add(None, ()).unwrap();
        let mut classes = vec![Class::Interactive];
        // Who was made real-time by somebody else last, or born so.
        let mut were_given = vec![false];
        for (action, by, target, class) in steps {
            let (by, target) = (usize::from(by) % classes.len(), usize::from(target) % classes.len());
            let slot = |index: usize| ProcessSlot::new(u16::try_from(index).unwrap());
            if action == 0 {
                let class = table.class_of_child(slot(by), classes[by]);
                prop_assert!(class >= classes[by], "a child is in no higher class than its parent");
                prop_assert!(class != Class::RealTime || were_given[by]);
                table.add(table.pid(slot(by)), ()).unwrap();
                classes.push(class);
                were_given.push(class == Class::RealTime);
            } else {
                let class = Class::from_number(class).unwrap();
                let pid = table.pid(slot(target)).unwrap();
                if table.grant_class(slot(by), pid, class, |slot| classes[slot.index()]).is_ok() {
                    classes[target] = class;
                    if by != target {
                        were_given[target] = class == Class::RealTime;
                    }
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn process_is_found_by_its_pid_however_many_there_are(steps in proptest::collection::vec(any::<(bool, u16)>(), 0..1500)) {
        let mut table = ProcessTable::new().unwrap();
        let (init, init_pid) = table.add(None, ()).unwrap();
        let mut children = Vec::new();
        for (ends, choice) in steps {
            if ends && !children.is_empty() {
                let (slot, pid) = children.swap_remove(usize::from(choice) % children.len());
                table.end(slot, status(pid)).unwrap();
                prop_assert_eq!(table.slot_of(pid), Some(slot), "until it is waited for");
                wait_and_bury(&mut table, init, pid);
                prop_assert_eq!(table.slot_of(pid), None);
            } else {
                children.push(table.add(Some(init_pid), ()).unwrap());
            }
        }
        for (slot, pid) in children {
            prop_assert_eq!(table.slot_of(pid), Some(slot));
        }
    }
}

#[test]
fn processes_are_listed_by_pid() {
    let (mut table, [init, shell, one, other, grandchild]) = family();
    table.end(one.0, status(one.1)).unwrap();
    wait_and_bury(&mut table, shell.0, one.1);
    let last = table.add(Some(init.1), ()).unwrap();
    assert_eq!(last.0, one.0, "the place is used again");
    let list = core::iter::successors(table.first_from(Pid::new(0)), |&slot| {
        table.first_from(Pid::new(table.pid(slot).unwrap().number() + 1))
    });
    assert_eq!(list.collect::<Vec<_>>(), [init, shell, other, grandchild, last].map(|(slot, _)| slot));
}

#[test]
fn shutdown_is_allowed_for_the_right_to_be_real_time_and_for_the_children_of_its_holder() {
    let mut table = ProcessTable::new().unwrap();
    let (init, init_pid) = table.add(None, ()).unwrap();
    let (shell, shell_pid) = table.add(Some(init_pid), ()).unwrap();
    let (program, program_pid) = table.add(Some(shell_pid), ()).unwrap();
    let (grandchild, _) = table.add(Some(program_pid), ()).unwrap();
    assert!(table.may_shut_down(init) && table.may_shut_down(shell), "init has started the shell");
    assert!(!table.may_shut_down(program), "the shell has no right of its own yet");
    table.grant_class(init, shell_pid, Class::RealTime, |_| Class::Interactive).unwrap();
    assert!(table.may_shut_down(shell) && table.may_shut_down(program) && !table.may_shut_down(grandchild));
    table.end(shell, status(shell_pid)).unwrap();
    assert!(!table.may_shut_down(program), "init has adopted the program, but has not started it");
}

#[test]
fn one_that_was_killed_has_no_more_children() {
    let mut table = ProcessTable::new().unwrap();
    let (init, init_pid) = table.add(None, ()).unwrap();
    let (_, pid) = table.add(Some(init_pid), ()).unwrap();
    table.kill(init, pid).unwrap();
    assert_eq!(table.add(Some(pid), ()), Err(AddError::ParentKilled));
    assert_eq!(table.count(), 2);
}
