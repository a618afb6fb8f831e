//! `goodbye [--times N]`: says goodbye, and lets others run in between.
#![no_std]
#![no_main]

use core::time::Duration;

use libsys::{println, process};
use tools::{Outcome, Problem};

libsys::entry!(main, about: "Says goodbye");

const USAGE: &str = "usage: goodbye [--times N]
Says goodbye with its process's number, once or N times; others may run in
between.";

fn main() -> u32 {
    tools::run(USAGE, |arguments| match arguments {
        [] => say(1),
        ["--times", count] => say(count.parse().map_err(|_| Problem::Usage)?),
        _ => Err(Problem::Usage),
    })
}

fn say(count: u32) -> Outcome {
    for _ in 0..count {
        println!("Goodbye from process {}!", process::pid());
        // Long enough for others to say something meanwhile, however busy the machine is.
        process::sleep(Duration::from_millis(20));
    }
    Ok(0)
}
