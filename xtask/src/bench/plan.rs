//! Which machines are booted in which order, and what became of them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;

use super::catalogue::{Benchmark, Mode};
use super::output::{self, Output};
use super::record::{Clock, Run};
use crate::cli::ClockChoice;

/// All boots of one call.
#[derive(Debug)]
pub struct Plan {
    calibrations: Vec<Boot>,
    measurements: Vec<Boot>,
}

/// One boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// What is measured.
    pub benchmark: &'static Benchmark,
    /// How the machine's time passes.
    pub mode: Mode,
    /// What the kernel is told.
    pub options: Vec<String>,
}

/// Why a boot has no output.
#[derive(Debug)]
pub enum Trouble {
    /// The user wants an end.
    Interrupted,
    /// It failed; the others need not.
    Failed(anyhow::Error),
}

/// The user wanted an end.
#[derive(Debug)]
pub struct Interrupted;

/// What all boots together yielded.
#[derive(Debug, Default)]
pub struct Measured {
    /// Those that went well, in order.
    pub runs: Vec<Run>,
    /// What is to be said of the others.
    pub failures: Vec<String>,
}

impl Plan {
    /// So many runs of each benchmark under each clock that was chosen and serves it. The benchmarks take turns, so that a host that gets
    /// slower for a while does not hit one of them alone.
    pub fn new(benchmarks: &[&'static Benchmark], choice: ClockChoice, runs: u32) -> Self {
        let boots_of = |benchmark: &'static Benchmark| {
            let modes = benchmark.modes.iter().copied().filter(move |&mode| choice.includes(mode));
            modes.map(move |mode| Boot::new(benchmark, mode))
        };
        let turn: Vec<Boot> = benchmarks.iter().copied().flat_map(boots_of).collect();
        let mut calibrations: Vec<Boot> = turn.iter().filter(|boot| boot.benchmark.is_calibrated).cloned().collect();
        calibrations.dedup_by_key(|boot| boot.benchmark.name);
        Self { calibrations, measurements: (0..runs).flat_map(|_| turn.clone()).collect() }
    }

    /// How many boots these are.
    pub const fn len(&self) -> usize {
        self.calibrations.len() + self.measurements.len()
    }

    /// Has each booted by `boot`, which returns what the console showed.
    ///
    /// # Errors
    /// If the user wants an end. A boot that fails is no error: the others are made all the same.
    pub fn carry_out(&self, mut boot: impl FnMut(&Boot) -> Result<String, Trouble>) -> Result<Measured, Interrupted> {
        let mut measured = Measured::default();
        let mut found = BTreeMap::new();
        for one in &self.calibrations {
            let option = measured.keep(one, boot(one), output::calibration)?;
            found.insert(one.benchmark.name, option);
        }
        for one in &self.measurements {
            let mut one = one.clone();
            match found.get(one.benchmark.name) {
                Some(Some(option)) => one.options.push(option.clone()),
                // Its calibration failed, which was said.
                Some(None) => continue,
                None => {}
            }
            let run = measured.keep(&one, boot(&one), |text| one.run(text))?;
            measured.runs.extend(run);
        }
        Ok(measured)
    }
}

impl Measured {
    /// What `read` finds in a boot's output; if there is trouble, it is noted instead.
    fn keep<T>(
        &mut self,
        boot: &Boot,
        shown: Result<String, Trouble>,
        read: impl Fn(&str) -> anyhow::Result<T>,
    ) -> Result<Option<T>, Interrupted> {
        let found = match shown {
            Ok(text) => read(&text),
            Err(Trouble::Interrupted) => return Err(Interrupted),
            Err(Trouble::Failed(error)) => Err(error),
        };
        Ok(found.map_err(|error| self.failures.push(format!("{}: {error:#}", boot.title()))).ok())
    }
}

impl Boot {
    fn new(benchmark: &'static Benchmark, mode: Mode) -> Self {
        Self { benchmark, mode, options: benchmark.options.iter().map(ToString::to_string).collect() }
    }

    /// What people call it.
    pub fn title(&self) -> String {
        format!("{} ({})", self.benchmark.name, self.mode.name())
    }

