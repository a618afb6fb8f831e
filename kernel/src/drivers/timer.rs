//! The interval timer (Intel 8254, "Programmable Interval Timer"): channel 0 ticks 100 times a second, channel 2 counts freely.

use kcore::clock::{Deadline, Now, PIT_HZ, Reading, TscCalibration};

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
const CHANNEL_2: u16 = 0x42;
const CONTROL: u16 = 0x43;
/// Channel 0, low then high byte, mode 2 (rate generator).
const TICKING: u8 = 0b0011_0100;
/// Channel 2, likewise.
const FREE: u8 = 0b1011_0100;
/// Read-back command: freezes the counts of channels 0 and 2, both at this moment, until they are read.
const LATCH_BOTH: u8 = 0b1101_1010;

/// System control port B. Its upper half is read only.
const SYSTEM_CONTROL: u16 = 0x61;
/// Channel 2 counts.
const CHANNEL_2_GATE: u8 = 1 << 0;
/// What is left as it is: which errors of the bus are reported. The speaker, bit 1, is off.
const ERROR_CHECKS: u8 = 0b1100;

struct Timer {
    ticks: u64,
    /// What an interrupt adds to `ticks`: one, but for tests.
    ticks_at_once: u64,
    calibration: TscCalibration,
    boot_tsc: u64,
    /// The last answer to "how long since boot", so that no later one is smaller.
    last_uptime_us: u64,
    first_program_tsc: u64,
}

static TIMER: KernelCell<Timer> = KernelCell::new(Timer {
    ticks: 0,
    ticks_at_once: 1,
    calibration: TscCalibration::new(RELOAD as u32),
    boot_tsc: 0,
    last_uptime_us: 0,
    first_program_tsc: 0,
});

/// Starts the ticks. They arrive once interrupts are on.
pub fn init() {
    let system_control = port(SYSTEM_CONTROL);
    system_control.write(system_control.read() & ERROR_CHECKS | CHANNEL_2_GATE);
    start(FREE, CHANNEL_2, 0); // for 65,536
    start(TICKING, CHANNEL_0, RELOAD);
    TIMER.with(|timer| {
        timer.boot_tsc = tsc();
        timer.sample();
    });
    pic::unmask(LINE);
}

/// Counts a tick, and returns how many there were since boot.
pub(super) fn on_tick() -> u64 {
    TIMER.with(|timer| {
        timer.ticks += timer.ticks_at_once;
        if !timer.calibration.is_done() {
            timer.sample();
        }
        timer.ticks
    })
}

/// Counts each tick as several from here on, like ticks that a busy host delivers close together.
pub fn be_hasty() {
    const AT_ONCE: u64 = 5;
    TIMER.with(|timer| timer.ticks_at_once = AT_ONCE);
}

/// Ticks since boot.
#[inline]
pub fn ticks() -> u64 {
    TIMER.with(|timer| timer.ticks)
}

/// This moment.
#[inline]
pub fn now() -> Now {
    Now { ticks: ticks(), tsc: tsc() }
}

/// When so many milliseconds will have passed.
pub fn deadline(milliseconds: u32) -> Deadline {
    let khz = TIMER.with(|timer| timer.khz());
    Deadline::after(now(), milliseconds, TICK_MS, khz)
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

/// Counts of the time-stamp counter in a second. Exact to a thousandth or so from the first tick on, better after nine.
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
    /// Out of the way of the ticks after the first few.
    #[cold]
    #[inline(never)]
    fn sample(&mut self) {
        self.calibration.sample(read_clocks());
    }

    fn khz(&self) -> u32 {
        self.calibration.khz(read_clocks)
    }
}

/// Whole milliseconds first: microseconds times counts would overflow after weeks.
fn microseconds(counts: u64, khz: u32) -> u64 {
    let khz = u64::from(khz);
    counts / khz * 1000 + counts % khz * 1000 / khz
}

/// Sets a channel's mode and what it counts down, over and over.
fn start(mode: u8, channel: u16, reload: u16) {
    let [low, high] = reload.to_le_bytes();
    port(CONTROL).write(mode);
    port(channel).write(low);
    port(channel).write(high); // it counts from here on
}

fn read_clocks() -> Reading {
    let tsc_before = tsc();
    port(CONTROL).write(LATCH_BOTH);
    let tsc_behind = tsc();
    Reading { tsc_before, tick_left: latched(CHANNEL_0), turn_left: latched(CHANNEL_2), tsc_behind }
}

/// The count that was frozen in a channel.
fn latched(channel: u16) -> u16 {
    let [low, high] = [(); 2].map(|()| port(channel).read());
    u16::from_le_bytes([low, high])
}

const fn port(number: u16) -> Port<u8> {
    // SAFETY: only this module uses the interval timer and the gate of its channel 2, and they master no bus.
    unsafe { Port::new(number) }
}
