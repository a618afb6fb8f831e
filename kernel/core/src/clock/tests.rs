//! Clocks that run exactly, read by a CPU that comes when it can.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{MAX_TURNS, PIT_HZ, Reading, TOLERANCE, TURN, TscCalibration, WINDOW_COUNT};

const TICK: u32 = 11_932;
const TSC_HZ: u64 = 2_500_000_000;
const NEVER: fn() -> Reading = || unreachable!("it is known without reading");

/// A machine whose counter runs at `tsc_hz`, and where channel 2 was started `head_start` counts before channel 0.
#[derive(Clone, Copy, Debug)]
struct Machine {
    tsc_hz: u64,
    head_start: u64,
}

const PLAIN: Machine = Machine { tsc_hz: TSC_HZ, head_start: 77 };

impl Machine {
    fn tsc(self, pit_counts: u64) -> u64 {
        u64::try_from(u128::from(pit_counts) * u128::from(self.tsc_hz) / u128::from(PIT_HZ)).unwrap()
    }

    /// Latches the channels so many counts after the start; the counter was read `before` counts earlier, and again `behind` later.
    fn read(self, at: u64, before: u64, behind: u64) -> Reading {
        let left = |period: u64, passed: u64| u32::try_from(period - passed % period).unwrap();
        let low_word = |count: u32| u16::try_from(count & 0xFFFF).unwrap();
        Reading {
            tsc_before: self.tsc(at) - self.tsc(before),
            tick_left: low_word(left(TICK.into(), at)),
            turn_left: low_word(left(TURN.into(), at + self.head_start)),
            tsc_behind: self.tsc(at) + self.tsc(behind),
        }
    }

    /// Reads at these counts since the start, quickly.
    fn calibrate(self, moments: impl IntoIterator<Item = u64>) -> TscCalibration {
        let mut calibration = TscCalibration::new(TICK);
        moments.into_iter().for_each(|at| calibration.sample(self.read(at, 0, 0)));
        calibration
    }
}

/// From one moment to the next, so many counts pass.
fn moments(gaps: &[u64]) -> impl Iterator<Item = u64> {
    gaps.iter().scan(1_000_000, |at, gap| {
        *at += gap;
        Some(*at)
    })
}

fn is_within(per_mille: u64, khz: u32, tsc_hz: u64) -> bool {
    u64::from(khz).abs_diff(tsc_hz / 1000) * 1000 <= tsc_hz / 1000 * per_mille + 1000
}

#[test]
fn a_tick_is_enough_for_a_first_value() {
    let tick = u64::from(TICK);
    let calibration = PLAIN.calibrate([1, tick]);
    assert!(!calibration.is_done());
    assert!(calibration.khz(NEVER).abs_diff(2_500_000) < 300);
}

#[test]
fn who_asks_before_the_first_tick_is_told_by_the_quickest_of_some_readings() {
    let calibration = PLAIN.calibrate([3]);
    let readings = Cell::new([(2003, 1500), (4003, 1), (6003, 3000)].into_iter());
    let read = || {
        let mut left = readings.take();
        let (at, behind) = left.next().unwrap();
        readings.set(left);
        PLAIN.read(at, 0, behind)
    };
    let khz = calibration.khz(read);
    assert!(is_within(2, khz, TSC_HZ), "{khz}");
}

#[test]
fn what_cannot_be_known_is_not_zero() {
    assert_eq!(TscCalibration::new(TICK).khz(|| PLAIN.read(5, 0, 0)), 1);
    assert_eq!(PLAIN.calibrate([5]).khz(|| PLAIN.read(5, 0, 0)), 1);
    assert!(PLAIN.calibrate([5]).khz(|| PLAIN.read(6, 0, 0)) > 1_000_000);
}

