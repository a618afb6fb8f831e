//! `echo [WORD...]`: prints its words.
#![no_std]
#![no_main]

extern crate alloc;

use libsys::println;

libsys::entry!(main, about: "Prints its words");

const USAGE: &str = "usage: echo [WORD...]
Prints the words, with a space between them.";

fn main() -> u32 {
    tools::run(USAGE, |words| {
        println!("{}", words.join(" "));
        Ok(0)
    })
}
