//! Ending other processes, and changing their class.
//!
//! A killed process is marked and woken, and ends by itself, so that whatever it holds on its kernel stack is given back by those
//! who took it: waits that may take long end at once ([`scheduler::block_unless_killed`]), transfers of the disk are waited for, and where
//! the process would go back to ring 3 it ends ([`end_if_killed`]).

use abi::{Class, Errno, ExitReason};
use kcore::addr::Pid;
use kcore::process_table::Denied;

use super::scheduler::{self, Scheduler, with_scheduler};
use super::{Current, end_current};

/// The process that waited was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Killed;

impl From<Killed> for Errno {
    /// Any will do: the process ends before it could read it.
    fn from(_: Killed) -> Self {
        Self::NoSuchProcess
    }
}

/// Kills a process. Returns once it is marked, unless it is the caller.
///
/// # Errors
/// See [`Denied`].
pub fn kill(by: Current, victim: Pid) -> Result<(), Denied> {
    let slot = with_scheduler(|scheduler| scheduler.table.kill(by.slot, victim))?;
    if slot == by.slot {
        end_current(ExitReason::Killed(by.pid.number()));
    }
    scheduler::wake(slot);
    Ok(())
}

/// Says whom Ctrl-C ends: this process and its descendants, or nobody.
///
/// # Errors
/// See [`Foreground::set`](kcore::process_table::Foreground::set).
pub fn set_foreground(by: Current, process: Option<Pid>) -> Result<(), Denied> {
    with_scheduler(|scheduler| scheduler.foreground.set(&scheduler.table, by.slot, process))
}

/// Ctrl-C was pressed: ends those in the foreground, and returns whether there were any. Called while interrupts are handled.
pub fn interrupt_foreground() -> bool {
    with_scheduler(Scheduler::interrupt_foreground)
}

/// The process may end the machine.
pub fn may_shut_down(by: Current) -> bool {
    with_scheduler(|scheduler| scheduler.table.may_shut_down(by.slot))
}

/// Ends the current process if it was killed. Called where a process goes to ring 3.
#[inline]
pub fn end_if_killed() {
    if scheduler::is_killed() {
        end_current(ExitReason::Killed(scheduler::killer().map_or(0, Pid::number)));
    }
}

/// Puts the caller or one of its children into a class.
///
/// # Errors
/// See [`Denied`].
pub fn set_class(by: Current, target: Pid, class: Class) -> Result<(), Denied> {
    with_scheduler(|scheduler| {
        let dispatcher = &mut scheduler.dispatcher;
        let slot = scheduler.table.grant_class(by.slot, target, class, |slot| dispatcher.class(slot))?;
        dispatcher.set_class(slot, class);
        Ok(())
    })
}
