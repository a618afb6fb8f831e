//! How fast the time-stamp counter runs, measured against the timer's ticks while the kernel does other things.

/// What the PIT's crystal gives: 14.31818 MHz divided by 12 (Intel 8254, "Programmable Interval Timer").
pub const PIT_HZ: u32 = 1_193_182;

/// How many tick-to-tick windows are measured. Their median shrugs off ticks that came late or were lost.
const WINDOW_COUNT: usize = 9;

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

    /// Takes the two clocks as read in the handler of a tick: the counter, and the PIT's count (`1..=reload`).
    pub fn sample(&mut self, tsc: u64, pit_count: u32) {
        let now = Moment { tsc, pit_elapsed: self.reload.saturating_sub(pit_count) };
        let Some(last) = self.last.replace(now) else { return };
        let pit_counts = self.reload + now.pit_elapsed - last.pit_elapsed;
        let khz = tsc.saturating_sub(last.tsc).saturating_mul(u64::from(PIT_HZ)) / (u64::from(pit_counts) * 1000);
        if let (Ok(khz @ 1..), Some(place)) = (u32::try_from(khz), self.windows_khz.get_mut(self.window_count)) {
            *place = khz;
            self.window_count += 1;
        }
    }

    /// Counts in a millisecond, once two ticks were seen.
    pub fn khz(&self) -> Option<u32> {
        let mut windows = self.windows_khz;
        let measured = windows.get_mut(..self.window_count)?;
        measured.sort_unstable();
        measured.get(measured.len() / 2).copied()
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
            calibration.sample(counts * TSC_HZ / u64::from(PIT_HZ), RELOAD - into_tick);
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
    fn a_counter_that_stands_still_is_never_believed() {
        let mut calibration = TscCalibration::new(RELOAD);
        (0..100).for_each(|_| calibration.sample(5, RELOAD));
        assert_eq!(calibration.khz(), None);
    }
}
