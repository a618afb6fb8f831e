//! `piggy PAGES ROUNDS [SEED [REST]]`: uses memory, and checks that every byte of it comes back.
//!
//! In each round it checks every word of every page against the round before, then writes the next pattern; after the last round
//! it checks once more.
#![no_std]
#![no_main]

use core::fmt;
use core::time::Duration;

use libsys::memory::{PAGE_SIZE, Region};
use libsys::{Args, Error, eprintln, println, process};

libsys::entry!(main, about: "Uses and checks memory");

const USAGE: &str = "usage: piggy PAGES ROUNDS [SEED [REST]]
Allocates PAGES pages of 4096 bytes. In each of ROUNDS rounds it writes every
byte of every page with a pattern made of its pid, the page, the round and
SEED (0 if not given), having checked every byte of the round before, and then
rests for REST milliseconds (20 if not given) while others use memory; at the
end it checks once more and frees all. Exits with 0 if every byte was right,
with 1 if not or if there is no memory, with 2 if it does not understand its
arguments.";

/// Milliseconds between two rounds.
const REST: u32 = 20;

const WORDS_IN_PAGE: usize = PAGE_SIZE as usize / 4;

/// What the user asked for.
struct Job {
    pages: u32,
    rounds: u32,
    seed: u32,
    rest: Duration,
}

/// A byte that did not come back.
struct Mismatch {
    page: u32,
    offset: u32,
    expected: u8,
    found: u8,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { page, offset, expected, found } = self;
        write!(f, "page {page}, offset {offset}: expected {expected:#04x}, found {found:#04x}")
    }
}

fn main() -> u32 {
    if Args::new().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return 0;
    }
    let Some(job) = Job::parse(Args::new()) else {
        eprintln!("{USAGE}");
        return 2;
    };
    let pid = process::pid();
    match job.run(pid) {
        Ok(Ok(())) => {
            println!("piggy {pid}: {} pages, {} rounds, ok", job.pages, job.rounds);
            0
        }
        Ok(Err(mismatch)) => {
            println!("piggy {pid}: MISMATCH at {mismatch}");
            1
        }
        Err(error) => {
            eprintln!("piggy {pid}: cannot have {} pages: {error}", job.pages);
            1
        }
    }
}

impl Job {
    fn parse(mut args: Args) -> Option<Self> {
        let pages = args.next()?.parse().ok().filter(|&pages| pages > 0 && pages <= u32::MAX / PAGE_SIZE)?;
        let rounds = args.next()?.parse().ok()?;
        let seed = args.next().map_or(Some(0), |seed| seed.parse().ok())?;
        let rest: u32 = args.next().map_or(Some(REST), |rest| rest.parse().ok())?;
        let rest = Duration::from_millis(rest.into());
        args.next().is_none().then_some(Self { pages, rounds, seed, rest })
    }

    fn run(&self, pid: u32) -> Result<Result<(), Mismatch>, Error> {
        let mut region = Region::allocate(self.pages as usize * PAGE_SIZE as usize)?;
        for round in 0..=self.rounds {
            for (page, words) in (0..).zip(region.words().chunks_exact_mut(WORDS_IN_PAGE)) {
                if let Some(before) = round.checked_sub(1)
                    && let Err(mismatch) = check(words, page, self.pattern(pid, page, before))
                {
                    return Ok(Err(mismatch));
                }
                if round < self.rounds {
                    write(words, self.pattern(pid, page, round));
                }
            }
            process::sleep(self.rest);
        }
        region.free()?;
        Ok(Ok(()))
    }

    /// The first word of a page, from which the others follow: different for every process, page, round and seed.
    const fn pattern(&self, pid: u32, page: u32, round: u32) -> u32 {
        let mixed = pid.wrapping_mul(0x9E37_79B1) ^ page.wrapping_mul(0x85EB_CA77) ^ round.wrapping_mul(0xC2B2_AE3D);
        mixed ^ self.seed.wrapping_mul(0x1656_67B1)
    }
}

/// Added from word to word; odd, so that no two words of a page are equal.
const STEP: u32 = 0x27D4_EB2F;

fn write(words: &mut [u32], first: u32) {
    let mut word = first;
    for place in words {
        *place = word;
        word = word.wrapping_add(STEP);
    }
}

fn check(words: &[u32], page: u32, first: u32) -> Result<(), Mismatch> {
    let mut expected = first;
    for (index, &found) in (0..).zip(words) {
        if found != expected {
            return Err(first_difference(page, index, expected, found));
        }
        expected = expected.wrapping_add(STEP);
    }
    Ok(())
}

fn first_difference(page: u32, index: u32, expected: u32, found: u32) -> Mismatch {
    let byte = (expected ^ found).trailing_zeros() / 8;
    let pick = |word: u32| word.to_le_bytes()[byte as usize];
    Mismatch { page, offset: index * 4 + byte, expected: pick(expected), found: pick(found) }
}
