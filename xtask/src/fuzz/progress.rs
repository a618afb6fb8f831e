//! How far the batches are: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::plan::Plan;
use crate::console::step;

/// How often a line is printed where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(30);

/// Shown on standard error while machines run. Clones show the same.
#[derive(Clone, Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// What is counted, where there is no terminal.
    plain: Option<Arc<Mutex<Plain>>>,
}

#[derive(Debug)]
struct Plain {
    name: String,
    started: Instant,
    said: Instant,
    done: u64,
}

impl Progress {
    /// For the batches of a plan.
    pub fn new(plan: &Plan) -> Self {
        let bar = match plan.cases() {
            Some(cases) => ProgressBar::new(cases),
            None => ProgressBar::no_length(),
        };
        let kind = plan.kind();
        let until = plan.time().map(|time| format!("of {:.0} min", time.as_secs_f64() / 60.0)).unwrap_or_default();
        bar.set_style(style(plan.cases().is_some()));
        bar.set_message(until);
        bar.set_prefix(kind.to_string());
        let is_terminal = io::stderr().is_terminal();
        let now = Instant::now();
        let plain = Plain { name: kind.to_string(), started: now, said: now, done: 0 };
        let plain = (!is_terminal).then(|| Arc::new(Mutex::new(plain)));
        if is_terminal {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        Self { bar, plain }
    }

    /// Shows nothing.
    pub fn silent() -> Self {
        Self { bar: ProgressBar::hidden(), plain: None }
    }

    /// More cases have run to their end.
    pub fn advance(&self, cases: u64) {
        self.bar.inc(cases);
        let Some(mut plain) = self.plain.as_ref().and_then(|plain| plain.lock().ok()) else { return };
        plain.done += cases;
        if plain.said.elapsed() >= INTERVAL {
            plain.said = Instant::now();
            let seconds = plain.started.elapsed().as_secs();
            step(&format!("{}: {} in {seconds} s", plain.name, HumanCount(plain.done)));
        }
    }

    /// Prints a text beside the bar.
    pub fn say(&self, text: &str) {
        self.bar.suspend(|| println!("{text}"));
    }

    /// There is nothing more to show.
    pub fn ends(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(is_counted: bool) -> ProgressStyle {
    let template = match is_counted {
        true => "{prefix:>5} {bar:30} {human_pos} of {human_len}, {per_sec}, {elapsed}, {eta} left",
        false => "{prefix:>5} {spinner} {human_pos}, {per_sec}, {elapsed} {msg}",
    };
    // The template is a constant; a mistake in it costs no more than the looks.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
