//! Time passes, at the same pace for whoever asks.
#![no_std]
#![no_main]

use core::time::Duration;

use libsys::test::Verdict;
use libsys::time::{Instant, sleep, uptime};
use libsys::{check, system};

libsys::tests! {
    a_sleep_takes_at_least_its_time,
    instants_never_go_back,
    instants_and_uptime_agree,
}

/// How far two clocks may be apart: a tick of the timer, and what a slow host takes between two looks.
const APART: Duration = Duration::from_millis(100);

fn a_sleep_takes_at_least_its_time() -> Verdict {
    for milliseconds in [0, 1, 30] {
        let wanted = Duration::from_millis(milliseconds);
        let start = Instant::now();
        sleep(wanted);
        let taken = start.elapsed();
        // The two clocks were compared once, when the machine started, and not to the last digit.
        check!(taken >= wanted.mul_f32(0.95), "{taken:?} instead of {wanted:?}");
    }
    Ok(())
}

fn instants_never_go_back() -> Verdict {
    let mut last = Instant::now();
    for _ in 0..1000 {
        let now = Instant::now();
        check!(now >= last);
        last = now;
    }
    check!(system::time()?.tsc_hz > 1_000_000);
    Ok(())
}

fn instants_and_uptime_agree() -> Verdict {
    let (start, start_up) = (Instant::now(), uptime());
    sleep(Duration::from_millis(300));
    let (taken, taken_up) = (start.elapsed(), uptime() - start_up);
    check!(taken.abs_diff(taken_up) < APART, "{taken:?} and {taken_up:?}");
    Ok(())
}
