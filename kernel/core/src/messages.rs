//! Messages between processes: whose queue they get into, and when that is refused.
//!
//! Every process that is alive has a [`Mailbox`] in its payload, so that an ended one holds no queue. A message is copied in when it is
//! sent, and stays in the receiver's mailbox until [`remove_first`], which is called once its bytes have arrived.
//!
//! What programs can make the kernel keep is bounded twice: by the places of each queue, and, since long messages have memory of their
//! own, by the unread bytes of each sender.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use abi::Errno;
use abi::message::{MESSAGE_MAX_BYTES, MessageHeader};

use crate::addr::Pid;
use crate::process_table::{ProcessSlot, ProcessTable};

/// The most messages that wait in one queue.
pub const QUEUE_PLACES: usize = 64;
/// The most bytes in long messages that one sender has sent and nobody has read.
pub const UNREAD_MAX_BYTES: usize = 32 << 10;
/// A message of at most so many bytes lies in the queue itself; a longer one has memory of its own.
pub const SHORT_MAX_BYTES: usize = 32;

/// Who sends a message.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    /// Its pid.
    pub pid: Pid,
    /// Its place in the table.
    pub slot: ProcessSlot,
}

/// A copy of what was sent.
pub struct Message {
    /// Who sent it. Another may be in that slot by now.
    sender: Sender,
    what: u32,
    body: Body,
}

/// What a message is to carry.
pub enum Draft<'a> {
    /// The first `len` of these bytes, which are copied into the queue itself.
    Short {
        /// How many bytes there are, at most [`SHORT_MAX_BYTES`].
        len: usize,
        /// The bytes, and what is behind them.
        bytes: &'a [u8; SHORT_MAX_BYTES],
    },
    /// More than that, in memory of their own.
    Long(Box<[u8]>),
}

/// What a message carries.
pub enum Body {
    /// The first `len` of these bytes.
    Short {
        /// How many bytes there are, at most [`SHORT_MAX_BYTES`].
        len: usize,
        /// The bytes, and what is behind them.
        bytes: [u8; SHORT_MAX_BYTES],
    },
    /// More than that.
    Long(Box<[u8]>),
}

/// A process's messages.
#[derive(Default)]
pub struct Mailbox {
    /// The message that came first lies here: a queue of one needs no other memory. Without it there are no others.
    first: Option<Message>,
    others: VecDeque<Message>,
    /// The owner is blocked until a message comes.
    is_awaited: bool,
    /// The bytes of long messages that the owner has sent and nobody has read.
    unread_bytes: usize,
}

/// A message has got into its receiver's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the receiver may wait for it"]
pub enum Sent {
    /// The receiver will find it when it looks.
    Queued,
    /// This is the receiver, and it was blocked until a message comes. It no longer is: let it run.
    Awaited(ProcessSlot),
}

/// Why a message was not sent. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// It has more than [`MESSAGE_MAX_BYTES`] bytes.
    TooLong,
    /// Nobody has this pid, or that process has ended.
    NoReceiver,
    /// The receiver's queue has [`QUEUE_PLACES`] messages.
    QueueFull,
    /// The sender's long messages that nobody has read would have more than [`UNREAD_MAX_BYTES`].
    TooManyUnread,
    /// The kernel has no memory for the copy.
    OutOfMemory,
}

impl From<SendError> for Errno {
    fn from(error: SendError) -> Self {
        match error {
            SendError::TooLong => Self::MessageTooLong,
            SendError::NoReceiver => Self::NoSuchProcess,
            SendError::QueueFull => Self::QueueFull,
            SendError::TooManyUnread => Self::TooManyUnread,
            SendError::OutOfMemory => Self::OutOfMemory,
        }
    }
}

/// Puts a message into the queue of `to`. The sender is alive.
///
/// # Errors
/// `NoReceiver`, `QueueFull`, `TooManyUnread`, `OutOfMemory`.
#[inline]
pub fn send<T: AsMut<Mailbox>>(
    table: &mut ProcessTable<T>,
    from: Sender,
    to: Pid,
    what: u32,
    draft: Draft<'_>,
) -> Result<Sent, SendError> {
    if let Draft::Long(bytes) = &draft {
        charge(table, from, to, bytes.len())?;
    }
    let (receiver, payload) = table.alive_mut(to).ok_or(SendError::NoReceiver)?;
    let mailbox = payload.as_mut();
    mailbox.check_room()?;
    mailbox.push(from, what, draft);
    Ok(if core::mem::take(&mut mailbox.is_awaited) { Sent::Awaited(receiver) } else { Sent::Queued })
}

/// Charges a long message to its sender, if it can be sent.
#[cold]
fn charge<T: AsMut<Mailbox>>(
    table: &mut ProcessTable<T>,
    from: Sender,
    to: Pid,
    len_bytes: usize,
) -> Result<(), SendError> {
    let (_, receiver) = table.alive_mut(to).ok_or(SendError::NoReceiver)?;
    receiver.as_mut().check_room()?;
    let sender = table.get_mut(from.slot).ok_or(SendError::NoReceiver)?.as_mut();
    let unread_bytes = sender.unread_bytes + len_bytes;
    if unread_bytes > UNREAD_MAX_BYTES {
        return Err(SendError::TooManyUnread);
    }
    sender.unread_bytes = unread_bytes;
    Ok(())
}

