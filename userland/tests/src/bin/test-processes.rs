//! Starting, ending, waiting, sleeping, sharing the CPU.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use libsys::abi::layout::{ARGUMENTS_MAX_BYTES, NAME_MAX_BYTES};
use libsys::process::{self, Process, wait_any, wait_for};
use libsys::test::Verdict;
use libsys::{Args, Error, ExitReason, check, check_eq, system};
use tests::{ASSIST, assist, run};

libsys::tests! {
    exit_codes_reach_the_parent,
    arguments_arrive_byte_by_byte,
    arguments_that_are_too_long_are_refused,
    what_is_no_program_is_not_started,
    names_that_cannot_be_are_refused,
    a_child_can_be_waited_for_once,
    strangers_cannot_be_waited_for,
    any_child_can_be_waited_for,
    orphans_are_adopted,
    a_program_that_never_gives_way_stops_nobody,
    sleeping_is_never_too_short,
    pids_are_not_shared,
    ended_processes_leave_nothing_behind,
    processes_are_refused_when_there_is_no_memory_for_them,
}

/// FNV-1a over the arguments, each followed by a zero byte: what `assist arguments` exits with.
fn checksum(arguments: &[&str]) -> u32 {
    let bytes = arguments.iter().flat_map(|argument| argument.bytes().chain([0]));
    bytes.fold(0x811C_9DC5, |sum: u32, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn exit_codes_reach_the_parent() -> Verdict {
    for (text, code) in [("0", 0), ("1", 1), ("255", 255), ("0xffffffff", u32::MAX)] {
        check_eq!(assist(&["exit", text])?, ExitReason::Exited(code));
    }
    Ok(())
}

fn arguments_arrive_byte_by_byte() -> Verdict {
    check_eq!(Args::program_name(), "test-processes");
    let long = "x".repeat(1000);
    for words in [&[][..], &[""], &["a", "", "b c", "", ""], &["ä€", "--help", "%20"], &[&long]] {
        let words: Vec<&str> = words.to_vec();
        let all: Vec<&str> = ["arguments"].into_iter().chain(words.iter().copied()).collect();
        check_eq!(assist(&all)?, ExitReason::Exited(checksum(&words)));
    }
    Ok(())
}

fn arguments_that_are_too_long_are_refused() -> Verdict {
    let room = ARGUMENTS_MAX_BYTES as usize - "assist\0arguments\0\0".len();
    let fits = "y".repeat(room);
    check_eq!(assist(&["arguments", &fits])?, ExitReason::Exited(checksum(&[&fits])));
    check_eq!(assist(&["arguments", &"y".repeat(room + 1)]), Err(Error::ArgumentsTooLong));
    check_eq!(assist(&[&"y".repeat(5000)]), Err(Error::ArgumentsTooLong));
    Ok(())
}

fn what_is_no_program_is_not_started() -> Verdict {
    check_eq!(run("nosuchprogram", &[]).err(), Some(Error::NoSuchFile));
    for file in ["notaprogram", "empty", "cutshort"] {
        check_eq!(run(file, &[]).err(), Some(Error::NotExecutable));
    }
    check_eq!(run("swap", &[]).err(), Some(Error::NotPermitted));
    Ok(())
}

fn names_that_cannot_be_are_refused() -> Verdict {
    check_eq!(run("", &[]).err(), Some(Error::BadName));
    let longest = "n".repeat(NAME_MAX_BYTES as usize);
    check_eq!(run(&longest, &[]).err(), Some(Error::NoSuchFile));
    check_eq!(run(&(longest + "n"), &[]).err(), Some(Error::BadName));
    let not_utf8 = [0xFFu8, 0xFE];
    let place = u32::try_from(not_utf8.as_ptr().expose_provenance())?;
    check_eq!(libsys::call::create_process(place, 2, 0, 0, 0), Err(Error::BadName));
    Ok(())
}

fn a_child_can_be_waited_for_once() -> Verdict {
    let child = Process::spawn(ASSIST, ["exit", "5"])?;
    let pid = child.pid();
    let status = child.wait()?;
    check_eq!((status.pid, status.reason), (pid, ExitReason::Exited(5)));
    check!(status.account.faults > 0);
    check!(matches!(wait_for(pid), Err(Error::NoSuchProcess | Error::NoChild)));
    Ok(())
}

fn strangers_cannot_be_waited_for() -> Verdict {
    check_eq!(wait_any().err(), Some(Error::NoChild));
    let child = Process::spawn(ASSIST, ["exit", "0"])?;
    for stranger in [1, process::pid(), 1_000_000, u32::MAX] {
        check_eq!(wait_for(stranger).err(), Some(Error::NoSuchProcess));
    }
    child.wait()?;
    Ok(())
}

fn any_child_can_be_waited_for() -> Verdict {
    let started: Vec<Process> = (0..5).map(|_| Process::spawn(ASSIST, ["exit", "0"])).collect::<Result<_, _>>()?;
    let mut expected: Vec<u32> = started.iter().map(Process::pid).collect();
    let mut found: Vec<u32> = (0..5).map(|_| wait_any().map(|status| status.pid)).collect::<Result<_, _>>()?;
    expected.sort_unstable();
    found.sort_unstable();
    check_eq!(found, expected);
    check_eq!(wait_any().err(), Some(Error::NoChild));
    Ok(())
}

fn orphans_are_adopted() -> Verdict {
    let before = system::info()?.processes;
    check_eq!(assist(&["orphan"])?, ExitReason::Exited(0));
    // The orphan sleeps still; init waits for it when it ends.
    check_eq!(wait_any().err(), Some(Error::NoChild));
    for _ in 0..100 {
        if system::info()?.processes == before {
            return Ok(());
        }
        process::sleep(Duration::from_millis(20));
    }
    Err("the orphan was never waited for".into())
}

fn a_program_that_never_gives_way_stops_nobody() -> Verdict {
    let spinners = [Process::spawn(ASSIST, ["spin", "300"])?, Process::spawn(ASSIST, ["spin", "300"])?];
    let quick = Process::spawn(ASSIST, ["exit", "0"])?;
    check_eq!(wait_any()?.pid, quick.pid());
    for spinner in spinners {
        check_eq!(spinner.wait()?.reason, ExitReason::Exited(0));
    }
    Ok(())
}

fn sleeping_is_never_too_short() -> Verdict {
    for milliseconds in [0, 1, 9, 10, 11, 50] {
        let before = system::time()?;
        process::sleep(Duration::from_millis(milliseconds));
        let after = system::time()?;
        check!(after.uptime_ms - before.uptime_ms >= milliseconds, "{milliseconds} ms");
    }
    Ok(())
}

fn pids_are_not_shared() -> Verdict {
    let children: Vec<Process> = (0..10).map(|_| Process::spawn(ASSIST, ["sleep", "20"])).collect::<Result<_, _>>()?;
    let mut pids: Vec<u32> = children.iter().map(Process::pid).chain([process::pid(), 1]).collect();
    pids.sort_unstable();
    pids.dedup();
    check_eq!(pids.len(), 12);
    children.into_iter().try_for_each(|child| child.wait().map(|_| ()))?;
    Ok(())
}

fn ended_processes_leave_nothing_behind() -> Verdict {
    let round = || (0..20).try_for_each(|_| run(ASSIST, &["keep", "1", "30", "0"]).map(|_| ()));
    round()?;
    let before = system::info()?;
    round()?;
    round()?;
    let after = system::info()?;
    check_eq!(after.kernel_frames_free, before.kernel_frames_free);
    check_eq!(after.frames_free, before.frames_free);
    check_eq!(after.slots_free, before.slots_free);
    Ok(())
}

fn processes_are_refused_when_there_is_no_memory_for_them() -> Verdict {
    let mut children = Vec::with_capacity(4096);
    let refusal = loop {
        // A program with a heap needs more memory once it runs.
        match Process::spawn("sleeper", ["1500"]) {
            Ok(child) => children.push(child),
            Err(error) => break error,
        }
    };
    check!(matches!(refusal, Error::OutOfMemory | Error::TooManyProcesses), "{refusal}");
    check!(children.len() > 50, "only {} processes", children.len());
    // Whoever was started is not harmed by those that were not.
    for child in children {
        check_eq!(child.wait()?.reason, ExitReason::Exited(0));
    }
    let name = String::from(ASSIST);
    check_eq!(run(&name, &["exit", "3"])?.reason, ExitReason::Exited(3));
    Ok(())
}
