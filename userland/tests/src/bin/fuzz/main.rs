//! `fuzz calls|code|elf SEED FIRST COUNT`: makes calls, machine code or program files at random, and looks whether the machine and
//! every other program stay as they are.
//!
//! The program starts itself in several roles:
//!
//! * the *driver* (`driver.rs`) starts witnesses and one herd after the other, and compares the machine's accounts after each,
//! * a *herd* (`herd.rs`) runs a number of cases: it starts them, ends those that do not end for themselves, and judges how they ended,
//! * a *caller* (`caller.rs`) makes random calls, a *runner* (`runner.rs`) becomes a random program; program files are started as they are,
//! * a *witness* (`witness.rs`) looks all the time whether its memory, its file and its floating-point registers are what they were.
//!
//! Cases may end everything that their own starter has started. That is why a herd stands between them and the witnesses.
//!
//! For disks there are three more roles (`disk.rs`). Several *writers* write files until the power goes. A *verifier* judges the files that
//! they have left. A *survey* reads all files of a damaged disk.
//!
//! What a case does follows from the seed and its number (`fuzz-core`). `cargo xtask fuzz` boots machines that run this program.
#![no_std]
#![no_main]

extern crate alloc;

mod accounts;
mod caller;
mod disk;
mod driver;
mod herd;
mod runner;
mod witness;

use alloc::vec::Vec;
use core::time::Duration;

use libsys::{Args, println, process};

libsys::entry!(main);

const USAGE: &str = "usage: fuzz calls|code|elf SEED FIRST COUNT
       fuzz writers SEED COUNT
       fuzz verify SEED COUNT BEGUN...
       fuzz survey
Makes COUNT random calls, programs of machine code, or program files, from case
FIRST on, which follow from SEED. Or has several programs each take COUNT steps
in which they write files; or judges those files, when each program had begun
the step BEGUN; or reads all files. Exits with 1 if something is wrong.";

/// What is made at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Calls, by several programs at once.
    Calls,
    /// Machine code.
    Code,
    /// Program files.
    Elf,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Calls, Self::Code, Self::Elf];

    /// The word for it.
    const fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Code => "code",
            Self::Elf => "elf",
        }
    }
}

/// Which cases are to be run.
#[derive(Clone, Copy, Debug)]
pub struct Cases {
    kind: Kind,
    seed: u64,
    first: u64,
    count: u64,
}

fn main() -> u32 {
    // A child that naps takes no heap, so that its exit code says nothing of how much memory is left.
    let mut words = Args::new();
    if let (Some("nap"), Some(milliseconds), Some(code)) = (words.next(), words.next(), words.next()) {
        return nap(milliseconds, code).unwrap_or(2);
    }
    let arguments: Vec<&str> = Args::new().collect();
    let code = match arguments.as_slice() {
        ["herd", words @ .., driver, one, other] => {
            cases(words).zip(numbers(&[driver, one, other])).map(|(cases, protected)| herd::run(cases, &protected))
        }
        ["caller", seed, steps, tag, protected @ ..] => caller::run(seed, steps, tag, protected),
        ["run", seed, case] => runner::run(seed, case),
        ["witness", seed] => seed.parse().ok().map(witness::run),
        ["writers", seed, count] => Some(disk::write_all(seed, count)),
        ["writer", seed, writer, count] => write(seed, writer, count),
        ["verify", seed, count, begun @ ..] => verify(seed, count, begun),
        ["survey"] => Some(disk::survey()),
        ["--help"] => {
            println!("{USAGE}");
            Some(0)
        }
        words => cases(words).map(driver::run),
    };
    code.unwrap_or_else(|| {
        println!("{USAGE}");
        2
    })
}

/// The words that say which cases are meant.
fn cases(words: &[&str]) -> Option<Cases> {
    let [kind, seed, first, count] = words else { return None };
    let kind = Kind::ALL.into_iter().find(|known| known.name() == *kind)?;
    Some(Cases { kind, seed: seed.parse().ok()?, first: first.parse().ok()?, count: count.parse().ok()? })
}

fn numbers(words: &[&str]) -> Option<Vec<u32>> {
    words.iter().map(|word| word.parse().ok()).collect()
}

fn write(seed: &str, writer: &str, count: &str) -> Option<u32> {
    Some(disk::write(seed.parse().ok()?, writer.parse().ok()?, count.parse().ok()?))
}

fn verify(seed: &str, count: &str, begun: &[&str]) -> Option<u32> {
    Some(disk::verify(seed.parse().ok()?, count.parse().ok()?, &numbers(begun)?))
}

/// Sleeps, and exits with a code: a child for callers, and a clock for herds.
fn nap(milliseconds: &str, code: &str) -> Option<u32> {
    process::sleep(Duration::from_millis(milliseconds.parse().ok()?));
    code.parse().ok()
}
