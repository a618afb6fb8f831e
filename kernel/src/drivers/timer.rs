//! The tick: channel 0 of the interval timer, 100 times a second (Intel 8254, "Programmable Interval Timer").

use kcore::clock::{PIT_HZ, TscCalibration};

use super::pic;
use super::port::Port;
use crate::cell::KernelCell;

/// The timer's interrupt line.
pub const LINE: u8 = 0;
/// Ticks in a second.
pub const TICKS_PER_SECOND: u32 = 100;
/// Milliseconds in a tick.
pub const TICK_MS: u32 = 1000 / TICKS_PER_SECOND;

/// What channel 0 counts down in a tick, rounded to the nearest count.
const RELOAD: u16 = {
    let reload = (PIT_HZ + TICKS_PER_SECOND / 2) / TICKS_PER_SECOND;
    assert!(reload <= 0xFFFF);
    (reload & 0xFFFF) as u16
};

const CHANNEL_0: u16 = 0x40;
const CONTROL: u16 = 0x43;
/// Channel 0, low then high byte, mode 2 (rate generator).
const RATE_GENERATOR: u8 = 0b0011_0100;
/// Freezes channel 0's count for the next two reads.
const LATCH_CHANNEL_0: u8 = 0;

struct Timer {
    ticks: u64,
    calibration: TscCalibration,
    boot_tsc: u64,
    /// The last answer to "how long since boot", so that no later one is smaller.
    last_uptime_us: u64,
    first_program_tsc: u64,
}

static TIMER: KernelCell<Timer> = KernelCell::new(Timer {
    ticks: 0,
    calibration: TscCalibration::new(RELOAD as u32),
    boot_tsc: 0,
    last_uptime_us: 0,
    first_program_tsc: 0,
});

/// Starts the ticks. They arrive once interrupts are on.
pub fn init() {
    let [low, high] = RELOAD.to_le_bytes();
    control().write(RATE_GENERATOR);
    channel().write(low);
    let boot_tsc = tsc();
    channel().write(high); // the PIT counts from here on
    TIMER.with(|timer| timer.boot_tsc = boot_tsc);
    pic::unmask(LINE);
}

/// Counts a tick, and returns how many there were since boot.
pub(super) fn on_tick() -> u64 {
    TIMER.with(|timer| {
        timer.ticks += 1;
        if !timer.calibration.is_done() {
            timer.calibration.sample(tsc(), pit_count());
        }
        timer.ticks
    })
}

/// Ticks since boot.
#[inline]
pub fn ticks() -> u64 {
    TIMER.with(|timer| timer.ticks)
}

/// The ticks that take no less than so many milliseconds.
pub const fn ticks_for_ms(milliseconds: u32) -> u32 {
    milliseconds.div_ceil(TICK_MS)
}

/// Microseconds since boot.
pub fn uptime_us() -> u64 {
    TIMER.with(|timer| {
        let now = microseconds(tsc().saturating_sub(timer.boot_tsc), timer.khz());
        timer.last_uptime_us = timer.last_uptime_us.max(now);
        timer.last_uptime_us
    })
}

/// Milliseconds since boot.
pub fn uptime_ms() -> u64 {
    uptime_us() / 1000
}

/// Counts of the time-stamp counter in a second. Exact to some thousandths from the second tick on, better after ten.
pub fn tsc_hz() -> u64 {
    TIMER.with(|timer| u64::from(timer.khz()) * 1000)
}

/// Remembers that the first program is about to run its first instruction.
pub fn note_first_program() {
    TIMER.with(|timer| timer.first_program_tsc = tsc());
}

/// The time-stamp counter at the time of [`note_first_program`]; 0 before.
pub fn first_program_tsc() -> u64 {
    TIMER.with(|timer| timer.first_program_tsc)
}

/// The time-stamp counter.
pub fn tsc() -> u64 {
    // SAFETY: the kernel is built for the i586, the first CPU to have the counter; reading it changes nothing.
    unsafe { core::arch::x86::_rdtsc() }
}

impl Timer {
    /// Counts of the time-stamp counter in a millisecond. Before two ticks were seen, by what the timer has counted so far; a
    /// tick that waits for its handler is missing in that.
    fn khz(&self) -> u32 {
        self.calibration.khz().unwrap_or_else(|| {
            let elapsed = self.ticks * u64::from(RELOAD) + u64::from(u32::from(RELOAD).saturating_sub(pit_count()));
            let per_second = tsc().saturating_sub(self.boot_tsc).saturating_mul(u64::from(PIT_HZ)) / elapsed.max(1);
            u32::try_from(per_second / 1000).unwrap_or(u32::MAX).max(1)
        })
    }
}

/// Whole milliseconds first: microseconds times counts would overflow after weeks.
fn microseconds(counts: u64, khz: u32) -> u64 {
    let khz = u64::from(khz);
    counts / khz * 1000 + counts % khz * 1000 / khz
}

/// How far channel 0 has to count down until the next tick.
fn pit_count() -> u32 {
    control().write(LATCH_CHANNEL_0);
    let low = channel().read();
    let high = channel().read();
    u32::from(u16::from_le_bytes([low, high]))
}

const fn channel() -> Port<u8> {
    // SAFETY: only this module uses the interval timer, and it masters no bus.
    unsafe { Port::new(CHANNEL_0) }
}

const fn control() -> Port<u8> {
    // SAFETY: as for `channel`.
    unsafe { Port::new(CONTROL) }
}
