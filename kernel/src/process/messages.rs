//! Messages between processes. Whether one may be sent is decided in [`kcore::messages`]; here is who runs next, and who waits.

use core::mem;

use abi::Errno;
use kcore::addr::Pid;
use kcore::messages::{self, Draft, Mailbox, Message, Sender, Sent};
use kcore::process_table::ProcessSlot;

use super::scheduler::{self, with_scheduler};
use super::{Current, WaitsFor};
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
pub fn send(from: Current, to: Pid, what: u32, draft: Draft<'_>) -> Result<(), Errno> {
    run_receiver(post(from, to, what, draft)?);
    Ok(())
}

/// Puts a message into a queue. Whose wait that ends is to run: [`wait_for_first`] sees to it.
///
/// # Errors
/// See [`messages::SendError`]; nothing has changed then.
#[inline]
pub fn post(from: Current, to: Pid, what: u32, draft: Draft<'_>) -> Result<Sent, Errno> {
    let from = Sender { pid: from.pid, slot: from.slot };
    with_scheduler(|scheduler| messages::send(&mut scheduler.table, from, to, what, draft)).map_err(Errno::from)
}

/// Lets the receiver of what was sent run, if its wait has ended.
#[inline]
fn run_receiver(sent: Sent) {
    if let Sent::Awaited(receiver) = sent {
        scheduler::hand_over(receiver);
    }
}

/// What `look` sees of the first message of the current process; `None` if it has none.
#[inline]
pub fn look_at_first<R>(owner: ProcessSlot, look: impl FnOnce(&Message) -> R) -> Option<R> {
    with_mailbox(owner, |mailbox| mailbox.first().map(look))
}

/// Blocks the current process until it has a message; then looks at it. If what it `sent` before has ended another's wait, that one
/// runs meanwhile.
///
/// # Errors
/// `TimedOut` if it has none by then. Some error, too, if the process was killed meanwhile.
#[inline]
pub fn wait_for_first<R>(
    owner: ProcessSlot,
    patience: Patience,
    mut sent: Sent,
    mut look: impl FnMut(&Message) -> R,
) -> Result<R, Errno> {
    let deadline = match patience {
        Patience::None => {
            run_receiver(sent);
            return look_at_first(owner, look).ok_or(Errno::TimedOut);
        }
        Patience::Milliseconds(time) => Some(timer::deadline(time)),
        Patience::Endless => None,
    };
    loop {
        if let Some(seen) = with_mailbox(owner, |mailbox| mailbox.first_or_await().map(&mut look)) {
            run_receiver(sent);
            return Ok(seen);
        }
        let blocked = match (mem::replace(&mut sent, Sent::Queued), deadline) {
            (Sent::Awaited(receiver), _) => {
                scheduler::hand_over_and_block(receiver, WaitsFor::Message, deadline).map_err(Errno::from)
            }
            (Sent::Queued, None) => scheduler::block_unless_killed(WaitsFor::Message).map_err(Errno::from),
            (Sent::Queued, Some(deadline)) if !deadline.has_passed(timer::now()) => {
                scheduler::block_until(deadline, WaitsFor::Message).map_err(Errno::from)
            }
            (Sent::Queued, Some(_)) => Err(Errno::TimedOut),
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
