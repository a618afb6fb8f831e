//! Programs in C: compiled by the host's compiler with what `cargo xtask sdk` makes, and run in the guest.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::guest::{Boot, Case, Outcome};
use super::report::Verdict;
use crate::build::Guest;
use crate::sdk;

/// The program that looks at everything, and its source.
const CHECK: &str = "check-c";
const CHECK_SOURCE: &str = include_str!("../../../libsys/c/check.c");
/// It says how many of its checks have failed, and exits with this if none has.
const ALL_HOLD: u32 = 42;

/// What it prints besides its own verdicts.
const LINES: [&str; 3] = [
    "[-7|   42|42   |-0042|beef|0000BEEF|c|text| right|cu|%|0x1000]",
    "[-1234567890123|12345678901234567890|5]",
    "Hello from C, process 3 of 3: one two!",
];

/// One machine that runs both programs.
pub fn case() -> Case {
    let boot = Boot { make: Some(compile), ..Boot::new("c-programs", &[CHECK, "a b", "-17"]).option("check=100") };
    let names = vec!["guest::sdk::a_program_in_c_is_as_good_as_any".into()];
    Case { boot, names, judge: Box::new(|outcome| vec![judge(outcome)]) }
}

/// Makes the folder and compiles the example and the check with the command that the example names.
fn compile(guest: &Guest, folder: &Path) -> Result<Vec<String>> {
    sdk::make(guest, folder)?;
    fs::write(folder.join(format!("{CHECK}.c")), CHECK_SOURCE).context("cannot write the source")?;
    for name in [sdk::EXAMPLE, CHECK] {
        sdk::compile(folder, name)?;
    }
    Ok(vec![sdk::EXAMPLE.into(), CHECK.into()])
}

fn judge(outcome: &Outcome) -> Verdict {
    let checks = CHECK_SOURCE.matches("check(").count() - 1;
    let holding = outcome.output.lines().filter(|line| line.ends_with(" ... ok")).count();
    if holding != checks {
        return Err(format!("{holding} of {checks} checks hold"));
    }
    for line in LINES {
        if !outcome.output.lines().any(|shown| shown == line) {
            return Err(format!("the console did not show the line `{line}`"));
        }
    }
    outcome.expect_text("\n0 failures\n")?;
    outcome.expect_status(ALL_HOLD)
}
