//! How fast the time-stamp counter runs, measured against the timer's ticks while the kernel does other things.

/// What the PIT's crystal gives: 14.31818 MHz divided by 12 (Intel 8254, "Programmable Interval Timer").
pub const PIT_HZ: u32 = 1_193_182;

/// How many tick-to-tick windows are measured. A window in which ticks were lost, as on a busy host, makes the counter look too fast, and never too
/// slow: the slowest window counts.
const WINDOW_COUNT: usize = 9;

/// Reading both clocks must not take more than this part of a window.
const READING_SHARE: u64 = 100;

/// A moment, seen on both clocks.
#[derive(Clone, Copy)]
struct Moment {
    tsc: u64,
    /// How far the PIT had counted down from its reload value.
    pit_elapsed: u32,
}

/// Collects moments, one a tick, and derives the counter's frequency from them.
pub struct TscCalibration {
    /// PIT counts in a tick.
    reload: u32,
    last: Option<Moment>,
    windows_khz: [u32; WINDOW_COUNT],
    window_count: usize,
}

impl TscCalibration {
    /// Nothing measured yet; the PIT counts `reload` down to 0 in each tick.
    pub const fn new(reload: u32) -> Self {
        Self { reload, last: None, windows_khz: [0; WINDOW_COUNT], window_count: 0 }
    }

    /// Whether further samples would change nothing.
    pub const fn is_done(&self) -> bool {
        self.window_count == WINDOW_COUNT
    }

    /// Takes the two clocks as read in the handler of a tick: the counter, the PIT's count (`1..=reload`), and the counter again. If that
    /// took a noticeable part of the window, nobody knows when the PIT was read, and the sample is forgotten.
    pub fn sample(&mut self, tsc: u64, pit_count: u32, tsc_behind: u64) {
        let now = Moment { tsc, pit_elapsed: self.reload.saturating_sub(pit_count) };
        let reading = tsc_behind.saturating_sub(tsc);
        let Some(last) = self.last.replace(now) else { return };
        if reading.saturating_mul(READING_SHARE) > tsc.saturating_sub(last.tsc) {
            self.last = None;
            return;
        }
        let pit_counts = self.reload + now.pit_elapsed - last.pit_elapsed;
        let khz = tsc.saturating_sub(last.tsc).saturating_mul(u64::from(PIT_HZ)) / (u64::from(pit_counts) * 1000);
        if let (Ok(khz @ 1..), Some(place)) = (u32::try_from(khz), self.windows_khz.get_mut(self.window_count)) {
            *place = khz;
            self.window_count += 1;
        }
    }

    /// Counts in a millisecond, once two ticks were seen.
    pub fn khz(&self) -> Option<u32> {
        self.windows_khz.get(..self.window_count)?.iter().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{PIT_HZ, TscCalibration};

    const RELOAD: u32 = 11_932;
    const TSC_HZ: u64 = 2_500_000_000;

    /// Samples at these PIT counts since boot.
    fn calibrate(moments: &[u64]) -> TscCalibration {
        let mut calibration = TscCalibration::new(RELOAD);
        for &counts in moments {
            let into_tick = u32::try_from(counts % u64::from(RELOAD)).unwrap();
            let tsc = counts * TSC_HZ / u64::from(PIT_HZ);
            calibration.sample(tsc, RELOAD - into_tick, tsc + 1000);
        }
        calibration
    }

    #[test]
    fn two_ticks_are_enough_for_a_first_value() {
        assert_eq!(calibrate(&[u64::from(RELOAD)]).khz(), None);
        let khz = calibrate(&[u64::from(RELOAD), u64::from(RELOAD) * 2]).khz().unwrap();
        assert!(khz.abs_diff(2_500_000) < 10, "{khz}");
    }

    #[test]
    fn late_handlers_and_lost_ticks_do_not_matter() {
        let mut at = 0;
        let lateness = [0, 500, 9000, 20, 11_000, 30, 0, 4000, 7, 0, 0, 0];
        // The fourth and the eighth handler come a whole tick late: one tick is lost each time.
        let moments: Vec<u64> = lateness
            .iter()
            .enumerate()
            .map(|(index, late)| {
                at += u64::from(RELOAD) * if matches!(index, 4 | 8) { 2 } else { 1 };
                at + late
            })
            .collect();
        let calibration = calibrate(&moments);
        assert!(calibration.is_done());
        let khz = calibration.khz().unwrap();
        assert!(khz.abs_diff(2_500_000) < 10, "{khz}");
    }

    #[test]
    fn a_host_that_is_busy_most_of_the_time_does_not_make_the_counter_faster() {
        // All handlers but two come so late that a tick or two are lost.
        let lengths = [2, 3, 2, 1, 2, 3, 2, 2, 1, 3];
        let mut at = u64::from(RELOAD);
        let moments = lengths.map(|ticks| {
            at += u64::from(RELOAD) * ticks;
            at
        });
        let khz = calibrate(&moments).khz().unwrap();
        assert!(khz.abs_diff(2_500_000) < 10, "{khz}");
    }

    #[test]
    fn a_reading_that_took_long_is_forgotten() {
        let mut calibration = TscCalibration::new(RELOAD);
        let tick = u64::from(RELOAD) * TSC_HZ / u64::from(PIT_HZ);
        calibration.sample(tick, RELOAD, tick + 100);
        // The PIT was read half a tick after the counter.
        calibration.sample(2 * tick, RELOAD / 2, 2 * tick + tick / 2);
        assert_eq!(calibration.khz(), None);
        calibration.sample(3 * tick, RELOAD, 3 * tick + 100);
        assert_eq!(calibration.khz(), None, "there is no moment to measure from");
        calibration.sample(4 * tick, RELOAD, 4 * tick + 100);
        assert!(calibration.khz().unwrap().abs_diff(2_500_000) < 10);
    }

    #[test]
    fn a_counter_that_stands_still_is_never_believed() {
        let mut calibration = TscCalibration::new(RELOAD);
        (0..100).for_each(|_| calibration.sample(5, RELOAD, 5));
        assert_eq!(calibration.khz(), None);
    }
}
