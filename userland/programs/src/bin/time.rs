//! `time PROGRAM [WORD...]`: runs a program and tells how long it took.
#![no_std]
#![no_main]

use libsys::process::Process;
use libsys::time::Instant;
use libsys::{ExitReason, eprintln};
use tools::{Outcome, Problem, about};

libsys::entry!(main, about: "Measures a program's time");

const USAGE: &str = "usage: time PROGRAM [WORD...]
Runs the program, and tells how long it took and what paging did for it. Exits
with the program's exit code.";

/// What is exited with if the program did not end by itself.
const WAS_ENDED: u32 = 128;

fn main() -> u32 {
    tools::run(USAGE, |arguments| match arguments {
        [program, words @ ..] => measure(program, words),
        [] => Err(Problem::Usage),
    })
}

fn measure(program: &str, words: &[&str]) -> Outcome {
    let start = Instant::now();
    let ended = about(program, Process::spawn(program, words).and_then(Process::wait))?;
    let elapsed = start.elapsed();
    let account = ended.account;
    eprintln!(
        "{program}: {elapsed:.3?}, {} page faults, {} pages swapped in, {} swapped out",
        account.faults, account.swap_ins, account.swap_outs
    );
    Ok(match ended.reason {
        ExitReason::Exited(code) => code,
        ExitReason::Killed(_) | ExitReason::Fault { .. } => WAS_ENDED,
    })
}
