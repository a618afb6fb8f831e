//! `init [--real-time] [PROGRAM [ARGUMENT...]]`: the first program.
//!
//! With a program: runs it, and ends the machine with its exit code; `--real-time` makes it real-time. Without: runs the shell, and again
//! if it dies. Adopts orphans.
//!
//! Init itself is interactive, but may make others real-time. The shell gets that right too, and is put back to interactive: that is what
//! its programs are, unless its user says otherwise, also while it is real-time itself.
//!
//! When a program has ended and left nobody behind, the machine must hold what it held before; if not, that is said.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;

use libsys::abi::record::{ExitStatus, SystemInfo};
use libsys::process::{Process, set_priority, wait_any};
use libsys::{Args, Class, Error, ExitReason, eprintln, println, system};

libsys::entry!(main);

/// The program that people meet first.
const SHELL: &str = "shell";

/// The option that makes the program real-time.
const REAL_TIME: &str = "--real-time";

/// The machine's status if a program has ended and something of it is still there: a bug of the kernel.
const NOT_IN_ORDER: u32 = 125;
/// The machine's status if the program could not be started.
const CANNOT_START: u32 = 127;
/// The machine's status if the program was killed.
const WAS_KILLED: u32 = 137;
/// The machine's status if the program broke a rule.
const BROKE_A_RULE: u32 = 139;

fn main() -> Result<(), Error> {
    let mut words: Vec<&str> = Args::new().collect();
    let class = if words.first() == Some(&REAL_TIME) { Class::RealTime } else { Class::Interactive };
    if class == Class::RealTime {
        words.remove(0);
    }
    let status = match words.as_slice() {
        [program, arguments @ ..] => run_once(class, program, arguments),
        [] => run_shell(),
    };
    system::shutdown(status)
}

/// What the machine holds while only init runs.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    processes: u32,
    pages_promised: u32,
    frames_tables: u32,
}

impl Held {
    fn now() -> Self {
        let info = system::info();
        let of = |field: fn(&SystemInfo) -> u32| info.as_ref().map_or(0, field);
        Self {
            processes: of(|info| info.processes),
            pages_promised: of(|info| info.pages_promised),
            frames_tables: of(|info| info.frames_tables),
        }
    }
}

/// Runs one program to its end.
fn run_once(class: Class, program: &str, arguments: &[&str]) -> u32 {
    let before = Held::now();
    let status = match Process::spawn(program, arguments) {
        Ok(child) => {
            put_into(class, &child);
            wait_until(child.pid()).map_or(CANNOT_START, |status| status_of(status.reason))
        }
        Err(error) => {
            eprintln!("init: cannot start {program}: {error}");
            CANNOT_START
        }
    };
    let after = Held::now();
    if after.processes == before.processes && after != before {
        eprintln!("init: something was left behind: {before:?} became {after:?}");
        return NOT_IN_ORDER;
    }
    status
}

/// Runs the shell until it exits in good order.
fn run_shell() -> u32 {
    loop {
        let shell = match Process::spawn(SHELL, [""; 0]) {
            Ok(child) => child,
            Err(error) => {
                eprintln!("init: cannot start {SHELL}: {error}");
                return CANNOT_START;
            }
        };
        put_into(Class::RealTime, &shell);
        put_into(Class::Interactive, &shell);
        match wait_until(shell.pid()) {
            Some(ExitStatus { reason: ExitReason::Exited(code), .. }) => return code,
            _ => println!("init: the shell has died; here is a new one"),
        }
    }
}

/// Puts a child into a class.
fn put_into(class: Class, child: &Process) {
    if let Err(error) = set_priority(child.pid(), class)
        && error != Error::NoSuchProcess
    {
        eprintln!("init: process {} cannot be {class}: {error}", child.pid());
    }
}

/// Waits for children, orphans of others among them, until the one with this pid has ended.
fn wait_until(pid: u32) -> Option<ExitStatus> {
    loop {
        let ended = wait_any().ok()?;
        if ended.pid == pid {
            return Some(ended);
        }
    }
}

fn status_of(reason: ExitReason) -> u32 {
    match reason {
        ExitReason::Exited(code) => code,
        ExitReason::Killed(_) => WAS_KILLED,
        ExitReason::Fault { .. } => BROKE_A_RULE,
    }
}
