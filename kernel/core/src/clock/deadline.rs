//! When it has been long enough.

/// A moment on both of the machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Ticks that were handled since the machine started.
    pub ticks: u64,
    /// The time-stamp counter.
    pub tsc: u64,
}

/// A time by which somebody may go on.
///
/// Waiting is by ticks, but a busy host delivers ticks late and then close together: so many ticks alone do not say that the time is over.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    tick: u64,
    tsc: u64,
}

impl Deadline {
    /// `milliseconds` after `now`, if a tick takes `tick_ms` and the counter counts `khz` in a millisecond. The tick that is under way does not
    /// count: it may be nearly over.
    pub const fn after(now: Now, milliseconds: u32, tick_ms: u32, khz: u32) -> Self {
        let (ticks, counts) = (milliseconds.div_ceil(tick_ms), milliseconds as u64 * khz as u64);
        Self { tick: now.ticks + ticks as u64 + 1, tsc: now.tsc.saturating_add(counts) }
    }

    /// Whether so much time has passed for certain.
    pub const fn has_passed(&self, now: Now) -> bool {
        now.ticks >= self.tick && now.tsc >= self.tsc
    }

    /// The next tick worth looking again at.
    pub const fn wake_at(&self, now: Now) -> u64 {
        if now.ticks < self.tick { self.tick } else { now.ticks + 1 }
    }
}

/// Waits until `look` finds something, or until the deadline has passed if there is one; `None` then.
///
/// `block` lets others run, until the tick it is given at the latest. It may return at any time, and a tick says little: so both are looked
/// at again after it.
///
/// # Errors
/// The first one of `block`.
pub fn wait_until<R, E>(
    deadline: Option<Deadline>,
    now: impl Fn() -> Now,
    mut look: impl FnMut() -> Option<R>,
    mut block: impl FnMut(Option<u64>) -> Result<(), E>,
) -> Result<Option<R>, E> {
    loop {
        if let Some(found) = look() {
            return Ok(Some(found));
        }
        let wake_at = match deadline.map(|deadline| (deadline, now())) {
            Some((deadline, now)) if deadline.has_passed(now) => return Ok(None),
            Some((deadline, now)) => Some(deadline.wake_at(now)),
            None => None,
        };
        block(wake_at)?;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::{Deadline, Now, wait_until};

    const TICK_MS: u32 = 10;
    const KHZ: u32 = 2_600_000;

    fn at(ticks: u64, milliseconds: u64) -> Now {
        Now { ticks, tsc: 77 + milliseconds * u64::from(KHZ) }
    }

    #[test]
    fn where_ticks_come_in_time_the_first_look_is_the_last() {
        // In the middle of tick 100.
        for (milliseconds, wanted) in [(0, 101), (1, 102), (10, 102), (11, 103), (95, 111)] {
            let start = at(100, 1005);
            let deadline = Deadline::after(start, milliseconds, TICK_MS, KHZ);
            assert!(!deadline.has_passed(start));
            let tick = deadline.wake_at(start);
            assert_eq!(tick, wanted);
            assert!(deadline.has_passed(at(tick, tick * 10)));
        }
    }

    #[test]
    fn the_longest_time_does_not_wrap() {
        let deadline = Deadline::after(Now { ticks: 5, tsc: u64::MAX - 5 }, u32::MAX, TICK_MS, u32::MAX);
        assert!(!deadline.has_passed(Now { ticks: u64::MAX, tsc: u64::MAX - 1 }));
    }

    #[test]
    fn a_wait_without_a_deadline_ends_with_what_was_found_or_an_error() {
        let mut left = 5;
        let mut count_down = || {
            left -= 1;
            (left == 0).then_some(left)
        };
        let block = |wake_at: Option<_>| wake_at.map_or(Ok(()), |_| Err("there is no deadline"));
        assert_eq!(wait_until(None, || unreachable!("no time is asked for"), &mut count_down, block), Ok(Some(0)));
        let killed = wait_until(None, || at(0, 0), || None::<()>, |_| Err("killed"));
        assert_eq!(killed, Err("killed"));
    }

    proptest! {
        /// Who looks at the ticks it is told to look at goes on not too early, and with the first tick that comes late enough.
        #[test]
        fn it_does_not_matter_when_ticks_arrive(
            milliseconds in 0..200_u32, gaps in vec(prop_oneof![Just(10_u64), 0..3_u64, 0..60_u64], 300)
        ) {
            let start = at(1000, 50_000);
            let deadline = Deadline::after(start, milliseconds, TICK_MS, KHZ);
            let end = 50_000 + u64::from(milliseconds);
            let (mut ticks, mut time, mut wake_at) = (1000, 50_000, deadline.wake_at(start));
            let enough = 1001 + u64::from(milliseconds.div_ceil(TICK_MS));
            for gap in gaps.into_iter().chain([1000; 30]) {
                (ticks, time) = (ticks + 1, time + gap);
                let is_over = ticks >= enough && time >= end;
                let looks = ticks == wake_at;
                if looks {
                    prop_assert_eq!(deadline.has_passed(at(ticks, time)), is_over);
                    wake_at = deadline.wake_at(at(ticks, time));
                }
                prop_assert!(wake_at > ticks, "it looks again");
                if is_over {
                    prop_assert!(looks, "it goes on now");
                    break;
                }
            }
            prop_assert!(deadline.has_passed(at(ticks, time)));
        }

        /// The process is woken at its tick, or before for another reason. Each tick takes another time.
        #[test]
        fn a_wait_ends_with_what_was_found_or_not_before_its_time(
            milliseconds in 0..200_u32,
            wakes in vec((prop_oneof![Just(10_u64), 0..3_u64, 0..60_u64], 0..5_u64), 300),
            found_after in 0..40_usize,
        ) {
            let clock = Cell::new((1000, 50_000));
            let now = || at(clock.get().0, clock.get().1);
            let deadline = Deadline::after(now(), milliseconds, TICK_MS, KHZ);
            let mut wakes = wakes.into_iter().chain([(10, 9); 200]);
            let mut looks = 0;
            let found = wait_until(
                Some(deadline),
                now,
                || {
                    looks += 1;
                    (looks > found_after).then_some(looks)
                },
                |wake_at| {
                    let (ticks, time) = clock.get();
                    let (gap, most) = wakes.next().unwrap();
                    let passed = (wake_at.unwrap() - ticks).min(most);
                    clock.set((ticks + passed, time + passed * gap));
                    Ok::<(), ()>(())
                },
            );
            match found.unwrap() {
                Some(looks) => prop_assert_eq!(looks, found_after + 1),
                None => prop_assert!(clock.get().1 >= 50_000 + u64::from(milliseconds), "woken early"),
            }
        }
    }
}
