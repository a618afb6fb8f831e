//! The cheapest call, and a process that does nothing.

use libsys::abi::Number;
use libsys::process::Process;
use libsys::{Error, gate};

use crate::stopwatch::Stopwatch;

const CALLS: u32 = 100_000;
const CREATED: u32 = 200;
const WARM_UP: u32 = 20;

/// `GetPid` by each way into the kernel, a hundred thousand times after as many for warm-up.
pub fn null_call() {
    const NUMBER: u32 = Number::GetPid as u32;
    measure("int80", || gate::interrupt(NUMBER, []));
    if gate::has_fast_calls() {
        measure("sysenter", || gate::fast(NUMBER, []));
    }
}

fn measure(name: &str, call: impl Fn() -> Result<u32, Error>) {
    for _ in 0..2 {
        let watch = Stopwatch::start();
        for _ in 0..CALLS {
            // It cannot fail.
            let _ = call();
        }
        watch.stop().report(name, CALLS);
    }
}

/// Creates a process that exits at once, and waits for it.
pub fn create_and_wait() -> Result<(), Error> {
    let round = |count: u32| (0..count).try_for_each(|_| Process::spawn("bench", ["nothing"])?.wait().map(|_| ()));
    round(WARM_UP)?;
    let watch = Stopwatch::start();
    round(CREATED)?;
    watch.stop().report("process", CREATED);
    Ok(())
}
