//! The lines of before.

use alloc::collections::VecDeque;
use alloc::string::String;

/// How many lines are remembered.
const LINES_MAX: usize = 100;

/// Lines that were entered, and which of them is shown now.
#[derive(Clone, Debug, Default)]
pub struct History {
    lines: VecDeque<String>,
    /// How many lines back the shown one is; 0 is the one that is being typed.
    back: usize,
    /// What was typed before the first look back.
    draft: String,
}

impl History {
    /// Remembers a line, unless it is blank or the same as the last. The look back begins anew.
    pub fn add(&mut self, line: &str) {
        self.back = 0;
        if line.trim().is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line.into());
    }

    /// The line before the shown one; `current` is what the shown one has become. `None` at the first.
    pub fn older(&mut self, current: &str) -> Option<String> {
        if self.back == self.lines.len() {
            return None;
        }
        if self.back == 0 {
            self.draft = current.into();
        }
        self.back += 1;
        self.shown()
    }

    /// The line after the shown one, at last what was typed before the look back. `None` there.
    pub fn newer(&mut self) -> Option<String> {
        self.back = self.back.checked_sub(1)?;
        if self.back == 0 { Some(self.draft.clone()) } else { self.shown() }
    }

    /// All lines, the oldest first.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    fn shown(&self) -> Option<String> {
        self.lines.get(self.lines.len().checked_sub(self.back)?).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::{History, LINES_MAX};

    fn with(lines: &[&str]) -> History {
        let mut history = History::default();
        lines.iter().for_each(|line| history.add(line));
        history
    }

    #[test]
    fn one_goes_back_and_comes_back_to_the_draft() {
        let mut history = with(&["one", "two", "two", "  ", "three"]);
        assert_eq!(history.newer(), None);
        for line in ["three", "two", "one"] {
            assert_eq!(history.older("draft").as_deref(), Some(line));
        }
        assert_eq!(history.older("one, changed"), None);
        for line in ["two", "three", "draft"] {
            assert_eq!(history.newer().as_deref(), Some(line));
        }
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn the_oldest_lines_are_forgotten() {
        let mut history = History::default();
        (0..LINES_MAX + 5).for_each(|number| history.add(&number.to_string()));
        assert_eq!((history.lines().count(), history.lines().next()), (LINES_MAX, Some("5")));
    }
}
