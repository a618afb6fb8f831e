//! One benchmark from end to end: machines are booted under both clocks, and a record comes out.

use anyhow::Result;

use super::Filter;
use super::report::{Report, Verdict};
use crate::bench::{self, Interrupted, Plan, Record, Row, Unit};
use crate::build::Guest;
use crate::cli::ClockChoice;
use crate::setup;

/// The test's name.
pub const NAME: &str = "guest::bench::calls_are_measured_by_both_clocks";

/// Runs it if it is wanted.
///
/// # Errors
/// If something is missing or does not compile, or the user wants an end.
pub fn run(filter: &Filter, report: &mut Report) -> Result<()> {
    if filter.wants(NAME) {
        let (emulator, guest) = (setup::qemu()?, Guest::build()?);
        let plan = Plan::new(&bench::select(&["syscall".into()]), ClockChoice::Both, 1);
        let measured = bench::measure(&plan, &guest, emulator.clone());
        let measured = measured.map_err(|Interrupted| anyhow::anyhow!("interrupted"))?;
        let verdict = match measured.failures.as_slice() {
            [] => written_and_read(&Record::new(bench::Host::here(&emulator), measured.runs)),
            failures => Err(failures.join("\n")),
        };
        report.add(NAME, verdict);
    }
    Ok(())
}

fn written_and_read(record: &Record) -> Verdict {
    let read = || -> Result<Record> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("bench.json");
        record.save(&path)?;
        Record::load(&path)
    };
    let read = read().map_err(|error| format!("{error:#}"))?;
    if read != *record {
        return Err(format!("{record:?} was written, but {read:?} was read"));
    }
    plausible(&bench::rows(&read.runs))
}

/// A call takes some instructions and some time: on no host a hundred thousand, or a millisecond.
fn plausible(rows: &[Row]) -> Verdict {
    let value = |unit: Unit| rows.iter().find(|row| (row.result.as_str(), row.unit) == ("int80", unit));
    for (unit, at_least, at_most) in [(Unit::Instructions, 10.0, 100_000.0), (Unit::Microseconds, 0.001, 1_000.0)] {
        let row = value(unit).ok_or_else(|| format!("no call was measured in {unit}"))?;
        if !(at_least..=at_most).contains(&row.spread.median) || row.boots != 1 {
            return Err(format!("a call cannot be so: {row:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::plausible;
    use crate::bench::{Row, Spread, Unit};

    fn row(unit: Unit, median: f64) -> Row {
        let spread = Spread { median, min: median, max: median };
        Row { benchmark: "syscall".into(), result: "int80".into(), unit, spread, boots: 1 }
    }

    #[test]
    fn what_is_missing_or_odd_is_not_plausible() {
        let (insns, us) = (Unit::Instructions, Unit::Microseconds);
        assert!(plausible(&[row(insns, 79.0), row(us, 0.4)]).is_ok());
        assert!(plausible(&[row(insns, 79.0)]).unwrap_err().contains("in us"));
        assert!(plausible(&[row(insns, 0.0), row(us, 0.4)]).is_err());
        assert!(plausible(&[row(insns, 79.0), row(us, 4e6)]).is_err());
        assert!(plausible(&[row(insns, 79.0), row(us, f64::NAN)]).is_err());
    }
}
