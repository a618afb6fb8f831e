//! `ping [COUNT]`: sends messages to `pong`, and awaits the answer to each.
#![no_std]
#![no_main]

use core::time::Duration;

use libsys::message::{self, Buffer};
use libsys::process::{self, Process};
use libsys::{Error, println};
use tools::{FAILED, Outcome, Problem, about};

libsys::entry!(main, about: "Sends messages to pong");

const USAGE: &str = "usage: ping [COUNT]
Sends COUNT messages to pong, 5 if there is no COUNT, and awaits the answer to
each. Both print each message that they receive: from, to, and `what`, which
counts up. If no pong runs, one is started, and ended afterwards.";

/// The program that answers.
const PONG: &str = "pong";
/// How many messages are sent if nobody says how many.
const COUNT: u32 = 5;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> u32 {
    tools::run(USAGE, |arguments| match arguments {
        [] => play(COUNT),
        [count] => play(count.parse().map_err(|_| Problem::Usage)?),
        _ => Err(Problem::Usage),
    })
}

fn play(count: u32) -> Outcome {
    if let Ok(pong) = process::find(PONG) {
        return exchange(pong, count);
    }
    let pong = about(PONG, Process::spawn(PONG, [""; 0]))?;
    let outcome = exchange(pong.pid(), count);
    process::kill(pong.pid())?;
    pong.wait()?;
    outcome
}

fn exchange(pong: u32, count: u32) -> Outcome {
    let mut buffer = Buffer::new();
    let mut what = 0;
    for _ in 0..count {
        about(PONG, send(pong, what))?;
        let answer = about(PONG, message::wait(&mut buffer, Some(PATIENCE)))?;
        println!("ping: from {} to {}, what {}", answer.sender, process::pid(), answer.what);
        if (answer.sender, answer.what) != (pong, what + 1) {
            return Ok(FAILED);
        }
        what = answer.what + 1;
    }
    Ok(0)
}

/// Sends a message, later if the queue is full just now.
fn send(pong: u32, what: u32) -> Result<(), Error> {
    loop {
        match message::send(pong, what, b"ping") {
            Err(Error::QueueFull) => process::sleep(Duration::from_millis(10)),
            other => return other,
        }
    }
}
