//! Letting interrupts in. The kernel runs with interrupts off, but for these two places.

use core::arch::asm;

use crate::cell::KernelCell;
use crate::drivers::timer;

/// Counts of the time-stamp counter during which the CPU was halted.
static HALTED: KernelCell<u64> = KernelCell::new(0);

/// How many counts of the time-stamp counter the CPU was halted for want of work, handlers of interrupts included.
pub fn halted_tsc() -> u64 {
    HALTED.with(|halted| *halted)
}

/// Halts until an interrupt has been handled.
#[inline]
pub fn wait_for_interrupt() {
    let before = timer::tsc();
    // SAFETY: `sti` takes effect after the next instruction, so no interrupt is lost between it and `hlt`. The handler runs on
    // this stack and returns here; no kernel cell is in use, since callers wait outside of them.
    unsafe { asm!("sti", "hlt", "cli") }
    HALTED.with(|halted| *halted += timer::tsc() - before);
}

/// Lets those interrupts be handled that are there already.
#[inline]
pub fn let_in() {
    // SAFETY: as above, but for `nop`, behind which they come.
    unsafe { asm!("sti", "nop", "cli") }
}

/// Halts for good.
pub fn halt_forever() -> ! {
    loop {
        // SAFETY: nothing is left to do; with interrupts off only a reset ends this.
        unsafe { asm!("cli", "hlt") }
    }
}
