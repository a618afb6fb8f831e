//! Messages to another process and back, and changing to another process.

use alloc::string::ToString;

use libsys::message::{self, Buffer};
use libsys::process::{self, Child};
use libsys::{Errno, ExitReason};

use crate::stopwatch::Stopwatch;

/// The argument of the program that answers.
pub const ECHO: &str = "echo";
/// The argument of the program that gives way.
pub const YIELD: &str = "yield";

const WARM_UP: u32 = 2_000;
const TIMED: u32 = 20_000;
/// How often the other program gives way more than it must: a process that starts or stops has the CPU a little longer.
const SPARE: u32 = 100;

/// The message after which the answering program ends.
const END: u32 = u32::MAX;

/// Both measurements.
pub fn round_trip_and_switch() -> Result<(), Errno> {
    let partner = Child::spawn("bench", [ECHO])?;
    let pid = partner.pid();
    let mut buffer = Buffer::new();
    let mut rounds = |count: u32| (0..count).try_for_each(|what| round(pid, what, &mut buffer));
    rounds(WARM_UP)?;
    let watch = Stopwatch::start();
    rounds(TIMED)?;
    watch.stop().report("roundtrip", TIMED);
    message::send(pid, END, &[])?;
    expect_success(partner)?;

    let partner = Child::spawn("bench", [YIELD, &process::pid().to_string()])?;
    message::wait(&mut buffer, None)?;
    (0..WARM_UP).for_each(|_| process::yield_now());
    let watch = Stopwatch::start();
    (0..TIMED).for_each(|_| process::yield_now());
    // There and back again.
    watch.stop().report("switch", 2 * TIMED);
    expect_success(partner)
}

/// One byte there, and an answer to it back.
fn round(partner: u32, what: u32, buffer: &mut Buffer) -> Result<(), Errno> {
    let [byte, ..] = what.to_le_bytes();
    message::send(partner, what, &[byte])?;
    let answer = message::wait(buffer, None)?;
    let is_right = (answer.sender, answer.what, answer.bytes) == (partner, what, &[!byte]);
    if is_right { Ok(()) } else { Err(Errno::InvalidArgument) }
}

fn expect_success(partner: Child) -> Result<(), Errno> {
    if partner.wait()?.reason == ExitReason::Exited(0) { Ok(()) } else { Err(Errno::InvalidArgument) }
}

/// Answers every message until the last: each bit of the byte is the other way round.
pub fn echo() -> Result<(), Errno> {
    let mut buffer = Buffer::new();
    loop {
        let received = message::wait(&mut buffer, None)?;
        if received.what == END {
            return Ok(());
        }
        let &[byte] = received.bytes else { return Err(Errno::InvalidArgument) };
        message::send(received.sender, received.what, &[!byte])?;
    }
}

/// Tells `parent`, and gives way as often as it does.
pub fn yield_often(parent: &str) -> Result<(), Errno> {
    message::send(parent.parse().map_err(|_| Errno::InvalidArgument)?, 0, &[])?;
    (0..WARM_UP + TIMED + SPARE).for_each(|_| process::yield_now());
    Ok(())
}
