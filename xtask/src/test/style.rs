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
const EXAMPLES: &str = "style::every_item_of_libsys_has_an_example";
const GUEST_LINTS: &str = "style::lints_of_the_guest";

/// The tests' names.
pub const fn names() -> [&'static str; 5] {
    [FORMAT, HOST_LINTS, HOST_DOCS, EXAMPLES, GUEST_LINTS]
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
        let host = succeeds(&mut cargo(&["clippy", "--all-targets", "--", "-D", "warnings"]));
        // The library for C is made for the guest alone; but its tests run here.
        let library = || succeeds(&mut cargo(&["clippy", "-p", "borrow", "--tests", "--", "-D", "warnings"]));
        report.add(HOST_LINTS, host.and_then(|()| library()));
    }
    if filter.wants(HOST_DOCS) {
        step("checking the docs of the host's half");
        let mut doc = cargo(&["doc", "--no-deps", "--document-private-items"]);
        report.add(HOST_DOCS, succeeds(doc.env("RUSTDOCFLAGS", "-D warnings")));
    }
    if filter.wants(EXAMPLES) {
        let mut coverage = cargo(&["rustdoc", "-p", "libsys", "--", "-Zunstable-options", "--show-coverage"]);
        // Counting examples is not stable in rustdoc; nothing that is built depends on it.
        report
            .add(EXAMPLES, output_of(coverage.env("RUSTC_BOOTSTRAP", "1")).and_then(|table| all_have_examples(&table)));
    }
    if filter.wants(GUEST_LINTS) {
        let toolchain = Toolchain::ready()?;
        step("linting the guest's half");
        let packages = build::packages()?;
        report.add(GUEST_LINTS, succeeds(&mut toolchain.clippy(&packages)));
    }
    Ok(())
}

/// Judges rustdoc's table: a row for each file, whose last column says how many of its items have an example.
fn all_have_examples(table: &str) -> Verdict {
    let rows = table.lines().filter(|line| line.contains(".rs "));
    let (complete, lacking): (Vec<&str>, Vec<&str>) = rows.partition(|row| row.ends_with("100.0% |"));
    match (complete.as_slice(), lacking.as_slice()) {
        ([], []) => Err(format!("rustdoc has counted nothing:\n{table}")),
        (_, []) => Ok(()),
        _ => Err(format!("items without an example (documented, examples):\n{}", lacking.join("\n"))),
    }
}

/// The command succeeds; if not, what it said is the reason.
fn succeeds(command: &mut Command) -> Verdict {
    output_of(command).map(|_| ())
}

/// What the command prints if it succeeds; if not, what it said is the reason.
fn output_of(command: &mut Command) -> std::result::Result<String, String> {
    match command.output() {
        Ok(output) => {
            let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            if output.status.success() { Ok(said.into_owned()) } else { Err(format!("{said}{errors}")) }
        }
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::all_have_examples;

    #[test]
    fn one_item_without_an_example_is_enough_to_fail() {
        let row = |percent: &str| format!("| libsys/src/time.rs  |   6 |  100.0% |   5 |  {percent} |\n");
        assert!(all_have_examples(&row("100.0%")).is_ok());
        assert!(all_have_examples(&[row("100.0%"), row(" 98.0%")].concat()).is_err_and(|why| why.contains("98.0%")));
        assert!(all_have_examples("").is_err());
    }
}
