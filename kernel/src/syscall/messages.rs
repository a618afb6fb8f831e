//! `SendMessage`, `WaitForMessage`, and both in one.

use abi::message::{BUFFER_BYTES, MESSAGE_MAX_BYTES, MessageHeader};
use abi::{Access, Errno, Reader, Wire, Writer};
use kcore::addr::Pid;
use kcore::messages::{Body, Draft, Message, SHORT_MAX_BYTES, Sent};
use kcore::process_table::ProcessSlot;
use kcore::user_slice::UserSlice;

use super::Caller;
use crate::memory::user::Writable;
use crate::process::messages::{self, Patience};

const HEADER_BYTES: usize = MessageHeader::SIZE_BYTES as usize;

/// A short message as it lies in a program's buffer.
type ShortBuffer = [u8; HEADER_BYTES + SHORT_MAX_BYTES];

/// Sends a message. Its bytes are copied in before anything is decided: that may wait for the disk.
#[inline]
pub(super) fn send(caller: Caller, pid: u32, what: u32, bytes: u32, len_bytes: u32) -> Result<u32, Errno> {
    let claim = UserSlice::bytes(bytes, len_bytes)?;
    let (from, to) = (caller.process, Pid::new(pid));
    if len_bytes as usize > SHORT_MAX_BYTES {
        return messages::send(from, to, what, copy_long(caller, claim)?).map(|()| 0);
    }
    let mut bytes = [0; SHORT_MAX_BYTES];
    let len = caller.memory.read(claim, &mut bytes)?.len();
    messages::send(from, to, what, Draft::Short { len, bytes: &bytes }).map(|()| 0)
}

/// Takes the first message. It leaves the queue only once all of it has arrived in the caller's memory, so that none is lost.
#[inline]
pub(super) fn wait(caller: Caller, buffer: u32, milliseconds: u32) -> Result<u32, Errno> {
    // Nobody shall wait for what it cannot be given.
    let place = caller.memory.writable(UserSlice::bytes(buffer, BUFFER_BYTES)?)?;
    receive(caller, place, milliseconds, Sent::Queued, &mut [0; _])
}

/// Sends the message that lies in the buffer, and takes the first one that comes into it.
#[inline]
pub(super) fn send_and_wait(caller: Caller, buffer: u32, len_bytes: u32, milliseconds: u32) -> Result<u32, Errno> {
    let claim = UserSlice::bytes(buffer, BUFFER_BYTES)?;
    let place = caller.memory.writable(claim)?;
    let mut bytes: ShortBuffer = [0; _];
    let sent = if len_bytes as usize > SHORT_MAX_BYTES {
        send_long_from(caller, claim, len_bytes)
    } else {
        caller.memory.read(claim.first(MessageHeader::SIZE_BYTES + len_bytes), &mut bytes)?;
        let (header, rest) = bytes.split_first_chunk().ok_or(Errno::InvalidArgument)?;
        let bytes = rest.first_chunk().ok_or(Errno::InvalidArgument)?;
        post(caller, header, Draft::Short { len: len_bytes as usize, bytes })
    }?;
    receive(caller, place, milliseconds, sent, &mut bytes)
}

/// Sends a message of more than [`SHORT_MAX_BYTES`] bytes that lies in the buffer at `claim`. By itself for the sake of its stack, too.
#[inline(never)]
fn send_long_from(caller: Caller, claim: UserSlice, len_bytes: u32) -> Result<Sent, Errno> {
    if len_bytes > MESSAGE_MAX_BYTES {
        return Err(Errno::MessageTooLong);
    }
    let mut header = [0; HEADER_BYTES];
    caller.memory.read(claim.first(MessageHeader::SIZE_BYTES), &mut header)?;
    let bytes = claim.skip(MessageHeader::SIZE_BYTES).first(len_bytes);
    post(caller, &header, copy_long(caller, bytes)?)
}

/// Puts a message into the queue of whom its header names.
#[inline]
fn post(caller: Caller, header: &[u8; HEADER_BYTES], draft: Draft<'_>) -> Result<Sent, Errno> {
    let MessageHeader { pid, what } = MessageHeader::decode(&mut Reader::new(header)).ok_or(Errno::InvalidArgument)?;
    messages::post(caller.process, Pid::new(pid), what, draft)
}

/// Copies a long message in. By itself, as its room would else be on the stack in every call.
#[inline(never)]
fn copy_long(caller: Caller, claim: UserSlice) -> Result<Draft<'static>, Errno> {
    if claim.len_bytes() > MESSAGE_MAX_BYTES {
        caller.memory.check(claim, Access::Read)?;
        return Err(Errno::MessageTooLong);
    }
    let mut bytes = [0; MESSAGE_MAX_BYTES as usize];
    Ok(Draft::long(caller.memory.read(claim, &mut bytes)?)?)
}

/// Takes the first message, waiting for it if need be. What was `sent` before may have ended another's wait. `room` is for a copy.
#[inline]
fn receive(
    caller: Caller,
    place: Writable,
    milliseconds: u32,
    sent: Sent,
    room: &mut ShortBuffer,
) -> Result<u32, Errno> {
    let owner = caller.process.slot;
    let look = |message: &Message| encode_short(message, room);
    // Copying may wait for the disk, so the message stays in the queue until all of it has arrived.
    let len = match messages::wait_for_first(owner, Patience::from_call(milliseconds), sent, look)? {
        Some(len) => place.write(&room[..HEADER_BYTES + len]).map(|()| len),
        None => copy_out_long(owner, place),
    }?;
    messages::remove_first(owner);
    Ok(u32::try_from(len).unwrap_or(0))
}

/// Writes header and bytes of a short message; returns how many bytes it has, `None` if it is a long one.
#[inline]
fn encode_short(message: &Message, room: &mut ShortBuffer) -> Option<usize> {
    let Body::Short { len, bytes } = message.body() else { return None };
    let (header, rest) = room.split_at_mut(HEADER_BYTES);
    message.header().encode(&mut Writer::new(header));
    // All of them: that takes fewer instructions than to look how many there are.
    rest.copy_from_slice(bytes);
    Some(*len)
}

/// Copies header and bytes of the first message, which is a long one, to `place`; returns how many bytes it has.
#[inline(never)]
fn copy_out_long(owner: ProcessSlot, place: Writable) -> Result<usize, Errno> {
    let mut room = [0; BUFFER_BYTES as usize];
    let len = messages::look_at_first(owner, |message| {
        let bytes = message.body().bytes();
        let (header, rest) = room.split_at_mut(HEADER_BYTES);
        message.header().encode(&mut Writer::new(header));
        rest[..bytes.len()].copy_from_slice(bytes);
        bytes.len()
    });
    let len = len.unwrap_or(0);
    place.write(&room[..HEADER_BYTES + len])?;
    Ok(len)
}

impl Patience {
    const fn from_call(milliseconds: u32) -> Self {
        match milliseconds {
            0 => Self::None,
            u32::MAX => Self::Endless,
            milliseconds => Self::Milliseconds(milliseconds),
        }
    }
}
