//! `bench NAME`: measures one thing, in counts of the time-stamp counter.
//!
//! Prints `result NAME COUNTS HALTED EACH` lines: counts for all, counts of them in which the CPU was halted, and how many operations
//! that was for. On a machine that counts instructions a count is one; `cargo xtask bench` knows.
#![no_std]
#![no_main]

extern crate alloc;

mod ipc;
mod mapping;
mod memory;
mod processes;
mod server;
mod stopwatch;
mod storm;
mod swap;

use alloc::vec::Vec;

use libsys::{Args, Error, eprintln, println, system};

libsys::entry!(main, about: "Measures the system");

const USAGE: &str = "usage: bench NAME
Measures one thing: syscall, demand-zero, process, ipc, server, storm, swap,
mapping or boot. Prints lines `result NAME COUNTS HALTED OPERATIONS`; `cargo
xtask bench` runs all and makes a table.";

fn main() -> Result<u32, Error> {
    let words: Vec<&str> = Args::new().collect();
    let mut status = 0;
    match words.as_slice() {
        ["syscall"] => processes::null_call(),
        ["demand-zero"] => memory::demand_zero()?,
        ["process"] => processes::create_and_wait()?,
        ["swap"] => status = swap::latency()?,
        ["ipc"] => ipc::round_trip_and_switch()?,
        [ipc::ECHO] => ipc::echo()?,
        [ipc::YIELD, parent] => ipc::yield_often(parent)?,
        ["server"] => server::read_by_call_and_by_message()?,
        [server::SERVE] => server::serve()?,
        ["storm"] => status = storm::run()?,
        [storm::PIGGY, parent, number] => return storm::piggy(parent, number),
        ["mapping"] => status = mapping::read_ascending()?,
        ["boot"] => println!("result boot {} 0 1", system::time()?.first_program_tsc),
        ["nothing"] => return Ok(0),
        ["--help"] => {
            println!("{USAGE}");
            return Ok(0);
        }
        _ => {
            eprintln!("{USAGE}");
            return Ok(2);
        }
    }
    println!("hz {}", system::time()?.tsc_hz);
    Ok(status)
}
