//! Reading from a file: by a call of the kernel, and from a server that is a program.

use libsys::files::{self, File};
use libsys::message::{self, Buffer, Message};
use libsys::process::Process;
use libsys::{Error, ExitReason};

use crate::stopwatch::Stopwatch;

/// The argument of the program that serves.
pub const SERVE: &str = "serve";

const WARM_UP: u32 = 2_000;
const TIMED: u32 = 20_000;

/// Bytes of one read: as many as a message carries.
const READ_BYTES: usize = 1024;
/// Bytes of the file. All of it stays in memory.
const FILE_BYTES: u32 = 64 << 10;
const FILE: &str = "bench-file";

/// The message after which the server ends.
const END: u32 = u32::MAX;

/// The byte of the file at this position.
const fn byte_at(offset: usize) -> u8 {
    (offset / 256).wrapping_mul(7).to_le_bytes()[0]
}

/// Both measurements. Each reads the same bytes, and copies them to the same place.
pub fn read_by_call_and_by_message() -> Result<(), Error> {
    let mut place = [0; READ_BYTES];
    let mut file = File::create(FILE)?;
    file.write_all(&contents())?;
    timed("read", |offset| {
        file.seek(offset)?;
        file.read(&mut place)?;
        check(offset, &place)
    })?;
    drop(file);
    files::remove(FILE)?;

    let server = Process::spawn("bench", [SERVE])?;
    let mut buffer = Buffer::new();
    timed("served", |offset| {
        let answer = message::send_and_wait(&mut buffer, server.pid(), offset, &[], None)?;
        place.copy_from_slice(answer.bytes.get(..READ_BYTES).ok_or(Error::InvalidArgument)?);
        check(offset, &place)
    })?;
    message::send(server.pid(), END, &[])?;
    if server.wait()?.reason == ExitReason::Exited(0) { Ok(()) } else { Err(Error::InvalidArgument) }
}

fn contents() -> [u8; FILE_BYTES as usize] {
    core::array::from_fn(byte_at)
}

/// Measures one way to read, at one position of the file after the other.
fn timed(name: &str, mut read: impl FnMut(u32) -> Result<(), Error>) -> Result<(), Error> {
    let mut offsets = (0..FILE_BYTES).step_by(READ_BYTES).cycle();
    let mut next = || offsets.next().map_or(Ok(()), &mut read);
    (0..WARM_UP).try_for_each(|_| next())?;
    let watch = Stopwatch::start();
    (0..TIMED).try_for_each(|_| next())?;
    watch.stop().report(name, TIMED);
    Ok(())
}

fn check(offset: u32, bytes: &[u8; READ_BYTES]) -> Result<(), Error> {
    let offset = offset as usize;
    let is_right = bytes[0] == byte_at(offset) && bytes[READ_BYTES - 1] == byte_at(offset + READ_BYTES - 1);
    if is_right { Ok(()) } else { Err(Error::InvalidArgument) }
}

/// Answers each message with the bytes of the file at the position that the message names.
pub fn serve() -> Result<(), Error> {
    let contents = contents();
    let mut buffer = Buffer::new();
    let mut received = message::wait(&mut buffer, None)?;
    while received.what != END {
        let Message { sender, what, .. } = received;
        let from = what as usize;
        let bytes = contents.get(from..from + READ_BYTES).ok_or(Error::InvalidArgument)?;
        received = message::send_and_wait(&mut buffer, sender, what, bytes, None)?;
    }
    Ok(())
}
