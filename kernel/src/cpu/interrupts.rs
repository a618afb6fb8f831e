//! Waiting for interrupts. The kernel runs with interrupts off; this is the only place that lets them in.

use core::arch::asm;

/// Halts until an interrupt has been handled.
#[inline]
pub fn wait_for_interrupt() {
    // SAFETY: `sti` takes effect after the next instruction, so no interrupt is lost between it and `hlt`. The handler runs on
    // this stack and returns here; no kernel cell is in use, since callers wait outside of them.
    unsafe { asm!("sti", "hlt", "cli") }
}

/// Halts for good.
pub fn halt_forever() -> ! {
    loop {
        // SAFETY: nothing is left to do; with interrupts off only a reset ends this.
        unsafe { asm!("cli", "hlt") }
    }
}
