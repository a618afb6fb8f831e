//! The longest time for which the CPU took no interrupt, measured with the option `latency`.
//!
//! The real-time clock then interrupts 8,192 times a second, and each interrupt looks at the time-stamp counter. The time between two
//! interrupts is at most 244 us longer than the time for which the CPU took none.

use kcore::command_line::CommandLine;

use super::{pic, rtc, timer};
use crate::cell::KernelCell;

/// The real-time clock's interrupt line.
pub const LINE: u8 = 8;

/// The time-stamp counter at the last interrupt, and the longest time between two of them.
struct Gaps {
    last_tsc: u64,
    longest_tsc: u64,
}

static GAPS: KernelCell<Gaps> = KernelCell::new(Gaps { last_tsc: 0, longest_tsc: 0 });

/// Begins to measure, if the command line says so. Called when boot is over: the kernel boots with interrupts off.
pub fn init(options: &CommandLine<'_>) {
    if options.measures_latency {
        GAPS.with(|gaps| gaps.last_tsc = timer::tsc());
        rtc::start_interrupts();
        pic::unmask(LINE);
    }
}

/// Returns the longest time between two interrupts of the real-time clock since the last call, in ticks of the time-stamp counter, and
/// begins a new measurement. 0 if nothing is measured.
pub fn take_longest_gap_tsc() -> u64 {
    GAPS.with(|gaps| core::mem::take(&mut gaps.longest_tsc))
}

/// The real-time clock has interrupted.
pub(super) fn on_interrupt() {
    rtc::take_interrupt();
    let now = timer::tsc();
    GAPS.with(|gaps| {
        gaps.longest_tsc = gaps.longest_tsc.max(now.saturating_sub(gaps.last_tsc));
        gaps.last_tsc = now;
    });
}
