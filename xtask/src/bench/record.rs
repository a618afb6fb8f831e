//! All that was measured, and its form as a file.

use std::fs;
use std::num::NonZeroU64;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::host::{self, Host};

/// Everything measured by one call of `cargo xtask bench`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// When it was finished, in UTC: `2026-01-31T12:00:00Z`.
    pub date: String,
    /// Which sources were measured, as git names them.
    pub revision: Option<String>,
    /// Where.
    pub host: Host,
    /// The boots, in order.
    pub runs: Vec<Run>,
}

/// One boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The benchmark's name.
    pub benchmark: String,
    /// What the kernel was told.
    pub options: Vec<String>,
    /// What the machine's counts are.
    pub clock: Clock,
    /// What the program printed.
    pub results: Vec<Raw>,
}

/// What one count of the guest's time-stamp counter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Clock {
    /// One instruction.
    Instructions,
    /// Real time.
    Wall {
        /// Counts in a second.
        hz: NonZeroU64,
    },
}

/// A result as the guest prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    /// What was measured.
    pub name: String,
    /// Counts for all operations.
    pub counts: u64,
    /// Those of them during which the CPU was halted.
    pub halted: u64,
    /// How many operations that was.
    pub operations: NonZeroU64,
}

impl Record {
    /// These runs, made here and now.
    pub fn new(host: Host, runs: Vec<Run>) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { date: utc(since_epoch.as_secs()), revision: host::revision(), host, runs }
    }

    /// Writes it to a file.
    ///
    /// # Errors
    /// If that fails.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads what [`Record::save`] wrote.
    ///
    /// # Errors
    /// If the file cannot be read or is something else.
    pub fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let advice = || format!("{} was not written by `cargo xtask bench --save`", path.display());
        serde_json::from_str(&text).with_context(advice)
    }
}

/// Seconds since 1970 as a date. Gregorian years repeat every 400 years, which are 146,097 days; counted from March 1st, a leap
/// day is a year's last.
fn utc(seconds: u64) -> String {
    const FROM_MARCH_0000_TO_1970: u64 = 719_468;
    let days = seconds / 86_400 + FROM_MARCH_0000_TO_1970;
    let (cycle, day_of_cycle) = (days / 146_097, days % 146_097);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = cycle * 400 + year_of_cycle + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::{Clock, Host, Raw, Record, Run, utc};

    fn record() -> Record {
        let one = NonZeroU64::MIN;
        let raw = Raw { name: "touch".into(), counts: u64::MAX, halted: 3, operations: one };
        let run = |clock| Run {
            benchmark: "demand-zero".into(),
            options: vec!["frames=5".into()],
            clock,
            results: vec![raw.clone()],
        };
        let runs = vec![run(Clock::Instructions), run(Clock::Wall { hz: one })];
        let host = Host { cpu: None, cores: 4, system: "Linux 6".into(), emulator: "QEMU 7".into() };
        Record { date: "2026-01-31T12:00:00Z".into(), revision: Some("abc".into()), host, runs }
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench.json");
        record().save(&path).unwrap();
        assert_eq!(Record::load(&path).unwrap(), record());
    }

    #[test]
    fn anything_else_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench.json");
        let whole = serde_json::to_string(&record()).unwrap();
        let zero_operations = whole.replace("\"operations\":1", "\"operations\":0");
        for text in ["", "{}", "[1, 2", &whole[..whole.len() - 1], &zero_operations] {
            std::fs::write(&path, text).unwrap();
            let error = format!("{:#}", Record::load(&path).unwrap_err());
            assert!(error.contains("bench.json was not written by"), "{error}");
        }
        assert!(Record::load(&folder.path().join("none.json")).unwrap_err().to_string().contains("cannot read"));
    }

    #[test]
    fn dates_are_the_calendars() {
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (1_772_323_200, "2026-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(seconds), date);
        }
    }
}
