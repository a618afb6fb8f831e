//! Verdicts, printed as they come and counted.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use crate::console::step;

/// What a test found: what is wrong, if anything.
pub type Verdict = Result<(), String>;

/// What each test found, by the test's name.
pub type Verdicts = BTreeMap<String, Verdict>;

/// All verdicts so far.
#[derive(Debug)]
pub struct Report {
    /// Verdicts go to standard output, one by one.
    is_shown: bool,
    verdicts: Verdicts,
    /// What could not be run here, and why.
    skipped: Vec<String>,
    started: Instant,
}

impl Default for Report {
    fn default() -> Self {
        Self { is_shown: true, verdicts: Verdicts::new(), skipped: Vec::new(), started: Instant::now() }
    }
}

impl Report {
    /// A report that is printed by someone else: only progress is shown, on standard error.
    pub fn quiet() -> Self {
        Self { is_shown: false, ..Self::default() }
    }

    /// All verdicts.
    pub fn into_verdicts(self) -> Verdicts {
        self.verdicts
    }

    /// Prints a verdict and keeps it.
    pub fn add(&mut self, name: &str, verdict: Verdict) {
        let line = format!("test {name} ... {}", if verdict.is_ok() { "ok" } else { "FAILED" });
        if self.is_shown {
            println!("{line}");
            let reasons = verdict.as_ref().err().into_iter().flat_map(|reason| reason.lines());
            reasons.for_each(|line| println!("    {line}"));
        } else {
            step(&line);
        }
        self.verdicts.insert(name.into(), verdict);
    }

    /// Says that a test cannot be run here. It counts neither as passed nor as failed.
    pub fn skip(&mut self, name: &str, reason: &str) {
        println!("test {name} ... skipped: {reason}");
        self.skipped.push(format!("{name}: {reason}"));
    }

    /// Nothing was tested.
    pub fn is_empty(&self) -> bool {
        self.verdicts.is_empty() && self.skipped.is_empty()
    }

    /// Prints what failed, and the totals as the last line.
    pub fn summary(&self) -> ExitCode {
        let (passed, failed): (Vec<_>, Vec<_>) = self.verdicts.iter().partition(|(_, verdict)| verdict.is_ok());
        if !failed.is_empty() {
            println!("\nfailed:");
            failed.iter().for_each(|(name, _)| println!("    {name}"));
        }
        if !self.skipped.is_empty() {
            println!("\nskipped:");
            self.skipped.iter().for_each(|test| println!("    {test}"));
        }
        println!("\nin {:.0} s:", self.started.elapsed().as_secs_f64());
        println!("{} passed, {} failed", passed.len(), failed.len());
        if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
