//! `uptime`: tells how long the machine has been on.
#![no_std]
#![no_main]

use libsys::{println, system, time};
use tools::Problem;

libsys::entry!(main, about: "Tells the time since boot");

const USAGE: &str = "usage: uptime
Tells how long the machine has been on, and for which part of that time the
CPU had nothing to do.";

fn main() -> u32 {
    tools::run(USAGE, |arguments| {
        if !arguments.is_empty() {
            return Err(Problem::Usage);
        }
        let (up, now) = (time::uptime().as_secs(), system::time()?);
        let (hours, minutes, seconds) = (up / 3600, up / 60 % 60, up % 60);
        // Counted in milliseconds, so that no product is too large.
        let halted_ms = now.halted_tsc / (now.tsc_hz / 1000).max(1);
        let idle_percent = (halted_ms * 100 / now.uptime_ms.max(1)).min(100);
        println!("up {hours}:{minutes:02}:{seconds:02}, {idle_percent}% idle");
        Ok(0)
    })
}
