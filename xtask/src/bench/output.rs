//! What the guest's `bench` prints.

use std::num::{NonZeroU32, NonZeroU64};

use anyhow::{Context, Result, bail};

use super::record::Raw;

/// The results of one boot.
#[derive(Debug, PartialEq, Eq)]
pub struct Output {
    /// Counts of the time-stamp counter in a second.
    pub hz: NonZeroU64,
    /// The results in the order in which they were last printed. What is measured twice was warm-up the first time.
    pub results: Vec<Raw>,
}

impl Output {
    /// Reads lines `result NAME COUNTS HALTED OPERATIONS` and `hz COUNTS`; other lines are passed over.
    ///
    /// # Errors
    /// If such a line has other words, or there is no result or no frequency.
    pub fn parse(text: &str) -> Result<Self> {
        let (mut frequency, mut results) = (None, Vec::<Raw>::new());
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["hz", hz] => frequency = Some(hz.parse().with_context(|| not_understood(line))?),
                ["result", name, numbers @ ..] => {
                    let raw = result(name, numbers).with_context(|| not_understood(line))?;
                    results.retain(|former| former.name != raw.name);
                    results.push(raw);
                }
                ["hz" | "result", ..] => bail!(not_understood(line)),
                _ => {}
            }
        }
        if results.is_empty() {
            bail!("the program printed no result");
        }
        Ok(Self { hz: frequency.context("the program printed no `hz COUNTS`")?, results })
    }
}

/// The option in the line `calibrate OPTION`.
///
/// # Errors
/// If there is none, or it is not one word of the form `KEY=NUMBER`.
pub fn calibration(text: &str) -> Result<String> {
    let found = text.lines().rev().find(|line| line.split_whitespace().next() == Some("calibrate"));
    let line = found.context("the program printed no `calibrate OPTION`")?;
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    match words.as_slice() {
        [option] if is_option(option) => Ok(option.to_string()),
        _ => bail!(not_understood(line)),
    }
}

/// The word can be given to the kernel: it would pass over what it does not know, and a limit would be none.
fn is_option(word: &str) -> bool {
    let letters = |key: &str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase());
    word.split_once('=').is_some_and(|(key, value)| letters(key) && value.parse::<NonZeroU32>().is_ok())
}

fn not_understood(line: &str) -> String {
    format!("the program printed `{line}`")
}

fn result(name: &str, numbers: &[&str]) -> Result<Raw> {
    let &[counts, halted, operations] = numbers else {
        bail!("a result has a name, counts, halted counts and operations");
    };
    let (counts, halted) = (counts.parse()?, halted.parse()?);
    if halted > counts {
        bail!("it was halted for longer than it took");
    }
    Ok(Raw { name: name.into(), counts, halted, operations: operations.parse()? })
}

#[cfg(test)]
mod tests {
    use super::{Output, calibration};

    #[test]
    fn results_and_the_frequency_are_found_between_other_lines() {
        let output = Output::parse("BorrowOS\nresult touch 30 10 5\n\nresult free 4 0 2\nhz 2600\n").unwrap();
        assert_eq!(output.hz.get(), 2600);
        let read: Vec<_> = output
            .results
            .iter()
            .map(|raw| (raw.name.as_str(), raw.counts, raw.halted, raw.operations.get()))
            .collect();
        assert_eq!(read, [("touch", 30, 10, 5), ("free", 4, 0, 2)]);
    }

    #[test]
    fn the_first_of_two_was_warm_up() {
        let output = Output::parse("result int80 9 0 1\nresult int80 7 0 1\nhz 1").unwrap();
        assert_eq!((output.results.len(), output.results[0].counts), (1, 7));
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        for line in [
            "result touch 30 10",
            "result touch x 0 1",
            "result touch 1 0 0",
            "result touch 1 2 1",
            "result",
            "hz",
            "hz 0",
            "hz 1 2",
        ] {
            let error = format!("{:#}", Output::parse(&format!("result free 4 0 2\nhz 1\n{line}")).unwrap_err());
            assert!(error.contains(&format!("`{line}`")), "{error}");
        }
    }

    #[test]
    fn no_result_and_no_frequency_are_errors() {
        assert!(Output::parse("bench: out of memory\nhz 5").is_err());
        assert!(Output::parse("result free 4 0 2").unwrap_err().to_string().contains("no `hz"));
    }

    #[test]
    fn the_option_to_boot_with_is_found() {
        assert_eq!(calibration("ready\ncalibrate frames=1210\nresult storm 1 0 1").unwrap(), "frames=1210");
        assert_eq!(calibration("calibrate frames=1\ncalibrate frames=2").unwrap(), "frames=2");
    }

    #[test]
    fn an_option_that_would_limit_nothing_is_refused() {
        assert!(calibration("result storm 1 0 1\nhz 1").unwrap_err().to_string().contains("no `calibrate"));
        let empty = ["calibrate", "calibrate frames=", "calibrate frames=0", "calibrate frames", "calibrate =5"];
        let odd = ["calibrate frames=-3", "calibrate frames=1 pio", "calibrate frames=99999999999", "calibrate a--=1"];
        for line in empty.into_iter().chain(odd) {
            let error = calibration(line).unwrap_err().to_string();
            assert!(error.contains(&format!("`{line}`")), "{error}");
        }
    }
}
