//! Processes that wait: for others, or for a time.

use kcore::clock::{self, Deadline};
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
    until(deadline.map(|deadline| deadline.wake_at(timer::now())), || {
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
    wait_until(Some(timer::deadline(milliseconds)), WaitsFor::Time, || None::<()>).map(|_| ())
}

/// Blocks the current process until `look` finds something, or until the deadline has passed if there is one; `None` then.
///
/// # Errors
/// [`Killed`] if it was killed meanwhile.
pub fn wait_until<R>(
    deadline: Option<Deadline>,
    why: WaitsFor,
    look: impl FnMut() -> Option<R>,
) -> Result<Option<R>, Killed> {
    clock::wait_until(deadline, timer::now, look, |wake_at| until(wake_at, || block_unless_killed(why)))
}

/// As [`block_unless_killed`], but no longer than until a tick by which the deadline may have passed.
///
/// # Errors
/// As there.
pub fn block_until(deadline: Deadline, why: WaitsFor) -> Result<(), Killed> {
    until(Some(deadline.wake_at(timer::now())), || block_unless_killed(why))
}

/// Wakes the current process at tick `wake_at`, if there is one, unless `wait` has returned before.
#[inline]
fn until<R>(wake_at: Option<u64>, wait: impl FnOnce() -> R) -> R {
    let Some(wake_at) = wake_at else { return wait() };
    let slot = current_slot();
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
