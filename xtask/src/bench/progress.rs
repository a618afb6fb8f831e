//! How far the boots are: a bar on a terminal, a line for each boot elsewhere.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use super::plan::Boot;
use crate::console::step;

/// Shown on standard error while the machines are booted.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    total: usize,
    started: usize,
}

impl Progress {
    /// For so many boots.
    pub fn new(total: usize) -> Self {
        let bar = io::stderr().is_terminal().then(|| ProgressBar::new(total as u64).with_style(style()));
        Self { bar, total, started: 0 }
    }

    /// A boot starts.
    pub fn starts(&mut self, boot: &Boot) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.started as u64);
                bar.set_message(boot.title());
            }
            None => step(&format!("boot {} of {}: {}", self.started + 1, self.total, boot.title())),
        }
        self.started += 1;
    }

    /// There is nothing more to show.
    pub fn ends(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style() -> ProgressStyle {
    // The template is a constant; a mistake in it costs no more than the looks.
    ProgressStyle::with_template("boot {pos:>3} of {len} {bar:30} {elapsed:>4}  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
