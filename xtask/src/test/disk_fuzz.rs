//! A short run of the fuzzer of disks: the same cases each time, but for the moments at which the writers take turns.

use anyhow::Result;

use super::Filter;
use super::report::Report;
use crate::build::Guest;
use crate::fuzz;

/// The test's name.
pub const NAME: &str = "guest::fuzz::damaged_disks_are_refused_or_work_and_power_cuts_lose_nothing";

/// Some damaged images and power cuts, two of each in machines.
const CASES: u64 = 200;

/// Runs it if it is wanted.
///
/// # Errors
/// If something is missing or the guest does not compile.
pub fn run(filter: &Filter, report: &mut Report) -> Result<()> {
    if filter.wants(NAME) {
        let found = fuzz::disks(&Guest::build()?, CASES)?;
        report.add(NAME, if found.is_empty() { Ok(()) } else { Err(found.join("\n")) });
    }
    Ok(())
}
