//! Waiting for some page that is on its way from or to the disk.

use super::waiters::Waiters;
use super::{Killed, WaitsFor, scheduler};
use crate::cell::KernelCell;

static WAITING: KernelCell<Waiters> = KernelCell::new(Waiters::new());

/// Blocks until some transfer of a page has ended, even if the process is killed: for those who have begun something.
pub fn wait() {
    WAITING.with(|waiters| waiters.add(scheduler::current_slot()));
    scheduler::block(WaitsFor::Page);
}

/// Blocks until some transfer of a page has ended.
///
/// # Errors
/// [`Killed`] if the process was killed before or meanwhile.
pub fn wait_unless_killed() -> Result<(), Killed> {
    WAITING.with(|waiters| waiters.add(scheduler::current_slot()));
    scheduler::block_unless_killed(WaitsFor::Page)
}

/// Wakes all who wait; each looks again for itself.
#[inline]
pub fn wake_all() {
    WAITING.with(Waiters::wake_all);
}
