//! What the test programs share: starting other programs, and `assist`, which breaks rules on request.
#![no_std]

extern crate alloc;

pub mod mapped;
pub mod written;

use alloc::format;
use core::time::Duration;

use libsys::abi::record::ExitStatus;
use libsys::memory::{PAGE_SIZE, Region};
use libsys::process::{self, Process};
use libsys::test::{Failure, Verdict};
use libsys::{Error, ExitReason, check};

/// Bytes of a page.
pub const PAGE: usize = PAGE_SIZE as usize;

/// The program that breaks rules.
pub const ASSIST: &str = "assist";

/// Where test programs register a pool: at an address that nothing else of theirs is near.
pub const POOL: u32 = 0x2000_0000;

/// What a message is about at which `assist echo` ends.
pub const END: u32 = u32::MAX;

/// Runs a program to its end.
///
/// # Errors
/// An [`Error`] if it cannot be started.
pub fn run(program: &str, arguments: &[&str]) -> Result<ExitStatus, Error> {
    Process::spawn(program, arguments)?.wait()
}

/// Has `assist` do something, and returns how it ended.
///
/// # Errors
/// An [`Error`] if it cannot be started.
pub fn assist(arguments: &[&str]) -> Result<ExitReason, Error> {
    run(ASSIST, arguments).map(|status| status.reason)
}

/// The address of the instruction with which `assist` breaks a rule.
///
/// # Errors
/// If it knows no such rule.
pub fn instruction_of(rule: &str) -> Result<u32, Failure> {
    match assist(&["where", rule])? {
        ExitReason::Exited(address) if address > 2 => Ok(address),
        other => Err(format!("assist does not know `{rule}`: {other}").into()),
    }
}

/// Fills words with a pattern made of `seed`.
pub fn fill(words: &mut [u32], seed: u32) {
    for (index, word) in (0u32..).zip(words) {
        *word = pattern(seed, index);
    }
}

/// The words hold the pattern of `seed`.
pub fn holds(words: &[u32], seed: u32) -> bool {
    (0u32..).zip(words).all(|(index, &word)| word == pattern(seed, index))
}

const fn pattern(seed: u32, index: u32) -> u32 {
    (seed ^ index.wrapping_mul(0x9E37_79B1)).wrapping_mul(0x85EB_CA77) ^ index
}

/// Uses so many pages that everything else is borrowed if frames are few.
///
/// # Errors
/// If they are not granted, or do not keep what is in them.
pub fn sweep() -> Verdict {
    let mut region = Region::allocate(200 * PAGE)?;
    for seed in 0..3 {
        fill(region.words(), seed);
        check!(holds(region.words(), seed));
    }
    Ok(())
}

/// Waits until something holds that others bring about.
///
/// # Errors
/// If it does not for a long time.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) -> Result<(), Failure> {
    const PATIENCE: u32 = 2000;
    for _ in 0..PATIENCE {
        if holds() {
            return Ok(());
        }
        process::sleep(Duration::from_millis(10));
    }
    Err(format!("in vain until {what}").into())
}

/// Kills a child, and checks that it ends by that.
///
/// # Errors
/// If it does not.
pub fn finish(child: Process) -> Result<(), Failure> {
    process::kill(child.pid())?;
    match child.wait()?.reason {
        ExitReason::Killed(by) if by == process::pid() => Ok(()),
        other => Err(format!("a child was killed, but {other}").into()),
    }
}
