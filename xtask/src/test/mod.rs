//! `cargo xtask test`: format and lints, the host's tests, then the guest's in QEMU.

mod bench;
mod bombs;
mod c_programs;
mod debugger;
mod disk_errors;
mod disk_faults;
mod disk_fuzz;
mod files;
mod fuzz;
mod guest;
mod guides;
mod host;
mod kept;
mod programs;
mod report;
mod scenarios;
mod sessions;
mod style;
mod swap_pieces;
mod window;

use std::collections::BTreeSet;
use std::env;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::cli::TestOptions;
use report::Report;

pub use host::names_of as host_names;
pub use report::Verdicts;

/// Which tests are wanted.
#[derive(Clone, Debug)]
pub enum Filter {
    /// All.
    Everything,
    /// Those whose name contains this.
    Containing(String),
    /// Those with these names.
    Exactly(BTreeSet<String>),
}

impl Filter {
    /// The test of this name is wanted.
    pub fn wants(&self, name: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Containing(part) => name.contains(part.as_str()),
            Self::Exactly(names) => names.contains(name),
        }
    }

    /// All tests are wanted.
    pub const fn is_everything(&self) -> bool {
        matches!(self, Self::Everything)
    }

    /// A test whose name begins so may be wanted.
    pub fn may_want(&self, prefix: &str) -> bool {
        match self {
            Self::Everything | Self::Containing(_) => true,
            Self::Exactly(names) => names.iter().any(|name| name.starts_with(prefix)),
        }
    }
}

/// Runs these tests of the host and of the guest, and returns what they found. Progress goes to
/// standard error.
///
/// # Errors
/// If something is missing that running them needs.
pub fn run_exactly(names: BTreeSet<String>) -> Result<Verdicts> {
    let filter = Filter::Exactly(names);
    let mut report = Report::quiet();
    let xtask = env::current_exe().context("cannot find this program")?;
    host::run(&filter, &mut report)?;
    if filter.may_want("guest::") {
        guest::run(&filter, &mut report)?;
        kept::run(&filter, &xtask, &mut report)?;
    }
    Ok(report.into_verdicts())
}

/// Runs or lists the tests.
///
/// # Errors
/// If the filter fits no test, or something is missing that running them needs.
pub fn command(options: &TestOptions) -> Result<ExitCode> {
    let filter = options.filter.clone().map_or(Filter::Everything, Filter::Containing);
    if options.list {
        return list(&filter);
    }
    let mut report = Report::default();
    // The tests of xtask make cargo link this program anew; its path stays, but the system does not know it any more after that.
    let xtask = env::current_exe().context("cannot find this program")?;
    style::run(&filter, &mut report)?;
    host::run(&filter, &mut report)?;
    guest::run(&filter, &mut report)?;
    disk_fuzz::run(&filter, &mut report)?;
    window::run(&filter, &mut report)?;
    kept::run(&filter, &xtask, &mut report)?;
    debugger::run(&filter, &mut report)?;
    bench::run(&filter, &mut report)?;
    if report.is_empty() {
        bail!("no test has `{}` in its name; see `cargo xtask test --list`", options.filter.as_deref().unwrap_or(""));
    }
    Ok(report.summary())
}

fn list(filter: &Filter) -> Result<ExitCode> {
    let names = style::names().into_iter().map(String::from).chain(host::names()?).chain(guest::names()?);
    let single = [bench::NAME, debugger::NAME, disk_fuzz::NAME].into_iter();
    let names = names.chain(single.chain(window::NAMES).chain(kept::NAMES).map(String::from));
    names.filter(|name| filter.wants(name)).for_each(|name| println!("{name}"));
    Ok(ExitCode::SUCCESS)
}
