//! Starts witnesses and herds, and compares the machine's accounts.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use fuzz_core::calls::PROGRAM;
use libsys::process::{self, Process};
use libsys::test::Failure;
use libsys::{ExitReason, check, println};

use crate::accounts::Accounts;
use crate::witness::Witness;
use crate::{Cases, Kind, herd};

/// Runs all cases: the exit code.
pub fn run(cases: Cases) -> u32 {
    match drive(cases) {
        Ok(()) => {
            println!("fuzz: {} {} of seed {} done, nothing found", cases.count, cases.kind.name(), cases.seed);
            0
        }
        Err(failure) => {
            println!("fuzz: FOUND: {}", failure.text());
            1
        }
    }
}

/// The number of cases that one herd runs.
const fn herd_size(kind: Kind) -> u64 {
    match kind {
        Kind::Calls => herd::CALLS_PER_HERD,
        Kind::Code => 480,
        Kind::Elf => 240,
    }
}

fn drive(cases: Cases) -> Result<(), Failure> {
    let witnesses = [Witness::start(1)?, Witness::start(2)?];
    let result = run_herds(cases, &witnesses);
    for witness in witnesses {
        witness.stop()?;
    }
    result
}

fn run_herds(cases: Cases, witnesses: &[Witness; 2]) -> Result<(), Failure> {
    let mut accounts = Accounts::new()?;
    let end = cases.first + cases.count;
    let mut first = cases.first;
    while first < end {
        let count = (end - first).min(herd_size(cases.kind));
        println!("fuzz: from {first}");
        run_herd(Cases { first, count, ..cases }, witnesses)?;
        accounts.settle()?;
        first += count;
        println!("fuzz: done {}", first - cases.first);
    }
    Ok(())
}

/// Has one herd run its cases.
fn run_herd(cases: Cases, witnesses: &[Witness; 2]) -> Result<(), Failure> {
    let mut words: Vec<String> = [cases.seed, cases.first, cases.count].iter().map(ToString::to_string).collect();
    words.extend([process::pid(), witnesses[0].pid(), witnesses[1].pid()].iter().map(ToString::to_string));
    let words = ["herd", cases.kind.name()].into_iter().chain(words.iter().map(String::as_str));
    let reason = Process::spawn(PROGRAM, words)?.wait()?.reason;
    check!(reason == ExitReason::Exited(0), "the herd {reason}");
    for witness in witnesses {
        let state = process::info(witness.pid()).map(|info| info.state);
        let lives = state.is_ok_and(|state| state != process::ProcessState::Ended);
        check!(lives, "{}", format!("witness {} has ended", witness.pid()));
    }
    Ok(())
}
