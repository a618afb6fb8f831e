//! `shutdown [STATUS]`: ends the machine.
#![no_std]
#![no_main]

use libsys::system;
use tools::{Outcome, Problem};

libsys::entry!(main, about: "Ends the machine");

const USAGE: &str = "usage: shutdown [STATUS]
Saves all files and ends the machine. Its host learns STATUS, 0 if there is
none, or that the disk does not take all files.";

fn main() -> u32 {
    tools::run(USAGE, |arguments| match arguments {
        [] => end(0),
        [status] => end(status.parse().map_err(|_| Problem::Usage)?),
        _ => Err(Problem::Usage),
    })
}

fn end(status: u32) -> Outcome {
    system::shutdown(status)?;
    Ok(0)
}
