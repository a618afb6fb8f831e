//! Waiting for some page that is on its way from or to the disk.

use super::waiters::Waiters;
use super::{WaitsFor, scheduler};
use crate::cell::KernelCell;

static WAITING: KernelCell<Waiters> = KernelCell::new(Waiters::new());

/// Blocks until some transfer of a page has ended. That is soon, so that a killed process waits for it too.
pub fn wait() {
    WAITING.with(|waiters| waiters.add(scheduler::current_slot()));
    scheduler::block(WaitsFor::Page);
}

/// Wakes all who wait; each looks again for itself.
#[inline]
pub fn wake_all() {
    WAITING.with(Waiters::wake_all);
}
