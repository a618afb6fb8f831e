//! `init [PROGRAM [ARGUMENT...]]`: the first program.
//!
//! With a program: runs it, and ends the machine with its exit code. Without: runs the shell, and again if it dies. Adopts orphans.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;

use libsys::abi::record::ExitStatus;
use libsys::process::{Child, wait_any};
use libsys::{Args, Errno, ExitReason, eprintln, println, system};

libsys::entry!(main);

/// The program that people meet first.
const SHELL: &str = "shell";

/// The machine's status if the program could not be started.
const CANNOT_START: u32 = 127;
/// The machine's status if the program was killed.
const WAS_KILLED: u32 = 137;
/// The machine's status if the program broke a rule.
const BROKE_A_RULE: u32 = 139;

fn main() -> Result<(), Errno> {
    let mut args = Args::new();
    let status = match args.next() {
        Some(program) => run_once(program, &args.collect::<Vec<_>>()),
        None => run_shell(),
    };
    system::shutdown(status)
}

/// Runs one program to its end.
fn run_once(program: &str, arguments: &[&str]) -> u32 {
    match Child::spawn(program, arguments) {
        Ok(child) => wait_until(child.pid()).map_or(CANNOT_START, |status| status_of(status.reason)),
        Err(error) => {
            eprintln!("init: cannot start {program}: {error}");
            CANNOT_START
        }
    }
}

/// Runs the shell until it exits in good order.
fn run_shell() -> u32 {
    loop {
        let shell = match Child::spawn(SHELL, [""; 0]) {
            Ok(child) => child,
            Err(error) => {
                eprintln!("init: cannot start {SHELL}: {error}");
                return CANNOT_START;
            }
        };
        match wait_until(shell.pid()) {
            Some(ExitStatus { reason: ExitReason::Exited(code), .. }) => return code,
            _ => println!("init: the shell has died; here is a new one"),
        }
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
