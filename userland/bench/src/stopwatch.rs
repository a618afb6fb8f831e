//! Counts of the time-stamp counter, and those of them in which the CPU was halted.

use libsys::{println, system};

/// Started; [`Stopwatch::stop`] says how long ago.
pub struct Stopwatch {
    halted: u64,
    start: u64,
}

/// What a stretch of time took.
#[derive(Clone, Copy, Default)]
pub struct Taken {
    /// Counts in all.
    pub counts: u64,
    /// Counts in which the CPU was halted.
    pub halted: u64,
}

impl Stopwatch {
    /// Starts counting.
    pub fn start() -> Self {
        let halted = halted();
        Self { halted, start: now() }
    }

    /// Stops counting.
    pub fn stop(self) -> Taken {
        let counts = now() - self.start;
        Taken { counts, halted: halted() - self.halted }
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

fn now() -> u64 {
    // SAFETY: programs are built for the i586, which has the counter, and the kernel lets ring 3 read it.
    unsafe { core::arch::x86::_rdtsc() }
}

fn halted() -> u64 {
    system::time().map_or(0, |time| time.halted_tsc)
}
