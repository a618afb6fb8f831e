//! Tests that programs carry: their names are read from the program's file, and each must be reported by its name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use abi::RUN_TESTS;
use anyhow::{Context, Result};

use super::disk_errors;
use super::guest::{Boot, Case, Outcome};
use super::report::Verdict;
use crate::build::Guest;
use crate::image::section;
use crate::machine::End;

/// The start of the names of programs that are nothing but tests.
const PREFIX: &str = "test-";
/// The section with the names; see `libsys::tests`.
const SECTION: &str = ".test_names";
/// The test that the machine itself is in order after all others.
const IN_ORDER: &str = "the_machine_is_in_order_afterwards";

/// One boot for each program that carries tests.
///
/// # Errors
/// If a program cannot be read.
pub fn cases(guest: &Guest) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (name, path) in &guest.programs {
        let tests = tests_of(path)?;
        if tests.is_empty() {
            continue;
        }
        if let Some((subject, boot)) = second_machine_for(name, guest)? {
            cases.push(judged(subject, boot, tests.clone()));
        }
        for (subject, boot) in machines_in_bochs_for(name, guest)? {
            cases.push(judged(&subject, boot, tests.clone()));
        }
        cases.push(case(guest, name, tests)?);
    }
    Ok(cases)
}

/// The names of the tests that the program in this file carries.
fn tests_of(path: &Path) -> Result<Vec<String>> {
    let file = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let names = String::from_utf8(section(&file, SECTION)?.to_vec()).context("a test's name is not UTF-8")?;
    Ok(names.lines().map(String::from).collect())
}

fn case(guest: &Guest, program: &str, tests: Vec<String>) -> Result<Case> {
    let (subject, boot) = match program.strip_prefix(PREFIX) {
        Some(subject) => (subject, machine_for(program, guest)?),
        None => (program, Boot::new(program, &[program, RUN_TESTS]).option("check=100")),
    };
    Ok(judged(subject, boot, tests))
}

fn judged(subject: &str, boot: Boot, tests: Vec<String>) -> Case {
    let full_names = tests.iter().map(String::as_str).chain([IN_ORDER]);
    let names = full_names.map(|test| format!("guest::{subject}::{test}")).collect();
    let lost_files = boot.lost_files.clone();
    Case { boot, names, judge: Box::new(move |outcome| judge(&tests, &lost_files, outcome)) }
}

/// Another machine, for programs whose tests are to hold in another way too, and what that is called.
fn second_machine_for(program: &str, guest: &Guest) -> Result<Option<(&'static str, Boot)>> {
    let few_frames = |subject, frames| {
        let boot = Boot::new(&format!("{program}-on-few-frames"), &[program]);
        Some((subject, boot.frames(frames).option("check=20")))
    };
    Ok(match program {
        "test-files" => few_frames("files_on_few_frames", 64),
        "test-growth" => few_frames("growth_on_few_frames", 64),
        "test-handles" => few_frames("handles_on_few_frames", 64),
        "test-mappings" => few_frames("mappings_on_few_frames", 96),
        "test-mapping-places" => few_frames("mapping_places_on_few_frames", 96),
        "test-pools" => few_frames("pools_on_few_frames", 96),
        "test-parts" => few_frames("parts_on_few_frames", 96),
        "test-write-back" => few_frames("write_back_on_few_frames", 96),
        "test-disk-errors" => {
            let boot = Boot::new("test-disk-errors-by-programmed-io", &[program]).option("pio");
            Some(("disk_errors_by_programmed_io", disk_errors::machine(boot, guest)?))
        }
        "test-time" => {
            let boot = Boot::new("test-time-with-hasty-ticks", &[program]);
            Some(("time_with_hasty_ticks", boot.option("provoke=hasty-ticks")))
        }
        // Ring 0 may touch user pages only where it says so (SMAP), and execute none (SMEP).
        "test-pointers" => Some(("pointers_on_a_cpu_with_every_guard", on_cpu("max", program, guest)?)),
        "test-requests" => Some(("requests_on_a_cpu_with_every_guard", on_cpu("max", program, guest)?)),
        // No global pages, and no `sysenter`.
        "test-registers" => Some(("registers_on_a_pentium", on_cpu("pentium", program, guest)?)),
        "test-messages" => Some(("messages_on_a_pentium", on_cpu("pentium", program, guest)?)),
        _ => None,
    })
}

/// The programs that test what Bochs checks and QEMU's translator does not, or what a stricter machine could upset.
const IN_BOCHS: [&str; 10] = [
    "test-faults",
    "test-files",
    "test-flags",
    "test-kill",
    "test-memory",
    "test-messages",
    "test-paging",
    "test-processes",
    "test-registers",
    "test-scheduling",
];

