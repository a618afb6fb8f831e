//! Format and lints.

use std::process::Command;

use anyhow::Result;

use super::Filter;
use super::report::{Report, Verdict};
use crate::build;
use crate::console::step;
use crate::project;
use crate::setup::Toolchain;

const FORMAT: &str = "style::format";
const HOST_LINTS: &str = "style::lints_of_the_host";
const HOST_DOCS: &str = "style::docs_of_the_host";
const GUEST_LINTS: &str = "style::lints_of_the_guest";

/// The tests' names.
pub const fn names() -> [&'static str; 4] {
    [FORMAT, HOST_LINTS, HOST_DOCS, GUEST_LINTS]
}

/// Runs those that are wanted.
///
/// # Errors
/// If the guest's compiler is missing and cannot be had.
pub fn run(filter: &Filter, report: &mut Report) -> Result<()> {
    let cargo = |arguments: &[&str]| {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.current_dir(project::root()).args(arguments);
        cargo
    };
    if filter.wants(FORMAT) {
        report.add(FORMAT, succeeds(&mut cargo(&["fmt", "--all", "--check"])));
    }
    if filter.wants(HOST_LINTS) {
        step("linting the host's half");
        report.add(HOST_LINTS, succeeds(&mut cargo(&["clippy", "--all-targets", "--", "-D", "warnings"])));
    }
    if filter.wants(HOST_DOCS) {
        step("checking the docs of the host's half");
        let mut doc = cargo(&["doc", "--no-deps", "--document-private-items"]);
        report.add(HOST_DOCS, succeeds(doc.env("RUSTDOCFLAGS", "-D warnings")));
    }
    if filter.wants(GUEST_LINTS) {
        let toolchain = Toolchain::ready()?;
        step("linting the guest's half");
        let packages = build::packages()?;
        report.add(GUEST_LINTS, succeeds(&mut toolchain.clippy(&packages)));
    }
    Ok(())
}

/// The command succeeds; if not, what it said is the reason.
fn succeeds(command: &mut Command) -> Verdict {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            Err(format!("{said}{errors}"))
        }
        Err(error) => Err(error.to_string()),
    }
}
