//! `hello [--times N] [WORD...]`: greets, and repeats its arguments.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use libsys::test::Verdict;
use libsys::{Args, check_eq, eprintln, println, process};

libsys::entry!(main, about: "Greets, repeats its words", tests: [words_follow_a_colon]);

const USAGE: &str = "usage: hello [--times N] [WORD...]
Greets with its process's number, and repeats the words; N times, if that is
asked for. Others may run in between.";

fn main() -> u32 {
    let words: Vec<&str> = Args::new().collect();
    match words.as_slice() {
        ["--help"] => println!("{USAGE}"),
        ["--times", count, words @ ..] => match count.parse() {
            Ok(count) => greet(count, words),
            Err(_) => return misused(),
        },
        ["--times"] => return misused(),
        words => greet(1, words),
    }
    0
}

fn misused() -> u32 {
    eprintln!("{USAGE}");
    2
}

fn greet(times: u32, words: &[&str]) {
    for _ in 0..times {
        println!("{}", greeting(process::pid(), words));
        // Long enough for others to say something meanwhile, however busy the machine is.
        process::sleep(Duration::from_millis(20));
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