#[test]
fn ticks_that_come_close_together_are_no_windows_and_cut_none() {
    let tick = u64::from(TICK);
    let mut calibration = PLAIN.calibrate([tick, tick + 40, tick + 80]);
    assert!(calibration.windows_khz.is_empty());
    calibration.sample(PLAIN.read(tick + tick / 2 + 20, 0, 0));
    assert_eq!(calibration.windows_khz.len(), 1, "it began with the first of them");
}

#[test]
fn a_slow_reading_is_replaced_by_a_quick_one() {
    let tick = u64::from(TICK);
    let mut calibration = TscCalibration::new(TICK);
    calibration.sample(PLAIN.read(tick, 0, tick / 2));
    calibration.sample(PLAIN.read(2 * tick, 0, tick / 3));
    calibration.sample(PLAIN.read(3 * tick, 0, 2));
    assert!(calibration.windows_khz.is_empty());
    calibration.sample(PLAIN.read(4 * tick, 0, tick / 4));
    assert!(calibration.windows_khz.is_empty());
    // The slow one is passed over: this window is two ticks long.
    calibration.sample(PLAIN.read(5 * tick, 0, 2));
    assert_eq!(calibration.windows_khz.len(), 1);
    assert!(is_within(1, calibration.khz(NEVER), TSC_HZ));
}

#[test]
fn where_each_reading_is_slow_the_windows_get_longer() {
    let mut calibration = TscCalibration::new(TICK);
    let tick = u64::from(TICK);
    (1..1000).for_each(|index| calibration.sample(PLAIN.read(index * tick, tick / 100, tick / 100)));
    assert!(calibration.is_done());
    assert!(is_within(1, calibration.khz(NEVER), TSC_HZ));
}

#[test]
fn most_windows_longer_than_the_channels_can_tell_are_noticed() {
    let too_long = u64::from(TICK) + u64::from(MAX_TURNS * TURN);
    let is_believed = |extra: &u64| !PLAIN.calibrate([TICK.into(), too_long + extra]).windows_khz.is_empty();
    let believed = (0..1000).map(|index| index * 10_007).filter(is_believed).count();
    // By chance the channels may stand as after a shorter time.
    assert!(believed < 120, "{believed}");
}

#[test]
fn channels_that_disagree_end_the_window_but_not_the_hope() {
    let tick = u64::from(TICK);
    let mut odd = PLAIN.read(2 * tick, 0, 0);
    odd.tick_left = TICK.try_into().map(|count: u16| count - 50).unwrap();
    let mut calibration = PLAIN.calibrate([tick]);
    calibration.sample(odd);
    let hasty = calibration.khz(|| PLAIN.read(2 * tick + 2000, 0, 0));
    assert!(is_within(1, hasty, TSC_HZ), "channel 2 alone: {hasty}");
    calibration.sample(PLAIN.read(3 * tick, 0, 0));
    assert_eq!(calibration.median(), None);
    calibration.sample(PLAIN.read(4 * tick, 0, 0));
    assert!(is_within(1, calibration.khz(NEVER), TSC_HZ));
}

#[test]
fn a_counter_that_stands_still_is_never_believed() {
    let mut calibration = TscCalibration::new(TICK);
    for tick in 0..100 {
        let Reading { tick_left, turn_left, .. } = PLAIN.read(tick * u64::from(TICK), 0, 0);
        calibration.sample(Reading { tsc_before: 5, tick_left, turn_left, tsc_behind: 5 });
    }
    assert!(!calibration.is_done());
    assert_eq!(calibration.median(), None);
}

#[test]
fn a_reading_is_taken_for_its_middle() {
    assert!(PLAIN.read(100_000, 50, 50).tsc().abs_diff(PLAIN.tsc(100_000)) <= 1);
}

