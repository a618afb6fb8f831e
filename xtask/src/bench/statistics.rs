//! From runs to rows: what one operation took, over all boots.

use std::fmt;

use super::record::{Clock, Raw, Run};

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Executed instructions. Time in which the CPU was halted is taken off, with the handlers of interrupts that came meanwhile.
    Instructions,
    /// Real time.
    Microseconds,
}

/// The middle of several values, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// As many values are smaller as are larger.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

/// A line of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The benchmark's name.
    pub benchmark: String,
    /// What of it.
    pub result: String,
    /// What its values count.
    pub unit: Unit,
    /// The values, per operation.
    pub spread: Spread,
    /// How many boots they are from.
    pub boots: usize,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Instructions => "insns",
            Self::Microseconds => "us",
        })
    }
}

impl Spread {
    /// `None` if there are no values.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let (lower, upper) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Self { median: f64::midpoint(lower, upper), min, max })
    }
}

/// One row for each result and unit, in the order in which the results were first seen.
pub fn rows(runs: &[Run]) -> Vec<Row> {
    let mut keys: Vec<(&str, &str)> = Vec::new();
    for key in runs.iter().flat_map(|run| run.results.iter().map(|raw| (run.benchmark.as_str(), raw.name.as_str()))) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let with_units = keys.into_iter().flat_map(|key| [(key, Unit::Instructions), (key, Unit::Microseconds)]);
    let row = |((benchmark, result), unit): ((&str, &str), Unit)| {
        let of_it = runs.iter().filter(|run| run.benchmark == benchmark && unit_of(run.clock) == unit);
        let values = of_it.filter_map(|run| {
            let raw = run.results.iter().find(|raw| raw.name == result)?;
            Some(value(raw, run.clock))
        });
        let values: Vec<f64> = values.collect();
        let boots = values.len();
        Some(Row { benchmark: benchmark.into(), result: result.into(), unit, spread: Spread::of(values)?, boots })
    };
    with_units.filter_map(row).collect()
}

const fn unit_of(clock: Clock) -> Unit {
    match clock {
        Clock::Instructions => Unit::Instructions,
        Clock::Wall { .. } => Unit::Microseconds,
    }
}

/// What one operation took.
fn value(raw: &Raw, clock: Clock) -> f64 {
    let operations = float(raw.operations.get());
    match clock {
        // A halted CPU executes nothing, but its counter goes on.
        Clock::Instructions => float(raw.counts.saturating_sub(raw.halted)) / operations,
        Clock::Wall { hz } => float(raw.counts) / operations / float(hz.get()) * 1e6,
    }
}

/// Exact up to 2^53, which at 3 GHz are 34 days.
const fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::super::record::{Clock, Raw, Run};
    use super::{Spread, Unit, rows};

    #[test]
    fn the_median_lies_in_the_middle() {
        let spread = |values: &[f64]| Spread::of(values.to_vec());
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[7.0]), Some(Spread { median: 7.0, min: 7.0, max: 7.0 }));
        assert_eq!(spread(&[9.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 9.0 }));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 9.0]), Some(Spread { median: 3.0, min: 1.0, max: 9.0 }));
    }

    fn run(benchmark: &str, clock: Clock, results: &[(&str, u64, u64)]) -> Run {
        let raw = |&(name, counts, halted): &(&str, u64, u64)| {
            let operations = NonZeroU64::new(4).unwrap();
            Raw { name: name.into(), counts, halted, operations }
        };
        Run { benchmark: benchmark.into(), options: Vec::new(), clock, results: results.iter().map(raw).collect() }
    }

    #[test]
    fn a_row_is_about_one_result_in_one_unit() {
        let wall = Clock::Wall { hz: NonZeroU64::new(2_000_000).unwrap() };
        let runs = [
            run("swap", Clock::Instructions, &[("write", 100, 60), ("rand", 8, 0)]),
            run("swap", wall, &[("write", 80, 60), ("rand", 16, 0)]),
            run("swap", Clock::Instructions, &[("write", 140, 60), ("rand", 8, 0)]),
            run("boot", Clock::Instructions, &[("write", 4, 0)]),
        ];
        let rows = rows(&runs);
        let read: Vec<_> = rows.iter().map(|row| (row.benchmark.as_str(), row.result.as_str(), row.unit)).collect();
        let (insns, us) = (Unit::Instructions, Unit::Microseconds);
        let expected = [
            ("swap", "write", insns),
            ("swap", "write", us),
            ("swap", "rand", insns),
            ("swap", "rand", us),
            ("boot", "write", insns),
        ];
        assert_eq!(read, expected);
        // Instructions without the halted time; wall time with it.
        assert_eq!(rows[0].spread, Spread { median: 15.0, min: 10.0, max: 20.0 });
        assert_eq!(rows[1].spread.median, 10.0);
        assert_eq!(rows.iter().map(|row| row.boots).collect::<Vec<_>>(), [2, 1, 2, 1, 1]);
    }
}
