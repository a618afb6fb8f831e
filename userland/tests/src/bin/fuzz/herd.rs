//! Runs a number of cases: several at a time, and none of them for long.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use fuzz_core::calls::{self, PROGRAM};
use fuzz_core::{Random, elf};
use libsys::abi::FaultKind;
use libsys::abi::device::Streams;
use libsys::abi::record::ExitStatus;
use libsys::files::{self, File};
use libsys::process::{self, Process};
use libsys::test::{Failure, Verdict};
use libsys::{Error, ExitReason, check, println};

use crate::{Cases, Kind};

/// Programs that make calls side by side.
const CALLERS: u64 = 6;
/// Calls that each of them makes.
const CALLS_EACH: u64 = 2000;
/// Calls that a herd makes.
pub const CALLS_PER_HERD: u64 = CALLERS * CALLS_EACH;
/// Programs of machine code that run side by side.
const CODE_GROUP: u64 = 24;
/// Program files that run side by side.
const ELF_GROUP: u64 = 12;
/// How long a group of them may run. A program that loops is ended then.
const PATIENCE_MS: u32 = 40;

/// Runs the cases: the exit code.
pub fn run(cases: Cases, protected: &[u32]) -> u32 {
    let result = match cases.kind {
        Kind::Calls => run_callers(cases, protected),
        Kind::Code => in_groups(cases, CODE_GROUP, run_code),
        Kind::Elf => in_groups(cases, ELF_GROUP, run_files),
    };
    match result {
        Ok(()) => 0,
        Err(failure) => {
            println!("fuzz: FOUND: {}", failure.text());
            1
        }
    }
}

fn in_groups(cases: Cases, size: u64, run_group: fn(Cases, Streams) -> Verdict) -> Verdict {
    let nothing = File::open("null")?;
    let handle = nothing.handle();
    let streams = Streams { input: handle, output: handle, errors: handle };
    let end = cases.first + cases.count;
    let mut first = cases.first;
    while first < end {
        let count = (end - first).min(size);
        println!("fuzz: at {first}");
        run_group(Cases { first, count, ..cases }, streams)?;
        first += count;
    }
    Ok(())
}

/// Programs that make calls, side by side. They may end one another.
fn run_callers(cases: Cases, protected: &[u32]) -> Verdict {
    let nothing = File::open("null")?;
    let handle = nothing.handle();
    let streams = Streams { input: handle, output: handle, errors: handle };
    let mut random = Random::new(cases.seed, cases.first);
    let own = [1, process::pid()];
    let protected: Vec<String> = own.iter().chain(protected).map(ToString::to_string).collect();
    let mut callers = BTreeMap::new();
    for tag in 0..CALLERS {
        let seed = u64::from(random.word()) << 32 | u64::from(random.word());
        let steps = cases.count / CALLERS + u64::from(tag < cases.count % CALLERS);
        let words = ["caller".to_string(), seed.to_string(), steps.to_string(), tag.to_string()];
        let words = words.iter().chain(&protected).map(String::as_str);
        callers.insert(Process::spawn_with(PROGRAM, words, streams)?.pid(), tag);
    }
    let mut verdict = Ok(());
    while !callers.is_empty() {
        let ExitStatus { pid, reason, .. } = process::wait_any()?;
        let Some(tag) = callers.remove(&pid) else { continue };
        let is_right = match reason {
            ExitReason::Exited(code) => code == 0 || code == 3,
            ExitReason::Killed(_) => true,
            ExitReason::Fault { kind, .. } => kind == FaultKind::StackRefused,
        };
        if !is_right && verdict.is_ok() {
            verdict = Err(format!("caller {tag} {reason}").into());
            // What the others say from now on is of no use.
            callers.keys().for_each(|pid| process::kill(*pid).unwrap_or_default());
        }
    }
    remove_files();
    verdict
}

