//! `piggies COUNT PAGES ROUNDS [SEED]`: runs many piggies at once, and shows what paging did for each.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use libsys::abi::record::{Account, ExitStatus};
use libsys::process::Process;
use libsys::{Args, ExitReason, eprintln, println, system};

libsys::entry!(main, about: "Runs many piggies at once");

const USAGE: &str = "usage: piggies COUNT PAGES ROUNDS [SEED]
Starts COUNT copies of `piggy PAGES ROUNDS SEED` at once, waits for all, and
prints what paging did for each. Exits with 0 only if every one found every
byte right.";

fn main() -> u32 {
    let arguments: Vec<&str> = Args::new().collect();
    if arguments.contains(&"--help") {
        println!("{USAGE}");
        return 0;
    }
    let numbers: Option<Vec<u32>> = arguments.iter().map(|argument| argument.parse().ok()).collect();
    let (count, job) = match numbers.as_deref() {
        Some(&[count, pages, rounds]) if count > 0 => (count, [pages, rounds, 0]),
        Some(&[count, pages, rounds, seed]) if count > 0 => (count, [pages, rounds, seed]),
        _ => {
            eprintln!("{USAGE}");
            return 2;
        }
    };
    let [pages, rounds, seed] = job;
    let piggy_arguments = [pages, rounds, seed, rest_ms(count)].map(|number| number.to_string());
    let before = system::info().map(|info| info.account).unwrap_or_default();
    let herd: Vec<_> = (0..count).map(|_| Process::spawn("piggy", &piggy_arguments)).collect();
    let ended: Vec<_> = herd.into_iter().map(|piggy| piggy.and_then(Process::wait)).collect();
    let verified = report(&ended);
    let after = system::info().map(|info| info.account).unwrap_or_default();
    println!(
        "all programs together: {} swap-outs, {} swap-ins",
        after.swap_outs.wrapping_sub(before.swap_outs),
        after.swap_ins.wrapping_sub(before.swap_ins)
    );
    println!("{verified} of {count} piggies verified");
    u32::from(verified != count)
}

/// How long a piggy rests between rounds: so long that the last of the herd is started before the first is done.
const fn rest_ms(count: u32) -> u32 {
    20 + 5u32.saturating_mul(count)
}

/// Prints the table; returns how many piggies found every byte right.
fn report(ended: &[Result<ExitStatus, libsys::Error>]) -> u32 {
    let mut totals = Account::default();
    let mut verified = 0;
    println!("   pid  outcome        faults  zero fills  swap-ins  swap-outs  clean drops");
    for piggy in ended {
        match piggy {
            Ok(ExitStatus { pid, reason, account }) => {
                verified += u32::from(*reason == ExitReason::Exited(0));
                totals.add(account);
                row(&pid.to_string(), &outcome(*reason), account);
            }
            Err(error) => row("-", &format!("no: {error}"), &Account::default()),
        }
    }
    row("total", "", &totals);
    verified
}

fn row(pid: &str, outcome: &str, account: &Account) {
    let Account { faults, zero_fills, swap_ins, swap_outs, clean_drops, .. } = account;
    println!("{pid:>6}  {outcome:<12} {faults:>8} {zero_fills:>11} {swap_ins:>9} {swap_outs:>10} {clean_drops:>12}");
}

fn outcome(reason: ExitReason) -> String {
    match reason {
        ExitReason::Exited(0) => "verified".into(),
        ExitReason::Exited(code) => format!("exited {code}"),
        ExitReason::Killed(by) => format!("killed by {by}"),
        ExitReason::Fault { .. } => "broke a rule".into(),
    }
}
