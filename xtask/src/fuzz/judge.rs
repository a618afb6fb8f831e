//! Whether something was found on a machine.

use super::disk::Picture;
use super::watch::Watch;
use crate::machine::End;

/// What became of a batch, or of a part of one.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Which of the kind's sorts of cases were run; empty if it has one sort only.
    pub part: &'static str,
    /// Number of machines that were booted.
    pub boots: u64,
    /// Cases that have run to their end.
    pub cases: u64,
    /// What was found.
    pub what: Option<String>,
    /// The case in which it was found, if that is known.
    pub case: Option<u64>,
    /// All that the console has shown.
    pub output: String,
    /// The disk on which it was found.
    pub disk: Option<Picture>,
}

impl Judged {
    /// Something was found in this case, on this disk.
    pub fn finding(part: &'static str, case: u64, what: String, disk: Picture) -> Self {
        Self { part, case: Some(case), what: Some(what), disk: Some(disk), ..Self::default() }
    }
}

/// What a line begins with that tells of a finding. Programs of random code write nothing to the console.
const TELLTALES: [&str; 3] = ["fuzz: FOUND: ", "kernel: ", "init: "];
/// How an emulator ends that has found its own books wrong. No guest can make it do so on purpose.
const ABORTED: &str = "(SIGABRT)";
/// The most lines that are shown of one finding.
const LINES_MAX: usize = 6;

/// Judges a machine that has ended, or was ended.
pub fn judge(end: &End, output: &str, watch: &Watch) -> Judged {
    let what = found(end, output, watch.is_stuck());
    Judged { boots: 1, cases: watch.done(), what, output: output.into(), ..Judged::default() }
}

/// What was found on a machine that ended so. One that was switched off has found nothing, unless it `is_stuck`.
pub fn found(end: &End, output: &str, is_stuck: bool) -> Option<String> {
    let telltales = output.lines().filter(|line| TELLTALES.iter().any(|telltale| line.starts_with(telltale)));
    let how = match end {
        End::Status(0) if output.lines().any(is_last) => None,
        End::Status(status) => Some(format!("the machine ended with status {status}")),
        End::Unsaved => Some("the machine could not save all files".into()),
        End::Broken(status) if status.contains(ABORTED) => {
            Some(format!("the emulator has aborted ({status}): a mistake of its own; its message is above"))
        }
        End::Broken(status) => Some(format!("the machine stopped by itself ({status})")),
        End::TimedOut if is_stuck => Some("the machine hangs: it has shown nothing for minutes".into()),
        // Its time was up, or the user's patience.
        End::TimedOut | End::Interrupted => None,
    };
    let lines: Vec<String> = telltales.take(LINES_MAX).map(String::from).chain(how).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The line with which the guest's program says that all is well.
fn is_last(line: &str) -> bool {
    line.starts_with("fuzz: ") && line.ends_with(" done, nothing found")
}

#[cfg(test)]
mod tests {
    use super::found;
    use crate::machine::End;

    const GOOD: &str = "fuzz: from 0\nprocess 9 (fuzz) ended: breakpoint\nfuzz: done 24\nfuzz: 24 code of seed 1 done, nothing found\n";

    #[test]
    fn batch_that_ends_in_order_has_found_nothing() {
        assert_eq!(found(&End::Status(0), GOOD, false), None);
    }

    #[test]
    fn each_other_end_is_a_finding() {
        assert!(found(&End::Status(1), GOOD, false).unwrap().contains("status 1"));
        assert!(
            found(&End::Status(0), "fuzz: from 0\n", false).unwrap().contains("status 0"),
            "a program has shut the machine down"
        );
        assert!(found(&End::Broken("exit status: 0".into()), GOOD, false).unwrap().contains("by itself"));
        let aborted = End::Broken("QEMU: signal: 6 (SIGABRT)".into());
        assert!(found(&aborted, GOOD, false).unwrap().contains("the emulator has aborted"));
    }

    #[test]
    fn words_of_the_kernel_and_of_the_programs_are_findings_whatever_the_end() {
        for line in ["kernel: panicked at x", "fuzz: FOUND: caller 1", "init: something was left behind"] {
            let output = format!("{line}\n{GOOD}");
            for end in [End::Status(0), End::TimedOut, End::Interrupted] {
                assert!(found(&end, &output, false).unwrap().contains(line));
            }
        }
    }

    #[test]
    fn machine_whose_time_is_up_has_found_nothing() {
        assert_eq!(found(&End::TimedOut, "fuzz: from 0\n", false), None);
        assert_eq!(found(&End::Interrupted, "", false), None);
        assert!(found(&End::TimedOut, "fuzz: from 0\n", true).unwrap().contains("hangs"));
    }
}
