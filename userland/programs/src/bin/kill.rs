//! `kill PID...`: ends processes.
#![no_std]
#![no_main]

use libsys::{Args, eprintln, println, process};

libsys::entry!(main, about: "Ends processes");

const USAGE: &str = "usage: kill PID...
Ends processes, whatever they are doing. `ps` lists them. Exits with 1 if one
could not be ended.";

fn main() -> u32 {
    if Args::new().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return 0;
    }
    if Args::new().next().is_none() {
        eprintln!("{USAGE}");
        return 2;
    }
    Args::new().fold(0, |code, argument| if end(argument) { code } else { 1 })
}

/// Ends one process; says why if it cannot.
fn end(argument: &str) -> bool {
    let Ok(pid) = argument.parse() else {
        eprintln!("kill: `{argument}` is no pid");
        return false;
    };
    let killed = process::kill(pid);
    if let Err(error) = killed {
        eprintln!("kill: {pid}: {error}");
    }
    killed.is_ok()
}
