//! `yes [WORD...]`: prints its words again and again.
#![no_std]
#![no_main]

extern crate alloc;

use libsys::println;

libsys::entry!(main, about: "Prints a word endlessly");

const USAGE: &str = "usage: yes [WORD...]
Prints the words, or y, again and again until it is ended (Ctrl-C).";

fn main() -> u32 {
    tools::run(USAGE, |words| {
        let line = if words.is_empty() { "y".into() } else { words.join(" ") };
        loop {
            println!("{line}");
        }
    })
}
