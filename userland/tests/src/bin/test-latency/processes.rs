//! Loads of processes: many that are created, ended, woken or sent messages at once.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use libsys::message::{self, Buffer};
use libsys::process;
use libsys::{Error, system};

use super::company::{self, Company};

/// The pid of the first program.
const INIT: u32 = 1;

/// Number of processes at once.
const MANY: u32 = 500;

/// Creates many processes, and kills all of them.
pub fn create_and_kill() -> Result<(), Error> {
    Company::start(MANY, &["sleep"])?.kill()
}

/// Creates a process that creates one that creates one, and so on; kills the last of them from the first, and then all.
pub fn kill_in_a_chain() -> Result<(), Error> {
    let (first, last) = start_chain()?;
    process::kill(last)?;
    process::kill(first.pid())?;
    first.wait()?;
    end_orphans()
}

/// Ends such a chain by the Ctrl-C that was typed before.
pub fn end_by_control_c() -> Result<(), Error> {
    let (first, _) = start_chain()?;
    process::set_foreground(Some(first.pid()))?;
    // If nothing was typed, they are killed all the same.
    process::kill(first.pid()).unwrap_or_default();
    first.wait()?;
    process::set_foreground(None)?;
    end_orphans()
}

/// The first process of a chain, and the pid of the last.
fn start_chain() -> Result<(process::Process, u32), Error> {
    let first = company::start(&["chain", &MANY.to_string()])?;
    let mut buffer = Buffer::new();
    let last = message::wait(&mut buffer, None)?.what;
    Ok((first, last))
}

/// Is one process of a chain of this length. The last one tells the first process's parent that it is there.
pub fn chain(length: &str) -> Result<u32, Error> {
    let length: u32 = length.parse().map_err(|_| Error::InvalidArgument)?;
    let top = libsys::Args::new().nth(1).and_then(|pid| pid.parse().ok()).ok_or(Error::InvalidArgument)?;
    if length == 0 {
        message::send(top, process::pid(), &[])?;
    } else {
        let words = [company::CHILD.to_string(), top.to_string(), "chain".to_string(), (length - 1).to_string()];
        process::Process::spawn(company::PROGRAM, words)?;
    }
    loop {
        message::wait(&mut Buffer::new(), None)?;
    }
}

/// Ends the processes of a chain, whose parents have ended, and waits until init knows of the end of each.
fn end_orphans() -> Result<(), Error> {
    loop {
        // A process that has ended has no name any more.
        let mut orphans = process::all().filter(|info| ![INIT, process::pid()].contains(&info.pid)).peekable();
        if orphans.peek().is_none() {
            return Ok(());
        }
        orphans.for_each(|info| process::kill(info.pid).unwrap_or_default());
        process::sleep(Duration::from_millis(10));
    }
}

/// Has many processes sleep until the same tick.
pub fn sleep_until_the_same_tick() -> Result<(), Error> {
    let hz = system::time()?.tsc_hz;
    let tsc = counter() + 3 * hz;
    Company::start_without_waiting(2 * MANY, &["sleep-until", &tsc.to_string(), &hz.to_string()])?.wait()
}

/// Sleeps until the time-stamp counter, which counts `hz` times a second, has this value.
pub fn sleep_until(tsc: &str, hz: &str) -> Result<u32, Error> {
    let number = |word: &str| word.parse::<u64>().map_err(|_| Error::InvalidArgument);
    // `Time` would begin a new measurement.
    let left = number(tsc)?.saturating_sub(counter());
    process::sleep(Duration::from_millis(left * 1000 / number(hz)?));
    Ok(0)
}

/// The time-stamp counter.
fn counter() -> u64 {
    // SAFETY: programs are built for the i586, which has the counter, and the kernel lets ring 3 read it.
    unsafe { core::arch::x86::_rdtsc() }
}

/// Has processes send each other as many long messages as they can.
pub fn send_messages() -> Result<(), Error> {
    let receivers = Company::start(20, &["sleep"])?;
    let pids: Vec<String> = receivers.pids().map(|pid| pid.to_string()).collect();
    let words: Vec<&str> = ["send"].into_iter().chain(pids.iter().map(String::as_str)).collect();
    Company::start_without_waiting(20, &words)?.wait()?;
    receivers.kill()
}

/// Sends long messages to these processes.
pub fn send_to(peers: &[&str]) -> Result<u32, Error> {
    let bytes = [7; message::MAX_BYTES];
    for round in 0..50 {
        for peer in peers.iter().filter_map(|pid| pid.parse().ok()) {
            // A queue may be full.
            message::send(peer, round, &bytes).unwrap_or_default();
        }
    }
    Ok(0)
}
