//! `pong`: answers the messages of `ping`.
#![no_std]
#![no_main]

use libsys::message::{self, Buffer};
use libsys::{println, process};
use tools::{Outcome, Problem};

libsys::entry!(main, about: "Answers ping's messages");

const USAGE: &str = "usage: pong
Prints every message that it receives, and answers it with the next number,
until it is killed; see ping.";

fn main() -> u32 {
    tools::run(USAGE, |arguments| if arguments.is_empty() { answer() } else { Err(Problem::Usage) })
}

fn answer() -> Outcome {
    let mut buffer = Buffer::new();
    loop {
        let received = message::wait(&mut buffer, None)?;
        println!("pong: from {} to {}, what {}", received.sender, process::pid(), received.what);
        // Who has ended meanwhile needs no answer, and one who does not read does not get any.
        let _ = message::send(received.sender, received.what.wrapping_add(1), received.bytes);
    }
}
