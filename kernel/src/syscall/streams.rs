//! `Write` and `Read`, whatever is behind the handle.

use abi::device::CONSOLE_PART_BYTES;
use abi::{Access, Errno};
use kcore::user_slice::UserSlice;
use kcore::vfs::{ConsoleMode, RandomBytes};

use super::{Caller, files};
use crate::drivers::console;
use crate::process::opened::{self, Device};
use crate::process::scheduler;

/// How much is copied at once.
const CHUNK_BYTES: usize = 256;

const _: () = assert!((CONSOLE_PART_BYTES as usize).is_multiple_of(CHUNK_BYTES), "a part ends with a chunk");

/// What a handle stands for, as far as reading and writing are concerned.
enum Stream {
    File,
    Random(RandomBytes),
    Console(ConsoleMode),
    Null,
}

fn stream(handle: u32) -> Result<Stream, Errno> {
    opened::with_device(handle, |device| match device {
        Device::File(_) => Stream::File,
        Device::Random(bytes) => Stream::Random(*bytes),
        Device::Console(mode) => Stream::Console(*mode),
        Device::Null => Stream::Null,
    })
}

/// Writes to whatever has this handle.
pub(super) fn write(caller: Caller, handle: u32, buffer: u32, len_bytes: u32) -> Result<u32, Errno> {
    let claim = UserSlice::bytes(buffer, len_bytes)?;
    match stream(handle)? {
        Stream::File => files::write(caller, handle, claim, len_bytes),
        Stream::Random(_) => Err(Errno::NotSupported),
        Stream::Console(_) => {
            caller.memory.check(claim, Access::Read)?;
            write_to_console(caller, claim, len_bytes)
        }
        Stream::Null => caller.memory.check(claim, Access::Read).map(|_| len_bytes),
    }
}

fn write_to_console(caller: Caller, claim: UserSlice, len_bytes: u32) -> Result<u32, Errno> {
    let mut chunk = [0; CHUNK_BYTES];
    let mut turn = None;
    in_chunks(len_bytes, |done| {
        if done.is_multiple_of(CONSOLE_PART_BYTES) {
            // The turn before ends here, so that others get theirs between two parts.
            drop(turn.take());
        }
        let turn = match &turn {
            Some(turn) => turn,
            None => turn.insert(console::Turn::begin()?),
        };
        let bytes = caller.memory.read(claim.skip(done), &mut chunk)?;
        turn.write(bytes);
        Ok(bytes.len())
    })
}

/// Reads from whatever has this handle.
pub(super) fn read(caller: Caller, handle: u32, buffer: u32, len_bytes: u32) -> Result<u32, Errno> {
    let claim = UserSlice::bytes(buffer, len_bytes)?;
    let stream = stream(handle)?;
    if !matches!(stream, Stream::File) {
        caller.memory.check(claim, Access::Write)?;
    }
    match stream {
        Stream::File => files::read(caller, handle, claim, len_bytes),
        Stream::Random(bytes) => read_random(caller, handle, bytes, claim, len_bytes),
        Stream::Console(mode) => read_from_console(caller, mode, claim, len_bytes),
        Stream::Null => Ok(0),
    }
}

/// Reads random bytes. Those who share the device may read the same ones, if one has to wait for its memory meanwhile.
fn read_random(
    caller: Caller,
    handle: u32,
    mut bytes: RandomBytes,
    claim: UserSlice,
    len_bytes: u32,
) -> Result<u32, Errno> {
    let mut chunk = [0; CHUNK_BYTES];
    let done = in_chunks(len_bytes, |done| {
        let rest = usize::try_from(len_bytes - done).unwrap_or(usize::MAX);
        let part = &mut chunk[..rest.min(CHUNK_BYTES)];
        bytes.read(part);
        caller.memory.write(claim.skip(done), part).map(|()| part.len())
    })?;
    opened::with_device(handle, |device| device.seek(done))??;
    Ok(done)
}

/// Reads a line or some keys, or as many of these as fit.
fn read_from_console(caller: Caller, mode: ConsoleMode, claim: UserSlice, len_bytes: u32) -> Result<u32, Errno> {
    let mut chunk = [0; CHUNK_BYTES];
    let len = chunk.len().min(len_bytes as usize);
    let bytes = console::read(mode, &mut chunk[..len])?;
    caller.memory.write(claim, bytes)?;
    Ok(u32::try_from(bytes.len()).unwrap_or(0))
}

/// Moves `len_bytes` bytes in steps, each of which says how many it moved. An error counts only if nothing was moved before it. A process
/// that was killed moves no more.
fn in_chunks(len_bytes: u32, mut step: impl FnMut(u32) -> Result<usize, Errno>) -> Result<u32, Errno> {
    let mut done = 0;
    while done < len_bytes && !scheduler::is_killed() {
        scheduler::preemption_point();
        match step(done) {
            Ok(count) => done += u32::try_from(count).unwrap_or(0),
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(done)
}
