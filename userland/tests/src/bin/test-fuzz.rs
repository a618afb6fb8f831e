//! Programs that make calls at random, several at once, on few frames: nobody else is harmed, and everything is given back.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::string::ToString;
use alloc::vec::Vec;

use libsys::abi::device::Streams;
use libsys::files::{self, File};
use libsys::memory::Region;
use libsys::process::Process;
use libsys::test::Verdict;
use libsys::{Error, ExitReason, check, check_eq};
use tests::{ASSIST, PAGE};

libsys::tests! {
    random_calls_end_nobody,
    several_at_once_harm_no_bystander,
}

/// Calls that each program makes.
const CALLS: u32 = 1_500;

/// Starts a program that makes calls as `seed` has it. It has no console: reading that would wait for ever.
fn fuzz(seed: u32) -> Result<Process, Error> {
    let nothing = File::open("null")?;
    let handle = nothing.handle();
    let streams = Streams { input: handle, output: handle, errors: handle };
    Process::spawn_with(ASSIST, ["fuzz", &seed.to_string(), &CALLS.to_string()], streams)
}

fn remove_files() {
    for name in ["fuzz-a", "fuzz-b"] {
        // It may never have been made.
        let _ = files::remove(name);
    }
}

fn random_calls_end_nobody() -> Verdict {
    for seed in 0..12 {
        let reason = fuzz(seed)?.wait()?.reason;
        check!(reason == ExitReason::Exited(0), "seed {seed}: {reason}");
    }
    remove_files();
    Ok(())
}

fn several_at_once_harm_no_bystander() -> Verdict {
    let mut region = Region::allocate(60 * PAGE)?;
    tests::fill(region.words(), 1);
    for round in 0..2 {
        let children = (0..6).map(|number| fuzz(100 + 6 * round + number)).collect::<Result<Vec<_>, _>>()?;
        for child in children {
            // They may kill one another: each has the same parent.
            let reason = child.wait()?.reason;
            check!(matches!(reason, ExitReason::Exited(0) | ExitReason::Killed(_)), "{reason}");
        }
        check!(tests::holds(region.words(), 1));
        check_eq!(tests::assist(&["exit", "7"])?, ExitReason::Exited(7));
    }
    remove_files();
    Ok(())
}
