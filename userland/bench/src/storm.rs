//! The piggy storm: twenty processes of 100 pages each, with half the frames for their memory.
//!
//! The parent is the barrier: it hears of each process that is ready or has done its pass, and lets all go on together.

use alloc::string::ToString;
use alloc::vec::Vec;

use libsys::memory::{PAGE_SIZE, Region};
use libsys::message::{self, Buffer};
use libsys::process::Process;
use libsys::{Error, ExitReason, eprintln, println, process, system};

use crate::stopwatch::Stopwatch;

/// The argument of one of the processes.
pub const PIGGY: &str = "storm-piggy";

const PIGGIES: u32 = 20;
const PAGES: u32 = 100;
const ROUNDS: u32 = 10;
/// Frames for buffers: half of what they are.
const FRAMES: u32 = PIGGIES * PAGES / 2;

const WORDS_IN_PAGE: usize = PAGE_SIZE as usize / 4;

/// What messages are about.
const READY: u32 = 1;
const DONE: u32 = 2;
const GO: u32 = 3;

/// Runs the storm; the result is the exit code.
pub fn run() -> Result<u32, Error> {
    let parent = process::pid().to_string();
    let herd = (0..PIGGIES).map(|number| Process::spawn("bench", [PIGGY, &parent, &number.to_string()]));
    let herd = herd.collect::<Result<Vec<Process>, Error>>()?;
    hear_all(READY)?;
    let before = system::info()?;
    let frames = before.frames_total - before.frames_free + FRAMES;
    println!("calibrate frames={frames}");
    let watch = Stopwatch::start();
    for _ in 0..ROUNDS {
        release(&herd)?;
        hear_all(DONE)?;
    }
    release(&herd)?;
    let ended = herd.into_iter().map(Process::wait).collect::<Result<Vec<_>, Error>>()?;
    watch.stop().report("storm", 1);
    let after = system::info()?.account;
    let before_account = before.account;
    println!(
        "{} swap-ins, {} swap-outs, {} faults",
        after.swap_ins.wrapping_sub(before_account.swap_ins),
        after.swap_outs.wrapping_sub(before_account.swap_outs),
        after.faults.wrapping_sub(before_account.faults)
    );
    let wrong = ended.iter().map(|status| match status.reason {
        ExitReason::Exited(wrong) => wrong,
        _ => u32::MAX,
    });
    let wrong = wrong.fold(0, u32::saturating_add);
    println!("{wrong} wrong words");
    if before.frames_total != frames {
        println!("this machine has {} frames for programs, not {frames}", before.frames_total);
    }
    Ok(u32::from(wrong > 0))
}

/// Waits until each of the herd has said this.
fn hear_all(what: u32) -> Result<(), Error> {
    let mut buffer = Buffer::new();
    for _ in 0..PIGGIES {
        let received = message::wait(&mut buffer, None)?;
        if received.what != what {
            eprintln!("bench: process {} is out of step", received.sender);
            return Err(Error::InvalidArgument);
        }
    }
    Ok(())
}

/// Lets each of the herd go on.
fn release(herd: &[Process]) -> Result<(), Error> {
    herd.iter().try_for_each(|piggy| message::send(piggy.pid(), GO, &[]))
}

/// One of the herd: the exit code is how many words were wrong.
pub fn piggy(parent: &str, number: &str) -> Result<u32, Error> {
    let (Ok(parent), Ok(number)) = (parent.parse(), number.parse()) else { return Err(Error::InvalidArgument) };
    let mut region = Region::allocate((PAGES * PAGE_SIZE) as usize)?;
    let mut buffer = Buffer::new();
    let mut wrong = 0;
    message::send(parent, READY, &[])?;
    message::wait(&mut buffer, None)?;
    for round in 0..=ROUNDS {
        wrong += pass(region.words(), number, round);
        if round < ROUNDS {
            message::send(parent, DONE, &[])?;
            message::wait(&mut buffer, None)?;
        }
    }
    Ok(wrong)
}

/// One pass over all pages: checks the round before, if there is one, and writes this one, unless it is the last.
fn pass(words: &mut [u32], number: u32, round: u32) -> u32 {
    let mut wrong = 0;
    for (page, words) in (0..).zip(words.chunks_exact_mut(WORDS_IN_PAGE)) {
        if let Some(before) = round.checked_sub(1) {
            wrong += check(words, seed(number, page, before));
        }
        if round < ROUNDS {
            write(words, seed(number, page, round));
        }
    }
    wrong
}

const fn seed(number: u32, page: u32, round: u32) -> u32 {
    number.wrapping_mul(0x9E37_79B1) ^ page.wrapping_mul(0x85EB_CA77) ^ round.wrapping_mul(0xC2B2_AE3D)
}

/// Added from word to word.
const STEP: u32 = 0x27D4_EB2F;

fn write(words: &mut [u32], seed: u32) {
    let mut word = seed;
    for place in words {
        *place = word;
        word = word.wrapping_add(STEP);
    }
}

/// How many words are not what they should be. There are 1024: counting them needs no check for overflow in the loop.
fn check(words: &[u32], seed: u32) -> u32 {
    let mut expected = seed;
    let mut wrong = 0;
    for &word in words {
        wrong = u32::wrapping_add(wrong, u32::from(word != expected));
        expected = expected.wrapping_add(STEP);
    }
    wrong
}
