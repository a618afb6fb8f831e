//! `ps`: a table of the processes.
#![no_std]
#![no_main]

use libsys::process::{ProcessInfo, ProcessState};
use libsys::{println, process, system};
use tools::{Outcome, Problem};

libsys::entry!(main, about: "Lists the processes");

const USAGE: &str = "usage: ps
Lists the processes: pid, parent, class, what it does or waits for, time on
the CPU in milliseconds, page faults, pages of its own that are resident,
swapped out and promised, and its name.";

fn main() -> u32 {
    tools::run(USAGE, |arguments| if arguments.is_empty() { list() } else { Err(Problem::Usage) })
}

fn list() -> Outcome {
    let tsc_per_ms = system::time()?.tsc_hz / 1000;
    println!(" pid parent class       state    cpu ms faults resident swapped promised name");
    process::all().for_each(|process| row(&process, tsc_per_ms));
    Ok(0)
}

fn row(process: &ProcessInfo, tsc_per_ms: u64) {
    let ProcessInfo { pid, parent, class, state, promised, resident, swapped, cpu_tsc, name, account } = process;
    let name = if *state == ProcessState::Ended { "-" } else { name.as_str() };
    println!(
        "{pid:>4} {parent:>6} {class:<11} {state:<8} {:>6} {:>6} {resident:>8} {swapped:>7} {promised:>8} {name}",
        cpu_tsc / tsc_per_ms.max(1),
        account.faults,
    );
}