/// CPUs in Bochs, with what the names of tests on them end in: one with `sysenter`, and one without.
pub const BOCHS_CPUS: [(&str, &str); 2] = [("on_bochs", "p4_willamette"), ("on_bochs_pentium", "pentium")];

/// The machines in Bochs for a program, and what they are called.
fn machines_in_bochs_for(program: &str, guest: &Guest) -> Result<Vec<(String, Boot)>> {
    let mut machines = Vec::new();
    for (place, cpu) in BOCHS_CPUS.iter().filter(|_| IN_BOCHS.contains(&program)) {
        let mut boot = machine_for(program, guest)?.in_bochs(cpu);
        boot.name = format!("{program}-{place}");
        if program == "test-paging" {
            // To compare the books at every few of its many faults would take most of a minute here. Of several such options the
            // last one counts.
            boot = boot.option("check=50");
        }
        machines.push((format!("{}_{place}", program.strip_prefix(PREFIX).unwrap_or(program)), boot));
    }
    Ok(machines)
}

/// The machine that a test program wants, with another CPU.
fn on_cpu(cpu: &'static str, program: &str, guest: &Guest) -> Result<Boot> {
    let boot = machine_for(program, guest)?;
    Ok(Boot { name: format!("{program}-on-cpu-{cpu}"), cpu: Some(cpu), ..boot })
}

/// The machine that a test program wants. The books of the memory system are compared at every few faults.
fn machine_for(program: &str, guest: &Guest) -> Result<Boot> {
    let boot = Boot::new(program, &[program]);
    Ok(match program {
        "test-paging" => at_real_time(boot, program).frames(64).swap(1).option("check=7"),
        "test-textbook" => boot.frames(600).option("textbook").option("check=100"),
        "test-kill" => boot.frames(128).swap(8).option("cleaner=off").option("check=50"),
        "test-disk-errors" => disk_errors::machine(boot, guest)?,
        "test-latency" => {
            let boot = Boot::new(program, &[program, RUN_TESTS]).option("latency");
            Boot { counts_instructions: true, typed: b"\x03".to_vec(), ..boot.ram(256).swap(1100) }
        }
        "test-large-file" => Boot { sparse: vec![("gibibyte", 1 << 30)], ..boot.ram(16).option("check=1000") },
        "test-many" => at_real_time(boot, program).ram(64),
        "test-scheduling" => at_real_time(boot, program),
        "test-messages" | "test-requests" => boot.frames(64).swap(2).option("check=50"),
        "test-processes" => {
            let hello = fs::read(guest.program("hello")?)?;
            let cut_short = hello[..6000.min(hello.len())].to_vec();
            let mut boot = boot.option("check=1000");
            boot.files =
                vec![("notaprogram", b"just some text\n".to_vec()), ("empty", Vec::new()), ("cutshort", cut_short)];
            boot
        }
        _ => boot.option("check=100"),
    })
}

/// The program is made real-time.
fn at_real_time(boot: Boot, program: &str) -> Boot {
    Boot { program: vec!["--real-time".into(), program.into()], ..boot }
}

/// A verdict for each test, and one for the machine.
fn judge(tests: &[String], lost_files: &[&str], outcome: &Outcome) -> Vec<Verdict> {
    let said: BTreeMap<&str, &str> =
        outcome.output.lines().filter_map(|line| line.strip_prefix("test ")?.split_once(" ... ")).collect();
    let verdict = |test: &String| match said.get(test.as_str()) {
        Some(&"ok") => Ok(()),
        Some(reason) => Err(reason.to_string()),
        None => Err("it was not run to its end".into()),
    };
    let in_order = match outcome.end {
        _ if !lost_files.is_empty() => outcome.expect_lost(lost_files),
        // Which test has failed is said above.
        End::Status(0 | 1) => Ok(()),
        _ => Err("the machine did not end in order".into()),
    };
    tests.iter().map(verdict).chain([in_order]).collect()
}

#[cfg(test)]
mod tests {
    use super::judge;
    use crate::machine::End;
    use crate::test::guest::Outcome;

    #[test]
    fn a_test_that_says_nothing_has_failed() {
        let output = "test one ... ok\r\ntest two ... FAILED: reason\ntest four".replace('\r', "");
        let outcome = Outcome { end: End::TimedOut, output, waits: Vec::new(), disk: Ok(()) };
        let tests = ["one", "two", "three", "four"].map(String::from);
        let verdicts = judge(&tests, &[], &outcome);
        assert_eq!(verdicts.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, false, false]);
    }
}
