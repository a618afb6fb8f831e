//! Processes that wait: for others, or for a time.

use kcore::clock::Deadline;
use kcore::process_table::ProcessSlot;

use super::switching::{finish, run_next};
use super::{Killed, Scheduler, WaitsFor, current_slot, is_killed, wake, with_scheduler};
use crate::drivers::timer;

/// Blocks the current process until [`wake`] is called for it, even if it was killed: what it waits for comes soon. Whoever
/// wakes a process may do so for another reason, so the caller looks again at what it waits for.
pub fn block(why: WaitsFor) {
    with_scheduler(|scheduler| scheduler.block_current(why));
    run_next();
}

/// As [`block`], for waits that may take long.
///
/// # Errors
/// [`Killed`] if the process was killed before or meanwhile: it goes back to where calls and traps end as quickly as it can, and ends there.
pub fn block_unless_killed(why: WaitsFor) -> Result<(), Killed> {
    if is_killed() {
        return Err(Killed);
    }
    block(why);
    if is_killed() { Err(Killed) } else { Ok(()) }
}

/// [`hand_over`] by a process that does not stay runnable, but blocks as in [`block_unless_killed`], and no longer than
/// [`block_until`] if there is a deadline.
///
/// # Errors
/// As there; `next` can go on then, too.
#[inline]
pub fn hand_over_and_block(next: ProcessSlot, why: WaitsFor, deadline: Option<Deadline>) -> Result<(), Killed> {
    if is_killed() {
        wake(next);
        return Err(Killed);
    }
    until(deadline, || {
        finish(with_scheduler(|scheduler| {
            scheduler.block_current(why);
            scheduler.dispatcher.remove(next);
            scheduler.give_cpu(next)
        }));
    });
    if is_killed() { Err(Killed) } else { Ok(()) }
}

/// Blocks the current process for at least so many milliseconds.
///
/// # Errors
/// [`Killed`] if it was killed meanwhile.
pub fn sleep(milliseconds: u32) -> Result<(), Killed> {
    let deadline = timer::deadline(milliseconds);
    while !deadline.has_passed(timer::now()) {
        block_until(deadline, WaitsFor::Time)?;
    }
    Ok(())
}

/// As [`block_unless_killed`], but no longer than until a tick by which the deadline may have passed.
///
/// # Errors
/// As there.
pub fn block_until(deadline: Deadline, why: WaitsFor) -> Result<(), Killed> {
    until(Some(deadline), || block_unless_killed(why))
}

/// Wakes the current process at a tick by which the deadline may have passed, if there is one, unless `wait` has returned before.
#[inline]
fn until<R>(deadline: Option<Deadline>, wait: impl FnOnce() -> R) -> R {
    let Some(deadline) = deadline else { return wait() };
    let (slot, wake_at) = (current_slot(), deadline.wake_at(timer::now()));
    with_scheduler(|scheduler| scheduler.sleepers.add(slot, wake_at));
    let waited = wait();
    with_scheduler(|scheduler| scheduler.sleepers.remove(slot));
    waited
}

/// Wakes the sleepers that are due. Called at every tick of the timer.
pub fn wake_sleepers() {
    with_scheduler(|scheduler| {
        while let Some(slot) = scheduler.sleepers.pop_due(timer::ticks()) {
            scheduler.wake(slot);
        }
    });
}

impl Scheduler {
    /// Takes the CPU from the current process, which can go on only when what it waits for has come.
    fn block_current(&mut self, why: WaitsFor) {
        if let Some((slot, process)) = self.leave_cpu() {
            process.waits_for = why;
            self.dispatcher.gave_way(slot);
        }
    }
}
