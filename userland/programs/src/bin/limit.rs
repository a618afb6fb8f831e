//! `limit PAGES PROGRAM [ARGUMENT...]`: starts a program that may be promised no more than so many pages.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;

use libsys::process::Process;
use libsys::{Args, Error, ExitReason, eprintln, memory, println};

libsys::entry!(main, about: "Limits a program's pages");

const USAGE: &str = "usage: limit PAGES PROGRAM [ARGUMENT...]
Starts PROGRAM, which may be promised at most PAGES pages of memory, and so
may each of those that it starts: its data, its stack and its page tables
count. Exits as PROGRAM does.";

/// The exit code if the program could not be started.
const CANNOT_START: u32 = 127;

fn main() -> Result<u32, Error> {
    let words: Vec<&str> = Args::new().collect();
    let (pages, program, arguments) = match words.as_slice() {
        ["--help"] => {
            println!("{USAGE}");
            return Ok(0);
        }
        [pages, program, arguments @ ..] if pages.parse::<u32>().is_ok() => {
            (pages.parse().unwrap_or(0), *program, arguments)
        }
        _ => {
            eprintln!("{USAGE}");
            return Ok(2);
        }
    };
    // What this program needs it has by now; only its child is to feel the limit.
    memory::set_limit(pages)?;
    match Process::spawn(program, arguments.iter().copied()) {
        Ok(child) => match child.wait()?.reason {
            ExitReason::Exited(code) => Ok(code),
            reason => {
                eprintln!("limit: {program} {reason}");
                Ok(1)
            }
        },
        Err(error) => {
            eprintln!("limit: cannot start `{program}`: {error}");
            Ok(CANNOT_START)
        }
    }
}
