//! `cargo xtask rubric`: the tests of a course's rubric, and the points for them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::cli::RubricOptions;
use crate::guide::{Course, Line, TestName};
use crate::test::{self, Verdicts};

/// Runs the tests of the rubric, or of all rubrics, and prints them with points.
///
/// # Errors
/// If a guide names a test that is not there, or the tests cannot be run.
pub fn command(options: &RubricOptions) -> Result<ExitCode> {
    let courses = options.course.map_or(Course::ALL.to_vec(), |course| vec![course]);
    let mut rubrics = Vec::new();
    for course in courses {
        rubrics.push((course, course.guide()?.rubric));
    }
    let wanted: BTreeSet<&TestName> =
        rubrics.iter().flat_map(|(_, lines)| lines).flat_map(|line| &line.tests).collect();
    let full_names = full_names(&wanted)?;
    let verdicts = test::run_exactly(full_names.values().flatten().cloned().collect())?;
    let mut all_passed = true;
    for (course, lines) in &rubrics {
        let graded: Vec<Graded<'_>> = lines.iter().map(|line| Graded::new(line, &full_names, &verdicts)).collect();
        print!("{}", report(course.title(), &graded));
        all_passed &= graded.iter().all(Graded::has_passed);
    }
    Ok(if all_passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The full names of the tests that have each name: several in different modules may have the same.
type FullNames<'a> = BTreeMap<&'a TestName, Vec<String>>;

/// Looks the tests up. Those of the guest have their full names already.
fn full_names<'a>(wanted: &BTreeSet<&'a TestName>) -> Result<FullNames<'a>> {
    let mut on_the_host: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut names = FullNames::new();
    for &test in wanted {
        let full = match test {
            TestName::Guest(name) => vec![name.clone()],
            TestName::Host { package, name } => {
                if !on_the_host.contains_key(package.as_str()) {
                    on_the_host.insert(package, test::host_names(package)?);
                }
                let known = on_the_host.get(package.as_str()).into_iter().flatten();
                let end = format!("::{name}");
                let found: Vec<String> = known.filter(|full| full.ends_with(&end)).cloned().collect();
                if found.is_empty() {
                    bail!("{package} has no test `{name}`");
                }
                found
            }
        };
        names.insert(test, full);
    }
    Ok(names)
}

/// A line of a rubric, and what its tests found.
struct Graded<'a> {
    line: &'a Line,
    /// Each test's name, and what is wrong, if anything.
    tests: Vec<(&'a str, Result<(), String>)>,
}

impl<'a> Graded<'a> {
    fn new(line: &'a Line, full_names: &'a FullNames<'_>, verdicts: &Verdicts) -> Self {
        let verdict = |name: &String| verdicts.get(name).cloned().unwrap_or(Err("it was not run".into()));
        let names = line.tests.iter().filter_map(|test| full_names.get(test)).flatten();
        Self { line, tests: names.map(|name| (name.as_str(), verdict(name))).collect() }
    }

    fn has_passed(&self) -> bool {
        self.tests.len() >= self.line.tests.len() && self.tests.iter().all(|(_, verdict)| verdict.is_ok())
    }

    /// All points if all tests passed, otherwise none.
    fn points(&self) -> u32 {
        if self.has_passed() { self.line.points } else { 0 }
    }
}

/// The rubric as a teacher reads it.
fn report(title: &str, lines: &[Graded<'_>]) -> String {
    let mut text = format!("\n{title}\n\n");
    for graded in lines {
        text += &format!("{:>3} of {:>3}  {}\n", graded.points(), graded.line.points, graded.line.text);
        for (name, verdict) in &graded.tests {
            let word = if verdict.is_ok() { "ok" } else { "FAILED" };
            text += &format!("              {word:<6}  {name}\n");
            let reasons = verdict.as_ref().err().into_iter().flat_map(|reason| reason.lines());
            reasons.for_each(|reason| text += &format!("                          {reason}\n"));
        }
    }
    let (reached, most) =
        lines.iter().fold((0, 0), |(reached, most), graded| (reached + graded.points(), most + graded.line.points));
    text + &format!("\n{reached:>3} of {most:>3}  points\n")
}

#[cfg(test)]
mod tests {
    use super::{FullNames, Graded, report};
    use crate::guide::{Line, TestName};
    use crate::test::Verdicts;

    fn line(points: u32, tests: usize) -> Line {
        let tests = (0..tests).map(|number| TestName::Guest(format!("guest::{number}"))).collect();
        Line { text: "lazy".into(), points, tests }
    }

    #[test]
    fn line_with_one_failed_test_counts_nothing() {
        let (first, second) = (line(10, 2), line(5, 1));
        let passed = Graded { line: &second, tests: vec![("c", Ok(()))] };
        let failed = Graded { line: &first, tests: vec![("a", Ok(())), ("b", Err("one\ntwo".into()))] };
        assert!(passed.has_passed() && !failed.has_passed());
        let text = report("title", &[failed, passed]);
        assert!(text.contains("\n  0 of  10  lazy\n") && text.contains("\n  5 of   5  lazy\n"), "{text}");
        assert!(text.contains(" FAILED  b\n") && text.contains(" two\n"), "{text}");
        assert!(text.ends_with("\n  5 of  15  points\n"), "{text}");
    }

    #[test]
    fn line_whose_test_was_not_run_counts_nothing() {
        let line = line(10, 2);
        let names: FullNames<'_> =
            line.tests.iter().zip(["a", "b"]).map(|(test, name)| (test, vec![name.into()])).collect();
        let mut verdicts = Verdicts::from([("a".into(), Ok(()))]);
        assert_eq!(Graded::new(&line, &names, &verdicts).points(), 0);
        verdicts.insert("b".into(), Ok(()));
        assert_eq!(Graded::new(&line, &names, &verdicts).points(), 10);
    }
}
