//! Errands about sharing the CPU, and about other processes.

use core::time::Duration;

use libsys::memory::{PAGE_SIZE, Region};
use libsys::process::{self, Process};
use libsys::{Class, Error, console, message, system};
use tests::PAGE;

use super::rules::number;

/// Runs an errand: its exit code, or `None` if there is none of that name. An errand that ends in an error exits with that error's number.
pub fn run(word: &str, arguments: &[&str]) -> Option<u32> {
    let mut next = arguments.iter().map(|argument| number(argument).unwrap_or(0));
    let mut argument = || next.next().unwrap_or(0);
    let done = match word {
        "spin-sleep" => spin_then_sleep(argument(), argument()),
        "naps" => naps(argument()),
        "yields" => yields(argument()),
        "priority" => set_priority(argument(), argument()),
        "kill" => process::kill(argument()).map(|()| 0),
        "kill-self" => kill_self(),
        "read-lines" => read_lines(),
        "parent" => Process::spawn("assist", ["sleep", "1000000"]).and_then(Process::wait).map(|_| 0),
        "thrash" => thrash(argument()),
        "faults" => faults(),
        "bomb" => Err(bomb()),
        _ => return None,
    };
    Some(done.unwrap_or_else(Error::number))
}

/// Kills itself. Its parent is told if it goes on after that.
fn kill_self() -> Result<u32, Error> {
    let parent = process::info(process::pid())?.parent;
    process::kill(process::pid())?;
    message::send(parent, 0, b"still here").map(|()| 0)
}

/// Uses the CPU for so many milliseconds.
fn spin(milliseconds: u64) -> Result<(), Error> {
    let end = system::time()?.uptime_ms + milliseconds;
    while system::time()?.uptime_ms < end {
        (0..1000).for_each(|step| {
            core::hint::black_box(step);
        });
    }
    Ok(())
}

fn spin_then_sleep(spinning_ms: u32, sleeping_ms: u32) -> Result<u32, Error> {
    spin(spinning_ms.into())?;
    process::sleep(Duration::from_millis(sleeping_ms.into()));
    Ok(0)
}

/// Works a little and sleeps a little, for so many milliseconds.
fn naps(milliseconds: u32) -> Result<u32, Error> {
    let end = system::time()?.uptime_ms + u64::from(milliseconds);
    while system::time()?.uptime_ms < end {
        spin(3)?;
        process::sleep(Duration::from_millis(1));
    }
    Ok(0)
}

/// Uses the CPU for so many milliseconds in all, but gives way before each time slice ends.
fn yields(milliseconds: u32) -> Result<u32, Error> {
    let end = system::time()?.uptime_ms + u64::from(milliseconds);
    while system::time()?.uptime_ms < end {
        spin(2)?;
        process::yield_now();
    }
    Ok(0)
}

/// Puts process `pid` (0: itself) into the class of this number.
fn set_priority(pid: u32, class: u32) -> Result<u32, Error> {
    let class = Class::from_number(class).ok_or(Error::InvalidArgument)?;
    process::set_priority(if pid == 0 { process::pid() } else { pid }, class).map(|()| 0)
}

/// Reads lines for good, not minding the end of the input.
fn read_lines() -> Result<u32, Error> {
    loop {
        console::read_line(&mut [0; 80])?;
    }
}

/// Writes to all its pages, over and over, for good.
fn thrash(pages: u32) -> Result<u32, Error> {
    let mut region = Region::allocate((pages * PAGE_SIZE) as usize)?;
    loop {
        for byte in region.bytes().iter_mut().step_by(PAGE) {
            *byte = byte.wrapping_add(1);
        }
    }
}

/// Touches fresh pages, over and over, for good: hardly anything but page faults, none of which waits if frames are free.
fn faults() -> Result<u32, Error> {
    loop {
        let mut region = Region::allocate(100 * PAGE)?;
        region.bytes().iter_mut().step_by(PAGE).for_each(|byte| *byte = 1);
    }
}

/// Starts programs that start programs, for good, as fast as that is granted. Ends only if it is refused for an odd reason.
fn bomb() -> Error {
    loop {
        match Process::spawn("assist", ["bomb"]) {
            Ok(_) => {}
            Err(Error::OutOfMemory | Error::TooManyProcesses) => process::yield_now(),
            Err(other) => return other,
        }
    }
}
