//! `hello [WORD...]`: greets, and repeats its arguments.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use libsys::test::Verdict;
use libsys::{Args, check_eq, println, process};

libsys::entry!(main, tests: [words_follow_a_colon]);

const USAGE: &str = "usage: hello [WORD...]
Greets with its process's number, and repeats the words.";

fn main() {
    let words: Vec<&str> = Args::new().collect();
    match words.as_slice() {
        ["--help"] => println!("{USAGE}"),
        words => println!("{}", greeting(process::pid(), words)),
    }
}

fn greeting(pid: u32, words: &[&str]) -> String {
    let colon = if words.is_empty() { "" } else { ": " };
    format!("Hello from process {pid}{colon}{}!", words.join(" "))
}

fn words_follow_a_colon() -> Verdict {
    check_eq!(greeting(7, &[]), "Hello from process 7!");
    check_eq!(greeting(7, &["one", "two"]), "Hello from process 7: one two!");
    Ok(())
}
