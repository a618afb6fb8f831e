//! Which rows of a long memory a screen shows: the last ones, or older ones that somebody looks back at.

use super::ROWS;

/// So many rows that have left the screen can be looked at again at least: what `help` prints, and some.
pub const HISTORY_ROWS: usize = 2 * ROWS;

/// The rows of a screen within a memory of more rows. Those before them are what was on the screen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    memory_rows: usize,
    /// The first row of what is written to.
    origin: usize,
    /// How many rows before it the screen is shown from.
    back: usize,
}

/// Rows to be moved to the start of the memory, since it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The first.
    pub from: usize,
    /// How many.
    pub count: usize,
}

impl Rows {
    /// The screen is at the start of a memory of so many rows.
    pub const fn new(memory_rows: usize) -> Self {
        assert!(memory_rows > HISTORY_ROWS + ROWS);
        Self { memory_rows, origin: 0, back: 0 }
    }

    /// The first row of what is written to.
    pub const fn origin(&self) -> usize {
        self.origin
    }

    /// The first row that is shown.
    pub const fn first_shown(&self) -> usize {
        self.origin - self.back
    }

    /// Goes on by a row. At the end of the memory, these must be moved first.
    #[must_use = "the rows are not where they are looked for until they are moved"]
    pub const fn scroll(&mut self) -> Option<Move> {
        if self.origin + ROWS < self.memory_rows {
            self.origin += 1;
            return None;
        }
        let from = self.origin + 1 - HISTORY_ROWS;
        self.origin = HISTORY_ROWS;
        self.back = 0;
        Some(Move { from, count: HISTORY_ROWS + ROWS - 1 })
    }

    /// Shows what was before, all but a row of the screen.
    pub fn look_back(&mut self) {
        self.back = (self.back + ROWS - 1).min(self.origin);
    }

    /// Shows what was behind.
    pub const fn look_on(&mut self) {
        self.back = self.back.saturating_sub(ROWS - 1);
    }

    /// Shows what is written to.
    pub const fn look_at_end(&mut self) {
        self.back = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{HISTORY_ROWS, Move, ROWS, Rows};
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    proptest! {
        /// A memory holds the numbers of the lines that were written.
        #[test]
        fn rows_of_before_can_be_looked_at_again(
            spare in 1..200usize,
            steps in proptest::collection::vec((0..4u8, 1..90usize), 0..60),
        ) {
            let mut memory: Vec<usize> = (0..HISTORY_ROWS + ROWS + spare).collect();
            let mut rows = Rows::new(memory.len());
            let mut scrolled = 0;
            for (action, count) in steps {
                match action {
                    0 => for _ in 0..count {
                        let back = rows.origin() - rows.first_shown();
                        if let Some(Move { from, count }) = rows.scroll() {
                            memory.copy_within(from..from + count, 0);
                        } else {
                            prop_assert_eq!(rows.origin() - rows.first_shown(), back);
                        }
                        scrolled += 1;
                        memory[rows.origin() + ROWS - 1] = scrolled + ROWS - 1;
                    },
                    1 => rows.look_back(),
                    2 => rows.look_on(),
                    _ => rows.look_at_end(),
                }
                let first = rows.first_shown();
                let shown = &memory[first..first + ROWS];
                prop_assert!(shown.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{shown:?}");
                prop_assert_eq!(memory[rows.origin()], scrolled);
                // Back as far as it goes.
                let mut oldest = rows;
                (0..20).for_each(|_| oldest.look_back());
                prop_assert!(memory[oldest.first_shown()] <= scrolled.saturating_sub(HISTORY_ROWS));
                (0..20).for_each(|_| oldest.look_on());
                prop_assert_eq!(oldest.first_shown(), oldest.origin());
            }
        }
    }
}
