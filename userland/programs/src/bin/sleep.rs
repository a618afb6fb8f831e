//! `sleep SECONDS`: waits.
#![no_std]
#![no_main]

use core::time::Duration;

use libsys::check_eq;
use libsys::process;
use libsys::test::Verdict;
use tools::Problem;

libsys::entry!(main, about: "Waits for some seconds", tests: [fractions_of_a_second_count]);

const USAGE: &str = "usage: sleep SECONDS
Waits so long: `sleep 2`, `sleep 0.1`.";

fn main() -> u32 {
    tools::run(USAGE, |arguments| match arguments {
        [text] => {
            process::sleep(duration(text).ok_or(Problem::Usage)?);
            Ok(0)
        }
        _ => Err(Problem::Usage),
    })
}

/// Seconds, with at most three digits behind the point.
fn duration(text: &str) -> Option<Duration> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = u32::try_from(fraction.len()).ok().filter(|&digits| (1..=3).contains(&digits))?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(seconds) || !is_number(fraction) {
        return None;
    }
    let milliseconds = fraction.parse::<u64>().ok()? * 10u64.pow(3 - digits);
    Some(Duration::from_millis(seconds.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(milliseconds)?))
}

fn fractions_of_a_second_count() -> Verdict {
    for (text, milliseconds) in [("2", 2000), ("0.1", 100), ("1.05", 1050), ("0.007", 7)] {
        check_eq!(duration(text), Some(Duration::from_millis(milliseconds)));
    }
    for text in ["", ".", "1.", "-1", "1e3", "0.0001", "99999999999999999999"] {
        check_eq!(duration(text), None);
    }
    Ok(())
}
