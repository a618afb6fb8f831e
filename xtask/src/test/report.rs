//! Verdicts, printed as they come and counted.

use std::process::ExitCode;
use std::time::Instant;

/// What a test found: what is wrong, if anything.
pub type Verdict = Result<(), String>;

/// All verdicts so far.
#[derive(Debug)]
pub struct Report {
    passed: u32,
    failed: Vec<String>,
    /// What could not be run here, and why.
    skipped: Vec<String>,
    started: Instant,
}

impl Default for Report {
    fn default() -> Self {
        Self { passed: 0, failed: Vec::new(), skipped: Vec::new(), started: Instant::now() }
    }
}

impl Report {
    /// Prints a verdict and counts it.
    pub fn add(&mut self, name: &str, verdict: Verdict) {
        match verdict {
            Ok(()) => {
                self.passed += 1;
                println!("test {name} ... ok");
            }
            Err(reason) => {
                println!("test {name} ... FAILED");
                reason.lines().for_each(|line| println!("    {line}"));
                self.failed.push(name.into());
            }
        }
    }

    /// Says that a test cannot be run here. It counts neither as passed nor as failed.
    pub fn skip(&mut self, name: &str, reason: &str) {
        println!("test {name} ... skipped: {reason}");
        self.skipped.push(format!("{name}: {reason}"));
    }

    /// Nothing was tested.
    pub const fn is_empty(&self) -> bool {
        self.passed == 0 && self.failed.is_empty() && self.skipped.is_empty()
    }

    /// Prints what failed, and the totals as the last line.
    pub fn summary(&self) -> ExitCode {
        if !self.failed.is_empty() {
            println!("\nfailed:");
            self.failed.iter().for_each(|name| println!("    {name}"));
        }
        if !self.skipped.is_empty() {
            println!("\nskipped:");
            self.skipped.iter().for_each(|test| println!("    {test}"));
        }
        println!("\nin {:.0} s:", self.started.elapsed().as_secs_f64());
        println!("{} passed, {} failed", self.passed, self.failed.len());
        if self.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