#[test]
fn a_few_windows_in_which_the_counter_jumped_do_not_matter() {
    for jump in [-2_000_000_i64, 2_000_000] {
        let mut calibration = TscCalibration::new(TICK);
        for index in 1..=10 {
            let reading = PLAIN.read(index * u64::from(TICK), 0, 0);
            // At every third tick.
            let after_jumps = |tsc: u64| tsc.checked_add_signed(jump * (index / 3).cast_signed()).unwrap();
            let (tsc_before, tsc_behind) = (after_jumps(reading.tsc_before), after_jumps(reading.tsc_behind));
            calibration.sample(Reading { tsc_before, tsc_behind, ..reading });
        }
        assert!(calibration.is_done());
        assert!(is_within(1, calibration.khz(NEVER), TSC_HZ), "{:?}", calibration.windows_khz);
    }
}

fn machines() -> impl Strategy<Value = Machine> {
    (50_000_000..6_000_000_000_u64, 0..u64::from(TURN)).prop_map(|(tsc_hz, head_start)| Machine { tsc_hz, head_start })
}

/// From one tick that is handled to the next: on time, close behind it, after lost ones, after seconds.
fn gaps() -> impl Strategy<Value = u64> {
    let tick = u64::from(TICK);
    let longest = u64::from((MAX_TURNS - 1) * TURN);
    prop_oneof![
        tick - 300..tick + 300,
        1..tick,
        tick..20 * tick,
        (1..250_u64).prop_map(move |ticks| ticks * tick),
        1..longest
    ]
}

proptest! {
    #[test]
    fn it_does_not_matter_when_ticks_arrive(machine in machines(), gaps in vec(gaps(), 1..60)) {
        let calibration = machine.calibrate(moments(&gaps));
        if let Some(khz) = calibration.median() {
            prop_assert!(is_within(1, khz, machine.tsc_hz), "{khz}");
        }
        let useful = gaps.iter().skip(1).filter(|&&gap| gap >= u64::from(TICK / 2)).count();
        prop_assert!(calibration.windows_khz.len() >= useful.min(WINDOW_COUNT));
    }

    #[test]
    fn readings_that_were_interrupted_do_not_matter(
        machine in machines(),
        ticks in vec((gaps(), prop_oneof![3 => 0..10_u64, 1 => 0..200_000_u64], any::<bool>()), 1..60),
    ) {
        let mut calibration = TscCalibration::new(TICK);
        let mut at = 1_000_000;
        for (gap, away, is_before) in ticks {
            at += gap + away;
            let (before, behind) = if is_before { (away, 1) } else { (1, away) };
            calibration.sample(machine.read(at, before, behind));
            at += away;
        }
        if let Some(khz) = calibration.median() {
            prop_assert!(is_within(1, khz, machine.tsc_hz), "{khz}");
        }
    }

    #[test]
    fn each_length_is_recovered_although_channels_are_latched_one_after_the_other(
        machine in machines(), start in 0..1_000_000_u64, length in 0..u64::from(MAX_TURNS * TURN), late in 0..u64::from(TOLERANCE)
    ) {
        let calibration = TscCalibration::new(TICK);
        let [first, last] = [start, start + length].map(|at| {
            let Reading { tick_left, .. } = machine.read(at + late, 0, 0);
            Reading { tick_left, ..machine.read(at, 0, 0) }
        });
        let on_time = machine.read(start + length, 0, 0);
        for (from, to) in [(first, last), (first, on_time), (machine.read(start, 0, 0), last)] {
            prop_assert_eq!(calibration.counts_between(&from, &to).map(u64::from), Some(length));
        }
    }

    #[test]
    fn no_reading_whatever_panics(raw in vec(any::<(u64, u16, u16, u64)>(), 0..40)) {
        let mut calibration = TscCalibration::new(TICK);
        let readings = raw.into_iter().map(|(tsc_before, tick_left, turn_left, tsc_behind)| Reading {
            tsc_before, tick_left, turn_left, tsc_behind
        });
        for reading in readings {
            calibration.sample(reading);
            prop_assert!(calibration.khz(|| reading) >= 1);
        }
    }
}
