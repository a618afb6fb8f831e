//! `shutdown [STATUS]`: ends the machine.
#![no_std]
#![no_main]

use libsys::system;
use tools::{Outcome, Problem};

libsys::entry!(main, about: "Ends the machine");

const USAGE: &str = "usage: shutdown [STATUS]
Brings what was written onto the disk, and ends the machine; its host learns
STATUS, 0 if there is none.";

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
