//! Messages between processes.
//!
//! A message is a word `what` and up to [`MAX_BYTES`] bytes. The kernel copies it into the receiver's queue when it is sent, and adds
//! who sent it. Messages of one sender arrive in the order in which they were sent.
//!
//! ```no_run
//! use libsys::message;
//!
//! let mut buffer = message::Buffer::new();
//! loop {
//!     let received = message::wait(&mut buffer, None)?;
//!     message::send(received.sender, received.what + 1, received.bytes)?;
//! }
//! # #[allow(unreachable_code)]
//! # Ok::<(), libsys::Error>(())
//! ```

use core::time::Duration;

use crate::Error;
use abi::message::{BUFFER_BYTES, MessageHeader};
use abi::{Reader, Wire, Writer};

use crate::call;
use crate::memory::{address, length};

/// The most bytes that a message can carry.
///
/// ```no_run
/// use libsys::{Error, message, process};
///
/// let bytes = [0; message::MAX_BYTES + 1];
/// assert_eq!(message::send(process::pid(), 0, &bytes), Err(Error::MessageTooLong));
/// ```
pub const MAX_BYTES: usize = abi::message::MESSAGE_MAX_BYTES as usize;

const HEADER_BYTES: usize = MessageHeader::SIZE_BYTES as usize;

/// Room for one message of any length. It can be used again for the next.
///
/// ```no_run
/// let mut buffer = libsys::message::Buffer::new();
/// let what = libsys::message::wait(&mut buffer, None)?.what;
/// # Ok::<(), libsys::Error>(())
/// ```
#[derive(Debug)]
pub struct Buffer([u8; BUFFER_BYTES as usize]);

impl Buffer {
    /// An empty buffer.
    ///
    /// ```no_run
    /// let buffer = libsys::message::Buffer::new();
    /// ```
    pub const fn new() -> Self {
        Self([0; BUFFER_BYTES as usize])
    }

    /// The message that the kernel has put here, with `len` bytes.
    #[inline]
    fn received(&self, len: u32) -> Result<Message<'_>, Error> {
        let (header, bytes) = self.0.split_at(HEADER_BYTES);
        let MessageHeader { pid: sender, what } =
            MessageHeader::decode(&mut Reader::new(header)).ok_or(Error::InvalidArgument)?;
        Ok(Message { sender, what, bytes: bytes.get(..len as usize).ok_or(Error::InvalidArgument)? })
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self::new()
    }
}

/// A message that has arrived.
///
/// ```no_run
/// use libsys::message::{self, Buffer, Message};
///
/// let mut buffer = Buffer::new();
/// let Message { sender, what, bytes } = message::wait(&mut buffer, None)?;
/// libsys::println!("process {sender} says {what}, with {} bytes", bytes.len());
/// # Ok::<(), libsys::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The pid of the process that sent it.
    pub sender: u32,
    /// What it is about.
    pub what: u32,
    /// What it carries.
    pub bytes: &'a [u8],
}

/// Sends a message to the process with this pid. If that waits for one, it runs at once, and this process again in its turn.
///
/// ```no_run
/// use libsys::{message, process};
///
/// message::send(process::find("clock")?, 1, b"what time is it?")?;
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// `MessageTooLong`, `NoSuchProcess` if there is none or it has ended, `QueueFull` if it has to read others first, `TooManyUnread` if
/// others have to read what this process has sent them, `OutOfMemory`.
#[inline]
pub fn send(pid: u32, what: u32, bytes: &[u8]) -> Result<(), Error> {
    call::send_message(pid, what, address(bytes.as_ptr()), length(bytes.len())).map(|_| ())
}

/// Takes the first message of this process's queue. If there is none, waits for one: no longer than `timeout`, rounded up to
/// milliseconds, or as long as it takes.
///
/// ```no_run
/// use core::time::Duration;
/// use libsys::{Error, message, println};
///
/// let mut buffer = message::Buffer::new();
/// match message::wait(&mut buffer, Some(Duration::from_millis(500))) {
///     Ok(received) => println!("{received:?}"),
///     Err(Error::TimedOut) => println!("nobody wrote"),
///     Err(error) => return Err(error),
/// }
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// `TimedOut` if none has come.
#[inline]
pub fn wait(buffer: &mut Buffer, timeout: Option<Duration>) -> Result<Message<'_>, Error> {
    let len = call::wait_for_message(address(buffer.0.as_mut_ptr()), timeout.map_or(u32::MAX, milliseconds))?;
    buffer.received(len)
}

/// [`send`] and [`wait`] in one, and faster: for a request and its answer. A receiver that waits for a message runs in this process's
/// place until it has answered. The buffer holds the message on its way there, too.
///
/// What comes first is returned, whoever sent it.
///
/// ```no_run
/// use core::time::Duration;
/// use libsys::{message, println, process};
///
/// let mut buffer = message::Buffer::new();
/// let second = Some(Duration::from_secs(1));
/// let answer = message::send_and_wait(&mut buffer, process::find("clock")?, 1, b"what time is it?", second)?;
/// println!("{:?}", answer.bytes);
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// Those of [`send`]: nothing was sent. `TimedOut`: it was, and no message has come.
#[inline]
pub fn send_and_wait<'a>(
    buffer: &'a mut Buffer,
    pid: u32,
    what: u32,
    bytes: &[u8],
    timeout: Option<Duration>,
) -> Result<Message<'a>, Error> {
    let (header, room) = buffer.0.split_at_mut(HEADER_BYTES);
    MessageHeader { pid, what }.encode(&mut Writer::new(header));
    room.get_mut(..bytes.len()).ok_or(Error::MessageTooLong)?.copy_from_slice(bytes);
    let milliseconds = timeout.map_or(u32::MAX, milliseconds);
    let len = call::send_and_wait(address(buffer.0.as_mut_ptr()), length(bytes.len()), milliseconds)?;
    buffer.received(len)
}

/// A time that has an end: `u32::MAX` would be for ever.
fn milliseconds(timeout: Duration) -> u32 {
    u32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX).min(u32::MAX - 1)
}