    /// What was measured by it: all of its results, and no others.
    fn run(&self, text: &str) -> anyhow::Result<Run> {
        let output = Output::parse(text)?;
        let found: BTreeSet<&str> = output.results.iter().map(|raw| raw.name.as_str()).collect();
        let expected: BTreeSet<&str> = self.benchmark.results.iter().copied().collect();
        if found != expected {
            bail!("the results are {found:?} instead of {expected:?}");
        }
        let clock = match self.mode {
            Mode::Icount => Clock::Instructions,
            Mode::Wall => Clock::Wall { hz: output.hz },
        };
        Ok(Run { benchmark: self.benchmark.name.into(), options: self.options.clone(), clock, results: output.results })
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::{Benchmark, Boot, Clock, ClockChoice, Measured, Mode, Plan, Trouble};

    const TOUCH: &[&str] = &["touch"];
    static PLAIN: Benchmark = Benchmark {
        name: "plain",
        results: TOUCH,
        options: &["pio"],
        is_calibrated: false,
        modes: &[Mode::Icount, Mode::Wall],
        file: None,
    };
    static WALL: Benchmark = Benchmark {
        name: "wall-only",
        results: TOUCH,
        options: &[],
        is_calibrated: false,
        modes: &[Mode::Wall],
        file: None,
    };
    static FITTED: Benchmark = Benchmark {
        name: "fitted",
        results: TOUCH,
        options: &["seed=1"],
        is_calibrated: true,
        modes: &[Mode::Icount, Mode::Wall],
        file: None,
    };

    /// What is booted, and what comes of it if `answer` is what the machines show.
    fn carry_out(plan: &Plan, answer: impl Fn(&Boot) -> Result<String, Trouble>) -> (Vec<String>, Option<Measured>) {
        let mut booted = Vec::new();
        let measured = plan.carry_out(|boot| {
            booted.push(format!("{} {}", boot.title(), boot.options.join(" ")).trim().to_string());
            answer(boot)
        });
        assert!(booted.len() <= plan.len());
        (booted, measured.ok())
    }

    fn good(_: &Boot) -> Result<String, Trouble> {
        Ok("calibrate frames=77\nresult touch 30 10 5\nhz 2600\n".into())
    }

    #[test]
    fn benchmarks_take_turns_under_the_clocks_that_serve_them() {
        let turn = ["plain (icount) pio", "plain (wall) pio", "wall-only (wall)"];
        let plan = Plan::new(&[&PLAIN, &WALL], ClockChoice::Both, 2);
        let (booted, measured) = carry_out(&plan, good);
        assert_eq!(booted, turn.repeat(2));
        assert_eq!((booted.len(), measured.unwrap().runs.len()), (plan.len(), 6));
        assert_eq!(carry_out(&Plan::new(&[&PLAIN, &WALL], ClockChoice::Icount, 1), good).0, turn[..1]);
        assert_eq!(carry_out(&Plan::new(&[&PLAIN, &WALL], ClockChoice::Wall, 1), good).0, turn[1..]);
        assert_eq!(Plan::new(&[&WALL], ClockChoice::Icount, 5).len(), 0);
    }

    #[test]
    fn a_run_says_what_its_counts_are_and_what_the_kernel_was_told() {
        let runs = carry_out(&Plan::new(&[&PLAIN], ClockChoice::Both, 1), good).1.unwrap().runs;
        let clocks: Vec<_> = runs.iter().map(|run| run.clock).collect();
        assert_eq!(clocks, [Clock::Instructions, Clock::Wall { hz: NonZeroU64::new(2600).unwrap() }]);
        assert!(runs.iter().all(|run| run.benchmark == "plain" && run.options == ["pio"] && run.results.len() == 1));
    }

    #[test]
    fn a_calibrating_boot_comes_first_and_once_and_yields_an_option() {
        let plan = Plan::new(&[&PLAIN, &FITTED], ClockChoice::Both, 2);
        let (booted, measured) = carry_out(&plan, good);
        let turn = [
            "plain (icount) pio",
            "plain (wall) pio",
            "fitted (icount) seed=1 frames=77",
            "fitted (wall) seed=1 frames=77",
        ];
        assert_eq!(booted[0], "fitted (icount) seed=1");
        assert_eq!(booted[1..], turn.repeat(2));
        assert_eq!((booted.len(), measured.unwrap().runs.len()), (plan.len(), 8));
    }

    #[test]
    fn what_cannot_be_calibrated_is_not_measured() {
        let plan = Plan::new(&[&PLAIN, &FITTED], ClockChoice::Wall, 2);
        let (booted, measured) = carry_out(&plan, |_| Ok("result touch 30 10 5\nhz 2600\n".into()));
        assert_eq!(booted, ["fitted (wall) seed=1", "plain (wall) pio", "plain (wall) pio"]);
        let measured = measured.unwrap();
        assert_eq!((measured.runs.len(), measured.failures.len()), (2, 1));
        assert!(measured.failures[0].starts_with("fitted (wall): "), "{:?}", measured.failures);
    }

    #[test]
    fn a_failed_boot_spoils_no_other() {
        let plan = Plan::new(&[&PLAIN, &WALL], ClockChoice::Wall, 2);
        let measured = carry_out(&plan, |boot| match boot.benchmark.name {
            "plain" => Err(Trouble::Failed(anyhow::anyhow!("the kernel stopped"))),
            _ => good(boot),
        });
        let measured = measured.1.unwrap();
        assert_eq!(measured.failures, ["plain (wall): the kernel stopped"; 2]);
        assert!(measured.runs.iter().all(|run| run.benchmark == "wall-only") && measured.runs.len() == 2);
    }

    #[test]
    fn a_run_without_one_of_its_results_has_failed() {
        for shown in ["result free 4 0 2", "result touch 30 10 5\nresult free 4 0 2"] {
            let plan = Plan::new(&[&WALL], ClockChoice::Both, 1);
            let measured = carry_out(&plan, |_| Ok(format!("{shown}\nhz 2600\n"))).1.unwrap();
            assert_eq!((measured.runs.len(), measured.failures.len()), (0, 1));
            assert!(measured.failures[0].contains("instead of {\"touch\"}"), "{:?}", measured.failures);
        }
    }

    #[test]
    fn an_interrupt_ends_it_at_once() {
        let plan = Plan::new(&[&PLAIN, &WALL], ClockChoice::Both, 2);
        let (booted, measured) = carry_out(&plan, |boot| match boot.mode {
            Mode::Icount => good(boot),
            Mode::Wall => Err(Trouble::Interrupted),
        });
        assert_eq!(booted.len(), 2);
        assert!(measured.is_none());
    }
}
