//! The real-time clock (Motorola MC146818), which goes on while the machine is off. It is asked for the date once, at start-up.

use kcore::calendar::ClockRegisters;

use super::port::Port;
use crate::cell::KernelCell;

const INDEX: u16 = 0x70;
const DATA: u16 = 0x71;

const SECONDS: u8 = 0x00;
const MINUTES: u8 = 0x02;
const HOURS: u8 = 0x04;
const DAY: u8 = 0x07;
const MONTH: u8 = 0x08;
const YEAR: u8 = 0x09;
const REGISTER_A: u8 = 0x0A;
const REGISTER_B: u8 = 0x0B;
const REGISTER_C: u8 = 0x0C;

/// Register A: the time base of a PC, and 8,192 periods a second (MC146818, "Periodic Interrupt Rate").
const RATE_8192_HZ: u8 = 0x23;
/// Register B: an interrupt for each period.
const PERIODIC_INTERRUPTS: u8 = 1 << 6;

/// In register A: the others are about to change.
const UPDATE_IN_PROGRESS: u8 = 1 << 7;

/// How often the clock is read until two readings agree. It changes once a second, for two milliseconds.
const READINGS_MAX: u32 = 100_000;

/// What it said at start-up.
static STARTED: KernelCell<u64> = KernelCell::new(0);

/// Asks the clock.
pub fn init() {
    let seconds = unix_seconds().unwrap_or(0);
    STARTED.with(|started| *started = seconds);
}

/// The seconds from the beginning of 1970 to the start of the machine; 0 if it has no clock that was set.
pub fn started_unix_seconds() -> u64 {
    STARTED.with(|started| *started)
}

/// Lets the clock interrupt 8,192 times a second, on line 8.
pub(super) fn start_interrupts() {
    set_register(REGISTER_A, RATE_8192_HZ);
    set_register(REGISTER_B, register(REGISTER_B) | PERIODIC_INTERRUPTS);
    take_interrupt();
}

/// Takes an interrupt: without that the clock raises no other.
pub(super) fn take_interrupt() {
    register(REGISTER_C);
}

/// The seconds since 1970; `None` if the machine has no clock that was set.
fn unix_seconds() -> Option<u64> {
    let mut last = None;
    for _ in 0..READINGS_MAX {
        if register(REGISTER_A) & UPDATE_IN_PROGRESS != 0 {
            continue;
        }
        let reading = registers();
        if last.replace(reading) == Some(reading) {
            return reading.unix_seconds();
        }
    }
    None
}

fn registers() -> ClockRegisters {
    ClockRegisters {
        second: register(SECONDS),
        minute: register(MINUTES),
        hour: register(HOURS),
        day: register(DAY),
        month: register(MONTH),
        year: register(YEAR),
        format: register(REGISTER_B),
    }
}

fn register(index: u8) -> u8 {
    // SAFETY: on a PC these two ports belong to the clock or to nothing, only this module uses them, and the clock masters no bus.
    let (select, data) = unsafe { (Port::<u8>::new(INDEX), Port::<u8>::new(DATA)) };
    select.write(index);
    data.read()
}

fn set_register(index: u8, value: u8) {
    // SAFETY: as in `register`.
    let (select, data) = unsafe { (Port::<u8>::new(INDEX), Port::<u8>::new(DATA)) };
    select.write(index);
    data.write(value);
}
