//! `date`: tells date and time.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::String;

use libsys::test::Verdict;
use libsys::{check_eq, println, system};
use tools::Problem;

libsys::entry!(main, about: "Tells date and time", tests: [seconds_become_dates]);

const USAGE: &str = "usage: date
Tells date and time, as the machine's own clock counts it; mostly that is UTC.";

const SECONDS_OF_DAY: u64 = 86_400;

fn main() -> u32 {
    tools::run(USAGE, |arguments| {
        if !arguments.is_empty() {
            return Err(Problem::Usage);
        }
        let time = system::time()?;
        match time.started_unix_seconds {
            0 => Err(Problem::from("this machine has no clock that was set")),
            started => {
                println!("{}", date_and_time(started + time.uptime_ms / 1000));
                Ok(0)
            }
        }
    })
}

/// As `2026-03-29 17:04:05`.
fn date_and_time(unix_seconds: u64) -> String {
    let (year, month, day) = date(unix_seconds / SECONDS_OF_DAY);
    let second = unix_seconds % SECONDS_OF_DAY;
    format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// The date so many days after the first of January 1970.
fn date(mut days: u64) -> (u64, usize, u64) {
    for year in 1970.. {
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let months = [31, if is_leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, of_month) in (1..).zip(months) {
            if days < of_month {
                return (year, month, days + 1);
            }
            days -= of_month;
        }
    }
    unreachable!("there are as many years as days")
}

fn seconds_become_dates() -> Verdict {
    for (seconds, text) in [
        (0, "1970-01-01 00:00:00"),
        (951_782_399, "2000-02-28 23:59:59"),
        (951_782_400, "2000-02-29 00:00:00"),
        (1_767_225_599, "2025-12-31 23:59:59"),
        (1_767_225_600, "2026-01-01 00:00:00"),
    ] {
        check_eq!(date_and_time(seconds), text);
    }
    Ok(())
}