/// Programs that were ended have left theirs.
fn remove_files() {
    for tag in 0..CALLERS {
        let tag = u32::try_from(tag).unwrap_or(0);
        // Most are gone already.
        for name in calls::own_names(tag).into_iter().chain([format!("fuzz-edge-{tag}")]) {
            files::remove(&name).ok();
        }
    }
    for name in calls::SHARED_NAMES {
        files::remove(name).ok();
    }
}

/// A group of random programs.
fn run_code(cases: Cases, streams: Streams) -> Verdict {
    let mut group = Group::default();
    for case in cases.first..cases.first + cases.count {
        let words = ["run".to_string(), cases.seed.to_string(), case.to_string()];
        group.add(case, Process::spawn_with(PROGRAM, &words, streams))?;
    }
    // They may do whatever a process may: each way to end is right but for one.
    group.wait(streams, |case, reason| {
        check!(!is_disk_error(reason), "program {case} {reason}");
        Ok(())
    })
}

/// A group of mutated program files.
fn run_files(cases: Cases, streams: Streams) -> Verdict {
    let mut group = Group::default();
    let mut intact = Vec::new();
    for case in cases.first..cases.first + cases.count {
        let file = elf::generate(cases.seed, case);
        let name = format!("fuzz-elf-{}", case % ELF_GROUP);
        write_file(&name, &file.bytes)?;
        let words = ["file".to_string(), case.to_string()];
        let started = Process::spawn_with(&name, &words, streams);
        match started {
            Err(Error::NotExecutable) if !file.is_intact => {}
            started => {
                if file.is_intact && started.is_ok() {
                    intact.push(case);
                }
                group.add(case, started)?;
            }
        }
        // A file that runs goes on running without a name.
        files::remove(&name)?;
    }
    group.wait(streams, |case, reason| {
        check!(!is_disk_error(reason), "program file {case} {reason}");
        let is_right =
            !intact.contains(&case) || matches!(reason, ExitReason::Exited(elf::INTACT_EXIT) | ExitReason::Killed(_));
        check!(is_right, "the intact program file {case} {reason}");
        Ok(())
    })
}

/// The disk works, and no file is cut short while it is mapped.
const fn is_disk_error(reason: ExitReason) -> bool {
    matches!(reason, ExitReason::Fault { kind: FaultKind::PageReadError, .. })
}

fn write_file(name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let mut file = File::create(name)?;
    file.write_all(bytes)?;
    Ok(())
}

/// Processes that run side by side, by pid, each with the number of its case.
#[derive(Default)]
struct Group(BTreeMap<u32, u64>);

impl Group {
    /// Adds a process that was started. That memory is short is no mistake.
    fn add(&mut self, case: u64, started: Result<Process, Error>) -> Verdict {
        match started {
            Ok(process) => {
                self.0.insert(process.pid(), case);
            }
            Err(Error::OutOfMemory) => {}
            Err(error) => return Err(format!("case {case} was not started: {error}").into()),
        }
        Ok(())
    }

    /// Waits for all of them, ends those that take too long, and has each end judged.
    fn wait(mut self, streams: Streams, judge: impl Fn(u64, ExitReason) -> Verdict) -> Verdict {
        let mut clock = clock(streams)?;
        while !self.0.is_empty() {
            let ExitStatus { pid, reason, .. } = process::wait_any()?;
            if pid == clock {
                if reason == ExitReason::Exited(0) {
                    // One may have ended already.
                    self.0.keys().for_each(|pid| process::kill(*pid).unwrap_or_default());
                }
                // A random program may have ended the clock.
                clock = crate::herd::clock(streams)?;
            } else if let Some(case) = self.0.remove(&pid) {
                judge(case, reason)?;
            }
        }
        // It may have ended already.
        process::kill(clock).ok();
        process::wait_for(clock)?;
        Ok(())
    }
}

/// A child that ends when the time is up.
fn clock(streams: Streams) -> Result<u32, Error> {
    let words = ["nap".to_string(), PATIENCE_MS.to_string(), "0".to_string()];
    Process::spawn_with(PROGRAM, &words, streams).map(|child| child.pid())
}
