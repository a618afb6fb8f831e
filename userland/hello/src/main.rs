//! `hello [WORD...]`: says hello, and repeats its arguments.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;

use libsys::{Args, print, println, process};

libsys::entry!(main);

const USAGE: &str = "usage: hello [WORD...]
Says hello with its process's number, and repeats the words.";

fn main() {
    let words: Vec<&str> = Args::new().collect();
    if words == ["--help"] {
        println!("{USAGE}");
        return;
    }
    print!("Hello from process {}", process::pid());
    for (index, word) in words.iter().enumerate() {
        print!("{} {word}", if index == 0 { ":" } else { "" });
    }
    println!("!");
}
