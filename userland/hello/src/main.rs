//! `hello [WORD...]`: says hello, and repeats its arguments.
#![no_std]
#![no_main]

use libsys::{Args, print, println, process};

libsys::entry!(main);

fn main() {
    print!("Hello from process {}", process::pid());
    for (index, word) in Args::new().enumerate() {
        print!("{} {word}", if index == 0 { ":" } else { "" });
    }
    println!("!");
}
