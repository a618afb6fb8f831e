//! `SendMessage` and `WaitForMessage`.

use abi::message::{BUFFER_BYTES, MESSAGE_MAX_BYTES, MessageHeader};
use abi::{Access, Errno, Wire, Writer};
use kcore::addr::Pid;
use kcore::messages::{Body, Draft, Message, SHORT_MAX_BYTES};
use kcore::user_slice::UserSlice;

use super::Caller;
use crate::process::messages::{self, Patience};

const HEADER_BYTES: usize = MessageHeader::SIZE_BYTES as usize;

/// Sends a message. Its bytes are copied in before anything is decided: that may wait for the disk.
#[inline]
pub(super) fn send(caller: Caller, pid: u32, what: u32, bytes: u32, len_bytes: u32) -> Result<u32, Errno> {
    let claim = UserSlice::bytes(bytes, len_bytes)?;
    let (from, to) = (caller.process.slot, Pid::new(pid));
    if len_bytes as usize > SHORT_MAX_BYTES {
        return messages::send(from, to, what, copy_long(caller, claim)?).map(|()| 0);
    }
    let mut bytes = [0; SHORT_MAX_BYTES];
    let len = caller.memory.read(claim, &mut bytes)?.len();
    messages::send(from, to, what, Draft::Short { len, bytes: &bytes }).map(|()| 0)
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

/// Takes the first message. It leaves the queue only once all of it has arrived in the caller's memory, so that none is lost.
#[inline]
pub(super) fn wait(caller: Caller, buffer: u32, milliseconds: u32) -> Result<u32, Errno> {
    let claim = UserSlice::bytes(buffer, BUFFER_BYTES)?;
    let owner = caller.process.slot;
    let mut room = [0; HEADER_BYTES + SHORT_MAX_BYTES];
    let mut look = |message: &Message| encode_short(message, &mut room);
    let short_len = match messages::look_at_first(owner, &mut look) {
        Some(short_len) => short_len,
        None => {
            // Nobody shall wait for what it cannot be given.
            caller.memory.check(claim, Access::Write)?;
            messages::wait_for_first(owner, Patience::from_call(milliseconds), look)?
        }
    };
    // Copying checks all of `claim`, however short the message is.
    let len = match short_len {
        Some(len) => caller.memory.write(claim, &room[..HEADER_BYTES + len]).map(|()| len),
        None => copy_out_long(caller, claim),
    }?;
    messages::remove_first(owner);
    Ok(u32::try_from(len).unwrap_or(0))
}

/// Writes header and bytes of a short message; returns how many bytes it has, `None` if it is a long one.
#[inline]
fn encode_short(message: &Message, room: &mut [u8; HEADER_BYTES + SHORT_MAX_BYTES]) -> Option<usize> {
    let Body::Short { len, bytes } = message.body() else { return None };
    let (header, rest) = room.split_at_mut(HEADER_BYTES);
    message.header().encode(&mut Writer::new(header));
    // All of them: that takes fewer instructions than to look how many there are.
    rest.copy_from_slice(bytes);
    Some(*len)
}

/// Copies header and bytes of the first message, which is a long one, to the start of `claim`; returns how many bytes it has.
#[inline(never)]
fn copy_out_long(caller: Caller, claim: UserSlice) -> Result<usize, Errno> {
    let mut room = [0; BUFFER_BYTES as usize];
    let len = messages::look_at_first(caller.process.slot, |message| {
        let bytes = message.body().bytes();
        let (header, rest) = room.split_at_mut(HEADER_BYTES);
        message.header().encode(&mut Writer::new(header));
        rest[..bytes.len()].copy_from_slice(bytes);
        bytes.len()
    });
    let len = len.unwrap_or(0);
    caller.memory.write(claim, &room[..HEADER_BYTES + len])?;
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
