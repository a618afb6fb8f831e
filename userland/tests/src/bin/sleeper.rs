//! `sleeper MILLISECONDS`: sleeps. As small as a program can be, for tests that start many.
#![no_std]
#![no_main]

use core::time::Duration;

use libsys::{Args, process};

libsys::entry!(main);

fn main() {
    let milliseconds = Args::new().next().and_then(|argument| argument.parse().ok()).unwrap_or(0);
    process::sleep(Duration::from_millis(milliseconds));
}
