//! How fast the time-stamp counter runs, measured against the interval timer while the kernel does other things.
//!
//! When a tick arrives says little: a busy host delivers ticks late, close together, or not at all. So a tick is only the occasion to read what
//! counts whatever the host does. Channel 0 counts through each tick; channel 2 counts freely through turns of 65,536, which are longer, so that
//! both together tell how much time has passed, over seconds. For the same reason, who waits for a [`Deadline`] does not only count ticks.

mod deadline;
#[cfg(test)]
mod tests;

use core::iter;

use arrayvec::ArrayVec;

pub use deadline::{Deadline, Now, wait_until};

/// What the PIT's crystal gives: 14.31818 MHz divided by 12 (Intel 8254, "Programmable Interval Timer").
pub const PIT_HZ: u32 = 1_193_182;

/// How many windows from one reading to a later one are measured. Their median shrugs off what is wrong with a few.
const WINDOW_COUNT: usize = 9;
/// A window is at least this part of a tick: the PIT's counts are coarse.
const SHORTEST_SHARE: u32 = 2;
/// The two readings around a window must not have taken more than this part of it.
const READING_SHARE: u64 = 1000;

/// What channel 2 counts in a turn.
const TURN: u32 = 1 << 16;
/// Whole turns in a window are told apart if there are fewer.
const MAX_TURNS: u32 = 65;
/// By how many counts the two channels may differ: they are latched at one moment, but an emulated timer latches one after the other.
const TOLERANCE: u32 = 8;

/// How often the clocks are read for an answer that cannot wait for a tick. The quickest reading counts.
const HASTY_READINGS: usize = 3;

/// One look at all clocks.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The time-stamp counter just before the PIT's channels were latched.
    pub tsc_before: u64,
    /// What channel 0 had left to count until its next tick.
    pub tick_left: u16,
    /// What channel 2 had left to count until its next turn; 0 for all of it.
    pub turn_left: u16,
    /// The time-stamp counter just after the channels were latched.
    pub tsc_behind: u64,
}

impl Reading {
    /// How long it took to latch. Nobody knows when in this time the PIT did.
    const fn duration(&self) -> u64 {
        self.tsc_behind.saturating_sub(self.tsc_before)
    }

    /// The counter at the time of latching, with no more than half the duration between.
    const fn tsc(&self) -> u64 {
        self.tsc_before.saturating_add(self.duration() / 2)
    }
}

/// Collects readings, one a tick, and derives the counter's frequency from them.
pub struct TscCalibration {
    /// PIT counts in a tick.
    tick: u32,
    /// Where the next window begins.
    last: Option<Reading>,
    /// What was measured, the least first.
    windows_khz: ArrayVec<u32, WINDOW_COUNT>,
}

impl TscCalibration {
    /// Nothing measured yet; channel 0 counts `tick` down to 0 in each tick.
    ///
    /// # Panics
    /// If ticks of this length cannot tell turns apart.
    pub const fn new(tick: u32) -> Self {
        assert!(tells_turns_apart(tick));
        Self { tick, last: None, windows_khz: ArrayVec::new_const() }
    }

    /// Whether further samples would change nothing.
    pub fn is_done(&self) -> bool {
        self.windows_khz.is_full()
    }

    /// Takes the clocks as read in the handler of a tick, whenever that was.
    pub fn sample(&mut self, now: Reading) {
        let Some(last) = self.last else {
            self.last = Some(now);
            return;
        };
        if !is_exact(&last, &now) {
            // The window goes on, from the better reading.
            if now.duration() < last.duration() {
                self.last = Some(now);
            }
            return;
        }
        match self.counts_between(&last, &now) {
            Some(counts) if counts < self.tick / SHORTEST_SHARE => {}
            Some(counts) => {
                self.last = Some(now);
                self.keep(khz(&last, &now, counts));
            }
            // Too long, or one of the two is nonsense.
            None => self.last = Some(now),
        }
    }

    /// Counts of the time-stamp counter in a millisecond. While no window has been measured, by what has passed so far; for that the clocks are read.
    pub fn khz(&self, read: impl FnMut() -> Reading) -> u32 {
        self.median().or_else(|| self.hasty_khz(read)).unwrap_or(1).max(1)
    }

    fn median(&self) -> Option<u32> {
        self.windows_khz.get(self.windows_khz.len() / 2).copied()
    }

    fn hasty_khz(&self, read: impl FnMut() -> Reading) -> Option<u32> {
        let first = self.last?;
        let now = iter::repeat_with(read).take(HASTY_READINGS).min_by_key(Reading::duration)?;
        let counts = self.counts_between(&first, &now).unwrap_or_else(|| counts_in_turn(&first, &now));
        khz(&first, &now, counts.max(1))
    }

    fn keep(&mut self, khz: Option<u32>) {
        if let Some(khz @ 1..) = khz
            && self.windows_khz.try_push(khz).is_ok()
        {
            self.windows_khz.sort_unstable();
        }
    }

    /// PIT counts between two readings: as many turns of channel 2 as agree with what channel 0 says. `None` if none do.
    fn counts_between(&self, from: &Reading, to: &Reading) -> Option<u32> {
        let in_turn = counts_in_turn(from, to);
        let in_tick = (u32::from(from.tick_left) + self.tick).checked_sub(u32::from(to.tick_left))? % self.tick;
        (0..MAX_TURNS)
            .map(|turns| turns * TURN + in_turn)
            .find(|&counts| distance(counts, in_tick, self.tick) <= TOLERANCE)
    }
}

/// PIT counts between two readings, without the whole turns of channel 2.
fn counts_in_turn(from: &Reading, to: &Reading) -> u32 {
    u32::from(from.turn_left.wrapping_sub(to.turn_left))
}

/// Whether the readings took so little of the time between them that it hardly matters when exactly the PIT was read.
const fn is_exact(from: &Reading, to: &Reading) -> bool {
    let passed = to.tsc().saturating_sub(from.tsc());
    from.duration().saturating_add(to.duration()).saturating_mul(READING_SHARE) <= passed
}

/// Counts of the time-stamp counter in a millisecond, if the PIT counted so many between the two readings. `None` for what no counter does.
fn khz(from: &Reading, to: &Reading, pit_counts: u32) -> Option<u32> {
    let passed = to.tsc().saturating_sub(from.tsc());
    let khz = passed.saturating_mul(u64::from(PIT_HZ)).checked_div(u64::from(pit_counts) * 1000)?;
    u32::try_from(khz).ok()
}

/// How far apart two counts are on a clock that begins anew after `period`.
const fn distance(one: u32, other: u32, period: u32) -> u32 {
    let apart = one.abs_diff(other) % period;
    if apart < period - apart { apart } else { period - apart }
}

/// Whether channel 0 stands elsewhere for each number of turns, even if it is read a little early or late.
const fn tells_turns_apart(tick: u32) -> bool {
    let mut turns = 1;
    while turns < MAX_TURNS {
        if distance(turns * TURN, 0, tick) <= 2 * TOLERANCE {
            return false;
        }
        turns += 1;
    }
    true
}