/// The owner of this mailbox has got its first message.
#[inline]
pub fn remove_first<T: AsMut<Mailbox>>(table: &mut ProcessTable<T>, owner: ProcessSlot) {
    let Some(payload) = table.get_mut(owner) else { return };
    let mailbox = payload.as_mut();
    match &mailbox.first {
        Some(Message { body: Body::Short { .. }, .. }) if mailbox.others.is_empty() => mailbox.first = None,
        _ => remove_first_slowly(table, owner),
    }
}

#[cold]
fn remove_first_slowly<T: AsMut<Mailbox>>(table: &mut ProcessTable<T>, owner: ProcessSlot) {
    let message = table.get_mut(owner).and_then(|owner| owner.as_mut().pop());
    if let Some(Message { sender, body: Body::Long(bytes), .. }) = message {
        credit(table, sender, bytes.len());
    }
}

/// A long message of `sender` is gone.
fn credit<T: AsMut<Mailbox>>(table: &mut ProcessTable<T>, sender: Sender, len_bytes: usize) {
    if table.pid(sender.slot) == Some(sender.pid)
        && let Some(sender) = table.get_mut(sender.slot)
    {
        sender.as_mut().unread_bytes -= len_bytes;
    }
}

/// The owner of this mailbox is about to end: nobody will read what is in it.
pub fn remove_all<T: AsMut<Mailbox>>(table: &mut ProcessTable<T>, owner: ProcessSlot) {
    while table.get_mut(owner).is_some_and(|owner| owner.as_mut().first.is_some()) {
        remove_first(table, owner);
    }
}

impl Mailbox {
    /// The message that came first.
    #[inline]
    pub const fn first(&self) -> Option<&Message> {
        self.first.as_ref()
    }

    /// The message that came first. If there is none, the owner blocks, and the next sender is told.
    #[inline]
    pub const fn first_or_await(&mut self) -> Option<&Message> {
        self.is_awaited = self.first.is_none();
        self.first.as_ref()
    }

    /// The owner does not wait any longer.
    pub const fn stop_waiting(&mut self) {
        self.is_awaited = false;
    }

    /// Makes sure that there is a place for one more message.
    #[inline]
    fn check_room(&mut self) -> Result<(), SendError> {
        if self.first.is_none() { Ok(()) } else { self.check_room_behind() }
    }

    fn check_room_behind(&mut self) -> Result<(), SendError> {
        if 1 + self.others.len() >= QUEUE_PLACES {
            return Err(SendError::QueueFull);
        }
        self.others.try_reserve(1).map_err(|_| SendError::OutOfMemory)
    }

    /// Adds a message, for which there is room.
    #[inline]
    fn push(&mut self, sender: Sender, what: u32, draft: Draft<'_>) {
        match draft {
            // By itself, so that the bytes are copied right to their place.
            Draft::Short { len, bytes } if self.first.is_none() => {
                self.first = Some(Message { sender, what, body: Body::Short { len, bytes: *bytes } });
            }
            draft => self.push_slowly(Message { sender, what, body: draft.into_body() }),
        }
    }

    #[cold]
    fn push_slowly(&mut self, message: Message) {
        if self.first.is_none() {
            self.first = Some(message);
        } else {
            self.others.push_back(message);
        }
    }

    /// Takes the first message out.
    fn pop(&mut self) -> Option<Message> {
        core::mem::replace(&mut self.first, self.others.pop_front())
    }
}

impl Message {
    /// What the receiver learns of it besides its bytes.
    #[inline]
    pub const fn header(&self) -> MessageHeader {
        MessageHeader { pid: self.sender.pid.number(), what: self.what }
    }

    /// What it carries.
    #[inline]
    pub const fn body(&self) -> &Body {
        &self.body
    }
}

impl Draft<'_> {
    /// A copy of more than [`SHORT_MAX_BYTES`] bytes.
    ///
    /// # Errors
    /// `TooLong`, `OutOfMemory`.
    pub fn long(bytes: &[u8]) -> Result<Self, SendError> {
        if bytes.len() > MESSAGE_MAX_BYTES as usize {
            return Err(SendError::TooLong);
        }
        let mut copy = Vec::new();
        copy.try_reserve_exact(bytes.len()).map_err(|_| SendError::OutOfMemory)?;
        copy.extend_from_slice(bytes);
        Ok(Self::Long(copy.into_boxed_slice()))
    }

    #[inline]
    fn into_body(self) -> Body {
        match self {
            Self::Short { len, bytes } => Body::Short { len, bytes: *bytes },
            Self::Long(bytes) => Body::Long(bytes),
        }
    }
}

impl Body {
    /// All of its bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => &bytes[..*len],
            Self::Long(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests;
