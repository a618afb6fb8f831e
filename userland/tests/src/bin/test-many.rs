//! A thousand processes at once, and as many as there is room for. Init makes this program real-time, or a bomb could start others faster
//! than this program ends them.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use core::time::Duration;

use libsys::abi::record::SystemInfo;
use libsys::process::{self, Process, ProcessState};
use libsys::test::{Failure, Verdict};
use libsys::{Class, Error, ExitReason, check, check_eq, println, system};
use tests::{ASSIST, finish, run, wait_until};

libsys::tests! {
    full_machine_holds_as_many_processes_each_time,
    a_fork_bomb_is_refused_and_can_be_defused,
    a_thousand_processes_sleep_at_once,
}

const MANY: usize = 1000;

fn full_machine_holds_as_many_processes_each_time() -> Verdict {
    run("sleeper", &["0"])?;
    let mut held = Vec::new();
    for _ in 0..3 {
        let before = system::info()?.kernel_frames_free;
        held.push((before, fill_the_machine()?));
    }
    let after = system::info()?.kernel_frames_free;
    println!("free frames of the kernel's own, and processes there was room for: {held:?}; then {after}");
    check!(held.iter().all(|one| *one == held[0]), "{held:?}");
    check_eq!(after, held[0].0, "the kernel keeps frames");
    Ok(())
}

/// Starts processes until one is refused, ends all, and returns their number.
fn fill_the_machine() -> Result<usize, Failure> {
    let mut children = Vec::with_capacity(2 * MANY);
    let refusal = loop {
        match Process::spawn("sleeper", ["1000000"]) {
            Ok(child) => children.push(child),
            Err(refusal) => break refusal,
        }
    };
    check!(matches!(refusal, Error::OutOfMemory | Error::TooManyProcesses), "{refusal}");
    let count = children.len();
    for child in &children {
        process::kill(child.pid())?;
    }
    for child in children {
        check_eq!(child.wait()?.reason, ExitReason::Killed(process::pid()));
    }
    Ok(count)
}

fn a_thousand_processes_sleep_at_once() -> Verdict {
    run("sleeper", &["0"])?;
    let mut children = Vec::with_capacity(MANY);
    let before = system::info()?;
    let started = system::time()?.uptime_ms;
    for _ in 0..MANY {
        children.push(Process::spawn("sleeper", ["1000000"])?);
    }
    let all_sleep = || {
        let sleepers = process::all().filter(|info| info.name.as_str() == "sleeper");
        sleepers.filter(|info| info.state == ProcessState::Sleeping).count() == MANY
    };
    wait_until("a thousand sleep", all_sleep)?;
    let slept = system::time()?.uptime_ms;
    check_eq!(system::info()?.processes, before.processes + 1000);
    for child in &children {
        process::kill(child.pid())?;
    }
    for child in children {
        check_eq!(child.wait()?.reason, ExitReason::Killed(process::pid()));
    }
    let ended = system::time()?.uptime_ms;
    println!("{MANY} processes: started in {} ms, killed in {} ms", slept - started, ended - slept);
    let after = system::info()?;
    check_eq!(after.processes, before.processes);
    check_eq!(after.pages_promised, before.pages_promised);
    check_eq!(after.slots_free, before.slots_free);
    check!(after.frames_free.abs_diff(before.frames_free) <= 8, "{} and {}", after.frames_free, before.frames_free);
    Ok(())
}

fn a_fork_bomb_is_refused_and_can_be_defused() -> Verdict {
    run(ASSIST, &["exit", "0"])?;
    let frames_before = system::info()?.kernel_frames_free;
    set_off_a_bomb()?;
    check_eq!(system::info()?.kernel_frames_free, frames_before, "the kernel keeps frames");
    Ok(())
}

/// Has a bomb fill the machine, and ends it: all that was promised comes back.
fn set_off_a_bomb() -> Verdict {
    let before = system::info()?;
    wait_until("this program may be real-time", || process::set_priority(process::pid(), Class::RealTime).is_ok())?;
    process::set_priority(process::pid(), Class::Interactive)?;
    let bomb = Process::spawn(ASSIST, ["bomb"])?;
    process::set_priority(process::pid(), Class::RealTime)?;
    let refusal = loop {
        match Process::spawn("sleeper", ["1000000"]) {
            Ok(child) => finish(child)?,
            Err(refusal) => break refusal,
        }
        process::sleep(Duration::from_millis(20));
    };
    check!(matches!(refusal, Error::OutOfMemory | Error::TooManyProcesses), "{refusal}");
    let at_most = system::info()?.processes - before.processes;
    // Those that are not reached at once go on starting others, but fewer than are ended.
    wait_until("all are ended", || {
        // So much work may have had it demoted.
        process::set_priority(process::pid(), Class::RealTime).unwrap_or_default();
        let mut bombs = process::all().filter(|info| info.name.as_str() == ASSIST).peekable();
        let none_is_left = bombs.peek().is_none();
        // One that has ended since it was listed is no loss.
        bombs.for_each(|info| process::kill(info.pid).unwrap_or_default());
        none_is_left
    })?;
    check_eq!(bomb.wait()?.reason, ExitReason::Killed(process::pid()));
    check_eq!(process::wait_any().err(), Some(Error::NoChild));
    println!("a fork bomb was refused at {at_most} processes: {refusal}");
    let holds_what_it_held = |after: SystemInfo| {
        (after.processes, after.pages_promised, after.frames_tables)
            == (before.processes, before.pages_promised, before.frames_tables)
    };
    wait_until("init has waited for all", || system::info().is_ok_and(holds_what_it_held))
}
