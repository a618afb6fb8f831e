//! Time passes, at the same pace for whoever asks.
#![no_std]
#![no_main]

use core::time::Duration;

use libsys::message::{self, Buffer};
use libsys::test::Verdict;
use libsys::time::{Instant, sleep, uptime};
use libsys::{Error, check, check_eq, system};

libsys::tests! {
    a_sleep_takes_at_least_its_time,
    instants_never_go_back,
    instants_and_uptime_agree,
    a_wait_for_a_message_takes_at_least_its_time,
}

/// By how much two clocks may differ: they were compared once, when the machine started, and not to the last digit.
const APART: f32 = 0.01;
/// `uptime` is in whole milliseconds.
const COARSE: Duration = Duration::from_millis(1);

fn a_sleep_takes_at_least_its_time() -> Verdict {
    // From various moments of a tick: a busy host may deliver one late, and the next soon after it.
    for (round, milliseconds) in (0..40).zip([0, 1, 10, 30].into_iter().cycle()) {
        let wanted = Duration::from_millis(milliseconds);
        let until = Instant::now() + Duration::from_micros(round * 719 % 10_000);
        while Instant::now() < until {}
        let start = Instant::now();
        sleep(wanted);
        let taken = start.elapsed();
        check!(taken >= wanted.mul_f32(1.0 - APART), "{taken:?} instead of {wanted:?}");
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
    // One clock is read before and after the other: the host may take its time in between.
    let (before, start, behind) = (Instant::now(), uptime(), Instant::now());
    sleep(Duration::from_millis(300));
    let (last_before, end, last_behind) = (Instant::now(), uptime(), Instant::now());
    let (least, most) = (last_before.since(behind), last_behind.since(before));
    let expected = least.mul_f32(1.0 - APART) - COARSE..=most.mul_f32(1.0 + APART) + COARSE;
    check!(expected.contains(&(end - start)), "{:?}, but {least:?} to {most:?}", end - start);
    Ok(())
}

fn a_wait_for_a_message_takes_at_least_its_time() -> Verdict {
    let mut buffer = Buffer::new();
    for milliseconds in [1, 10, 30, 100] {
        let wanted = Duration::from_millis(milliseconds);
        let start = Instant::now();
        check_eq!(message::wait(&mut buffer, Some(wanted)).err(), Some(Error::TimedOut));
        let taken = start.elapsed();
        check!(taken >= wanted.mul_f32(1.0 - APART), "{taken:?} instead of {wanted:?}");
    }
    Ok(())
}
