//! Messages between processes. Whether one may be sent is decided in [`kcore::messages`]; here is who runs next, and who waits.

use abi::Errno;
use kcore::addr::Pid;
use kcore::messages::{self, Draft, Mailbox, Message, Sent};
use kcore::process_table::ProcessSlot;

use super::WaitsFor;
use super::scheduler::{self, with_scheduler};
use crate::drivers::timer;

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Not at all.
    None,
    /// No shorter than this.
    Milliseconds(u32),
    /// As long as it takes.
    Endless,
}

/// Sends a message. A receiver that waits for one runs at once.
///
/// # Errors
/// See [`messages::SendError`]; nothing has changed then.
#[inline]
pub fn send(from: ProcessSlot, to: Pid, what: u32, draft: Draft<'_>) -> Result<(), Errno> {
    match with_scheduler(|scheduler| messages::send(&mut scheduler.table, from, to, what, draft))? {
        Sent::Queued => {}
        Sent::Awaited(receiver) => scheduler::hand_over(receiver),
    }
    Ok(())
}

/// What `look` sees of the first message of the current process; `None` if it has none.
#[inline]
pub fn look_at_first<R>(owner: ProcessSlot, look: impl FnOnce(&Message) -> R) -> Option<R> {
    with_mailbox(owner, |mailbox| mailbox.first().map(look))
}

/// Blocks the current process until it has a message; then looks at it.
///
/// # Errors
/// `TimedOut` if it has none by then. Some error, too, if the process was killed meanwhile.
#[inline]
pub fn wait_for_first<R>(
    owner: ProcessSlot,
    patience: Patience,
    mut look: impl FnMut(&Message) -> R,
) -> Result<R, Errno> {
    let deadline = match patience {
        Patience::None => return Err(Errno::TimedOut),
        Patience::Milliseconds(time) => Some(scheduler::deadline(time)),
        Patience::Endless => None,
    };
    loop {
        if let Some(seen) = with_mailbox(owner, |mailbox| mailbox.first_or_await().map(&mut look)) {
            return Ok(seen);
        }
        let blocked = match deadline {
            None => scheduler::block_unless_killed(WaitsFor::Message).map_err(Errno::from),
            Some(deadline) if timer::ticks() < deadline => {
                scheduler::block_until(deadline, WaitsFor::Message).map_err(Errno::from)
            }
            Some(_) => Err(Errno::TimedOut),
        };
        if blocked.is_err() {
            with_mailbox(owner, Mailbox::stop_waiting);
        }
        blocked?;
    }
}

/// The first message of the current process has arrived.
#[inline]
pub fn remove_first(owner: ProcessSlot) {
    with_scheduler(|scheduler| messages::remove_first(&mut scheduler.table, owner));
}

#[inline]
fn with_mailbox<R>(owner: ProcessSlot, work: impl FnOnce(&mut Mailbox) -> R) -> R {
    with_scheduler(|scheduler| match scheduler.table.get_mut(owner) {
        Some(process) => work(&mut process.mailbox),
        None => panic!("{owner:?} makes a call but is not alive"),
    })
}
