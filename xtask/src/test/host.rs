//! The host's tests: ordinary `cargo test`.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Filter;
use super::report::Report;
use crate::console::step;
use crate::project;

/// The packages that have tests for the host.
const PACKAGES: [&str; 8] = ["abi", "borrow", "fakefs", "fuzz-core", "kcore", "libsys", "shell-core", "xtask"];

/// The tests' names.
///
/// # Errors
/// If they do not compile.
pub fn names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for package in PACKAGES {
        names.extend(names_of(package)?);
    }
    Ok(names)
}

/// The names of one package's tests.
///
/// # Errors
/// If they do not compile.
pub fn names_of(package: &str) -> Result<Vec<String>> {
    let output = cargo_test(package, &["--list"]).stderr(Stdio::null()).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the tests of {package} do not compile; see `cargo test -p {package}`");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| Some(full_name(package, line.strip_suffix(": test")?))).collect())
}

/// Runs those that are wanted.
///
/// # Errors
/// If cargo cannot be run.
pub fn run(filter: &Filter, report: &mut Report) -> Result<()> {
    for package in PACKAGES {
        let prefix = full_name(package, "");
        if filter.is_everything() {
            run_package(package, &[], report)?;
        } else if filter.may_want(&prefix) {
            let names = names_of(package)?;
            let wanted = names.iter().filter(|name| filter.wants(name));
            let exact: Vec<&str> = wanted.filter_map(|name| name.strip_prefix(&prefix)).collect();
            if !exact.is_empty() {
                run_package(package, &exact, report)?;
            }
        }
    }
    Ok(())
}

/// Runs a package's tests: those of the given names, or all.
fn run_package(package: &str, exact: &[&str], report: &mut Report) -> Result<()> {
    step(&format!("testing {package} on the host"));
    let mut arguments = Vec::new();
    // An example's name has blanks, at which rustdoc would take it apart: then all are run, and those that are wanted count.
    if !exact.is_empty() && !exact.iter().any(|name| name.contains(' ')) {
        arguments.push("--exact");
        arguments.extend(exact);
    }
    let output = cargo_test(package, &arguments).output().context("cannot run cargo")?;
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let mut failures = 0;
    for (name, has_passed) in text.lines().filter_map(verdict) {
        failures += u32::from(!has_passed);
        if exact.is_empty() || exact.contains(&name) {
            let verdict = if has_passed { Ok(()) } else { Err(details(&text, name)) };
            report.add(&full_name(package, name), verdict);
        }
    }
    // Neither a test that ended its whole program nor one that did not compile has a line.
    if !output.status.success() && failures == 0 {
        report.add(&full_name(package, "build"), Err(format!("{text}{errors}")));
    }
    Ok(())
}

/// A test's name, and whether it has passed, if the line says so. Examples are only compiled, which is said behind their name.
fn verdict(line: &str) -> Option<(&str, bool)> {
    let (name, verdict) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let name = name.strip_suffix(" - compile").unwrap_or(name);
    match verdict {
        "ok" => Some((name, true)),
        "FAILED" => Some((name, false)),
        _ => None,
    }
}

fn cargo_test(package: &str, arguments: &[&str]) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(project::root()).args(["test", "--no-fail-fast", "-p", package, "--"]).args(arguments);
    cargo
}

fn full_name(package: &str, name: &str) -> String {
    format!("host::{package}::{name}")
}

/// What a failed test printed.
fn details(text: &str, name: &str) -> String {
    let start = format!("---- {name} stdout ----");
    let lines = text.lines().skip_while(|line| *line != start).skip(1).take_while(|line| !line.starts_with("---- "));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{details, verdict};

    #[test]
    fn verdicts_are_told_from_other_lines() {
        assert_eq!(verdict("test a::b ... ok"), Some(("a::b", true)));
        assert_eq!(verdict("test a.rs - a (line 3) - compile ... FAILED"), Some(("a.rs - a (line 3)", false)));
        assert_eq!(verdict("test a::b ... ignored"), None);
        assert_eq!(verdict("test result: FAILED. 0 passed"), None);
    }

    #[test]
    fn a_failure_is_shown_with_what_it_printed() {
        let text = "---- a stdout ----\nfirst\n---- b stdout ----\nsecond\nthird\n---- c stdout ----\n";
        assert_eq!(details(text, "b"), "second\nthird");
        assert_eq!(details(text, "none"), "");
    }
}
