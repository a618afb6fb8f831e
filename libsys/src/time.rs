//! Time that passes: how long something took, how long the machine has been on, and waiting.

use core::ops::{Add, Sub};
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use crate::system;

pub use crate::process::sleep;

/// A point in time, finer than a microsecond.
///
/// ```no_run
/// use libsys::println;
/// use libsys::time::Instant;
///
/// let start = Instant::now();
/// let sum: u32 = (0..1_000_000).sum();
/// println!("{sum}, in {:?}", start.elapsed());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    /// This moment.
    ///
    /// ```no_run
    /// # use libsys::time::Instant;
    /// let (first, second) = (Instant::now(), Instant::now());
    /// assert!(first <= second);
    /// ```
    pub fn now() -> Self {
        Self(to_duration(counter(), counts_a_second()))
    }

    /// How long ago this moment was.
    ///
    /// ```no_run
    /// # use core::time::Duration;
    /// # use libsys::time::{Instant, sleep};
    /// let start = Instant::now();
    /// sleep(Duration::from_millis(20));
    /// assert!(start.elapsed() >= Duration::from_millis(19));
    /// ```
    pub fn elapsed(self) -> Duration {
        Self::now().since(self)
    }

    /// How long before this moment `earlier` was; zero if it was not.
    ///
    /// ```no_run
    /// # use libsys::time::Instant;
    /// let (first, second) = (Instant::now(), Instant::now());
    /// println!("{:?} for looking at the clock", second.since(first));
    /// ```
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0 + time)
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// How long the machine has been on, in whole milliseconds.
///
/// ```no_run
/// libsys::println!("up for {} s", libsys::time::uptime().as_secs());
/// ```
pub fn uptime() -> Duration {
    Duration::from_millis(system::time().map_or(0, |time| time.uptime_ms))
}

/// The time-stamp counter.
#[cfg(target_arch = "x86")]
fn counter() -> u64 {
    // SAFETY: programs are built for the i586, which has the counter, and the kernel lets ring 3 read it.
    unsafe { core::arch::x86::_rdtsc() }
}

/// No program runs here.
#[cfg(not(target_arch = "x86"))]
fn counter() -> u64 {
    0
}

/// How many counts make a second. The kernel measures it once; so it is asked once.
fn counts_a_second() -> u64 {
    static KNOWN: AtomicU64 = AtomicU64::new(0);
    match KNOWN.load(Ordering::Relaxed) {
        0 => {
            let counts = system::time().map_or(1, |time| time.tsc_hz.max(1));
            KNOWN.store(counts, Ordering::Relaxed);
            counts
        }
        counts => counts,
    }
}

fn to_duration(counts: u64, counts_a_second: u64) -> Duration {
    let nanoseconds = u128::from(counts % counts_a_second) * 1_000_000_000 / u128::from(counts_a_second);
    Duration::new(counts / counts_a_second, u32::try_from(nanoseconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::{Instant, to_duration};

    #[test]
    fn counts_become_seconds_and_nanoseconds() {
        assert_eq!(to_duration(0, 3_000_000_000), Duration::ZERO);
        assert_eq!(to_duration(4_500_000_001, 3_000_000_000), Duration::new(1, 500_000_000));
        assert_eq!(to_duration(u64::MAX, 1), Duration::from_secs(u64::MAX));
        assert_eq!(to_duration(u64::MAX - 1, u64::MAX), Duration::new(0, 999_999_999));
    }

    #[test]
    fn what_was_not_earlier_was_no_time_ago() {
        let [first, second] = [1, 3].map(|seconds| Instant(Duration::from_secs(seconds)));
        assert_eq!((second - first, first - second), (Duration::from_secs(2), Duration::ZERO));
        assert_eq!(first + Duration::from_secs(2), second);
    }
}
