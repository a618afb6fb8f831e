//! Messages to another process and back, and changing to another process.

use alloc::string::ToString;

use libsys::message::{self, Buffer, Message};
use libsys::process::{self, Process};
use libsys::{Error, ExitReason};

use crate::stopwatch::Stopwatch;

/// The argument of the program that answers.
pub const ECHO: &str = "echo";
/// The argument of the program that gives way.
pub const YIELD: &str = "yield";

const WARM_UP: u32 = 2_000;
const TIMED: u32 = 20_000;
/// How often the other program gives way more than it must: a process that starts or stops has the CPU a little longer.
const SPARE: u32 = 100;

/// The message after which the answering program answers in its other way.
const CHANGE: u32 = u32::MAX - 1;
/// The message after which it ends.
const END: u32 = u32::MAX;

/// Both measurements.
pub fn round_trip_and_switch() -> Result<(), Error> {
    let partner = Process::spawn("bench", [ECHO])?;
    let pid = partner.pid();
    let mut buffer = Buffer::new();
    round_trips("roundtrip", |what| request(pid, what, &mut buffer))?;
    message::send(pid, CHANGE, &[])?;
    round_trips("apart", |what| send_then_wait(pid, what, &mut buffer))?;
    message::send(pid, END, &[])?;
    expect_success(partner)?;

    let partner = Process::spawn("bench", [YIELD, &process::pid().to_string()])?;
    message::wait(&mut buffer, None)?;
    (0..WARM_UP).for_each(|_| process::yield_now());
    let watch = Stopwatch::start();
    (0..TIMED).for_each(|_| process::yield_now());
    // There and back again.
    watch.stop().report("switch", 2 * TIMED);
    expect_success(partner)
}

/// Measures a way to send one byte and get an answer.
fn round_trips(name: &str, mut round: impl FnMut(u32) -> Result<(), Error>) -> Result<(), Error> {
    (0..WARM_UP).try_for_each(&mut round)?;
    let watch = Stopwatch::start();
    (0..TIMED).try_for_each(round)?;
    watch.stop().report(name, TIMED);
    Ok(())
}

/// By one call.
#[inline]
fn request(partner: u32, what: u32, buffer: &mut Buffer) -> Result<(), Error> {
    let [byte, ..] = what.to_le_bytes();
    check(partner, what, message::send_and_wait(buffer, partner, what, &[byte], None)?)
}

/// By one call to send, and one to wait.
#[inline]
fn send_then_wait(partner: u32, what: u32, buffer: &mut Buffer) -> Result<(), Error> {
    let [byte, ..] = what.to_le_bytes();
    message::send(partner, what, &[byte])?;
    check(partner, what, message::wait(buffer, None)?)
}

/// The answer is the one to message `what`.
#[inline]
fn check(partner: u32, what: u32, answer: Message<'_>) -> Result<(), Error> {
    let [byte, ..] = what.to_le_bytes();
    let is_right = (answer.sender, answer.what, answer.bytes) == (partner, what, &[!byte]);
    if is_right { Ok(()) } else { Err(Error::InvalidArgument) }
}

fn expect_success(partner: Process) -> Result<(), Error> {
    if partner.wait()?.reason == ExitReason::Exited(0) { Ok(()) } else { Err(Error::InvalidArgument) }
}

/// Answers every message until the last: each bit of the byte is the other way round. First by one call for an answer and the next
/// message, then by two.
pub fn echo() -> Result<(), Error> {
    let mut buffer = Buffer::new();
    let mut received = message::wait(&mut buffer, None)?;
    while received.what != CHANGE {
        let (sender, what, byte) = question(received)?;
        received = message::send_and_wait(&mut buffer, sender, what, &[!byte], None)?;
    }
    loop {
        let received = message::wait(&mut buffer, None)?;
        if received.what == END {
            return Ok(());
        }
        let (sender, what, byte) = question(received)?;
        message::send(sender, what, &[!byte])?;
    }
}

#[inline]
fn question(received: Message<'_>) -> Result<(u32, u32, u8), Error> {
    let Message { sender, what, bytes: &[byte] } = received else { return Err(Error::InvalidArgument) };
    Ok((sender, what, byte))
}

/// Tells `parent`, and gives way as often as it does.
pub fn yield_often(parent: &str) -> Result<(), Error> {
    message::send(parent.parse().map_err(|_| Error::InvalidArgument)?, 0, &[])?;
    (0..WARM_UP + TIMED + SPARE).for_each(|_| process::yield_now());
    Ok(())
}
