//! Counts of the time-stamp counter, and those of them in which the CPU was halted.

use libsys::{println, system};

/// Started; [`Stopwatch::stop`] says how long ago.
pub struct Stopwatch {
    start: Moment,
}

/// What a stretch of time took.
#[derive(Clone, Copy, Default)]
pub struct Taken {
    /// Counts in all.
    pub counts: u64,
    /// Counts in which the CPU was halted.
    pub halted: u64,
}

/// A value of the counter, and for how much of it the CPU had been halted by then.
struct Moment {
    at: u64,
    halted: u64,
}

impl Stopwatch {
    /// Starts counting.
    pub fn start() -> Self {
        let Moment { halted, .. } = Moment::now();
        // The calls that took the moment are not counted.
        Self { start: Moment { at: counter(), halted } }
    }

    /// Stops counting.
    pub fn stop(self) -> Taken {
        let end = Moment::now();
        Taken { counts: end.at - self.start.at, halted: end.halted - self.start.halted }
    }
}

impl Moment {
    /// With few frames, asking the kernel can itself take a page from the disk. Only what was halted the same before and after belongs to
    /// the counter's value; the second time the pages are there.
    fn now() -> Self {
        loop {
            let halted = halted();
            let at = counter();
            if self::halted() == halted {
                return Self { at, halted };
            }
        }
    }
}

impl Taken {
    /// Adds another stretch.
    pub fn add(&mut self, other: Self) {
        self.counts += other.counts;
        self.halted += other.halted;
    }

    /// Prints the result for `operations` operations.
    pub fn report(&self, name: &str, operations: u32) {
        println!("result {name} {} {} {operations}", self.counts, self.halted);
    }
}

fn counter() -> u64 {
    // SAFETY: programs are built for the i586, which has the counter, and the kernel lets ring 3 read it.
    unsafe { core::arch::x86::_rdtsc() }
}

fn halted() -> u64 {
    system::time().map_or(0, |time| time.halted_tsc)
}
