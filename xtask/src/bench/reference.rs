//! What results are measured by: Linux's figures, and what we want.

use std::fmt;

use super::statistics::Unit::{self, Instructions, Microseconds};

/// What Linux needs for one operation: the median of several boots, measured with the same workload on the same machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The result's name.
    pub result: &'static str,
    /// What the value counts.
    pub unit: Unit,
    /// The value.
    pub value: f64,
}

/// What we want one operation to take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// The result's name.
    pub result: &'static str,
    /// What the bars count.
    pub unit: Unit,
    /// Good.
    pub reach: Bar,
    /// Better.
    pub aim: Bar,
}

/// A value not to be exceeded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    /// This one.
    Of(f64),
    /// So many times Linux's.
    TimesLinux(f64),
}

/// How a result stands against its bars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// As good as the better bar or beyond.
    Aim,
    /// As good as the other one.
    Reach,
    /// Neither: it is so many times the weaker bar.
    Missed(f64),
}

/// Linux 6.1, i386.
const LINUX: &[Figure] = &[
    linux("int80", Instructions, 335.0),
    linux("int80", Microseconds, 0.92),
    linux("sysenter", Instructions, 354.0),
    linux("sysenter", Microseconds, 0.66),
    linux("touch", Instructions, 3_895.0),
    linux("touch", Microseconds, 6.2),
    linux("free", Instructions, 1_444.0),
    linux("free", Microseconds, 1.5),
    linux("roundtrip", Instructions, 16_811.0),
    linux("roundtrip", Microseconds, 72.0),
    // Of its ways the fastest: `vfork` and `exec`.
    linux("process", Instructions, 259_659.0),
    linux("process", Microseconds, 790.0),
    linux("storm", Instructions, 2.712e9),
    linux("storm", Microseconds, 12.2e6),
    linux("write", Instructions, 17_499.0),
    linux("write", Microseconds, 32.0),
    linux("seq1", Instructions, 26_265.0),
    linux("seq1", Microseconds, 70.0),
    linux("seq2", Instructions, 22_400.0),
    linux("seq2", Microseconds, 66.0),
    linux("rand", Instructions, 57_134.0),
    linux("rand", Microseconds, 251.0),
    linux("mapping", Instructions, 6_472.0),
    linux("mapping", Microseconds, 13.2),
    // Stripped of its self-tests.
    linux("boot", Instructions, 2.811e9),
    linux("boot", Microseconds, 3.0e6),
];

const GOALS: &[Goal] = &[
    goal("int80", Instructions, Bar::Of(90.0), Bar::Of(50.0)),
    goal("sysenter", Instructions, Bar::Of(60.0), Bar::Of(30.0)),
    goal("touch", Instructions, Bar::Of(1_600.0), Bar::Of(1_350.0)),
    goal("free", Instructions, Bar::Of(200.0), Bar::Of(80.0)),
    goal("roundtrip", Instructions, Bar::Of(1_500.0), Bar::Of(700.0)),
    goal("process", Instructions, Bar::Of(80_000.0), Bar::Of(40_000.0)),
    goal("storm", Instructions, Bar::TimesLinux(0.25), Bar::TimesLinux(0.15)),
    goal("storm", Microseconds, Bar::TimesLinux(0.25), Bar::TimesLinux(0.1)),
    goal("write", Microseconds, Bar::TimesLinux(0.5), Bar::TimesLinux(0.2)),
    goal("seq1", Microseconds, Bar::TimesLinux(0.3), Bar::TimesLinux(0.15)),
    goal("seq2", Microseconds, Bar::TimesLinux(0.3), Bar::TimesLinux(0.1)),
    goal("rand", Microseconds, Bar::TimesLinux(0.5), Bar::TimesLinux(0.3)),
    goal("mapping", Microseconds, Bar::TimesLinux(0.5), Bar::TimesLinux(0.25)),
    goal("boot", Microseconds, Bar::Of(100_000.0), Bar::Of(70_000.0)),
];

const fn linux(result: &'static str, unit: Unit, value: f64) -> Figure {
    Figure { result, unit, value }
}

const fn goal(result: &'static str, unit: Unit, reach: Bar, aim: Bar) -> Goal {
    Goal { result, unit, reach, aim }
}

/// What Linux needs, if it was measured.
pub fn of_linux(result: &str, unit: Unit) -> Option<&'static Figure> {
    LINUX.iter().find(|figure| figure.result == result && figure.unit == unit)
}

/// What we want, if we want anything.
pub fn goal_of(result: &str, unit: Unit) -> Option<&'static Goal> {
    GOALS.iter().find(|goal| goal.result == result && goal.unit == unit)
}

impl Goal {
    /// The two bars' values: reach, then aim. `None` for one that hangs on a figure nobody measured.
    pub fn values(&self) -> [Option<f64>; 2] {
        [self.reach, self.aim].map(|bar| match bar {
            Bar::Of(value) => Some(value),
            Bar::TimesLinux(factor) => of_linux(self.result, self.unit).map(|figure| figure.value * factor),
        })
    }

    /// Judges a result. `None` if the bars hang on a figure nobody measured.
    pub fn verdict(&self, value: f64) -> Option<Verdict> {
        let [reach, aim] = self.values();
        let (reach, aim) = (reach?, aim?);
        Some(match value {
            _ if value <= aim => Verdict::Aim,
            _ if value <= reach => Verdict::Reach,
            _ => Verdict::Missed(value / reach),
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aim => f.write_str("aim"),
            Self::Reach => f.write_str("reach"),
            // Rounded up: what missed it by little missed it.
            Self::Missed(times) => write!(f, "missed by {:.2} x", (times * 100.0).ceil() / 100.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{GOALS, LINUX, Unit, Verdict, goal_of};

    #[test]
    fn every_aim_is_known_and_beyond_its_reach() {
        for goal in GOALS {
            let [reach, aim] = goal.values().map(Option::unwrap);
            assert!(0.0 < aim && aim < reach, "{goal:?}");
        }
    }

    #[test]
    fn no_figure_is_given_twice() {
        for (index, figure) in LINUX.iter().enumerate() {
            let same = |other: &&super::Figure| (other.result, other.unit) == (figure.result, figure.unit);
            assert_eq!(LINUX.iter().position(|other| same(&other)), Some(index), "{figure:?}");
        }
    }

    #[test]
    fn a_share_of_linux_is_computed() {
        let [reach, aim] = goal_of("write", Unit::Microseconds).unwrap().values().map(Option::unwrap);
        assert!((reach - 16.0).abs() < 1e-9 && (aim - 6.4).abs() < 1e-9);
    }
    #[test]
    fn a_result_is_judged_by_its_bars() {
        let judge = |value| goal_of("int80", Unit::Instructions).unwrap().verdict(value).unwrap();
        assert_eq!([50.0, 50.1, 90.0].map(judge), [Verdict::Aim, Verdict::Reach, Verdict::Reach]);
        assert_eq!(judge(180.0), Verdict::Missed(2.0));
        assert_eq!(
            [20.0, 60.0, 90.1, 135.0].map(|value| judge(value).to_string()),
            ["aim", "reach", "missed by 1.01 x", "missed by 1.50 x",]
        );
    }
}
