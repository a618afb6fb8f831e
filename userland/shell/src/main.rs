//! `shell`: a prompt that starts programs by name.
//!
//! What a line means is understood, and how one is edited is decided, in the package `shell-core`; here lines are read and programs are
//! run.
#![no_std]
#![no_main]

extern crate alloc;

mod builtin;
mod input;
mod run;

use libsys::process::{self, set_priority};
use libsys::{Class, Error, eprintln, println};
use shell_core::parse;
use tools::Problem;

use input::Input;
use run::Shell;

libsys::entry!(main, about: "Starts programs by name");

const USAGE: &str = "usage: shell
Starts programs by name: lines are read from its input, which may be a terminal
or a file, as in `shell < script`. At its prompt, `help` says what they can be.";

/// The exit code of a line that means nothing.
const MISUSED: u32 = 2;

fn main() -> u32 {
    tools::run(USAGE, |arguments| if arguments.is_empty() { Ok(read_lines()?) } else { Err(Problem::Usage) })
}

/// Does what the input says, to its end.
fn read_lines() -> Result<u32, Error> {
    let mut input = Input::open()?;
    let mut shell = Shell::default();
    if input.is_from_people() {
        println!("BorrowOS. `help` lists the programs, `exit` ends the machine.");
    }
    while shell.is_open() {
        answer_at_once();
        if input.is_from_people() {
            shell.report_ended();
        }
        let Some(line) = input.next_line(&shell.prompt())? else { break };
        match parse::parse(&line) {
            Ok(chains) => shell.run_all(&chains, input.history()),
            Err(error) => {
                eprintln!("shell: {error}");
                shell.code = MISUSED;
            }
        }
    }
    Ok(shell.exit_code())
}

/// Makes the shell real-time, if it may be: it answers then whoever else wants the CPU. Said for each line, since the work for one may
/// have had it demoted. What it starts is not real-time: who raises itself does so for itself alone.
fn answer_at_once() {
    // A shell without the right goes on as it is.
    let _ = set_priority(process::pid(), Class::RealTime);
}
