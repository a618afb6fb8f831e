//! The end: how the machine is switched off.

use super::console::kprintln;
use super::host;
use super::port::Port;
use crate::cpu::interrupts;

/// The power management control register (PM1a) of QEMU's `pc` and `q35` machines, and of Bochs's and older ones.
const POWER_CONTROL_PORTS: [u16; 2] = [0x0604, 0xB004];
/// Sleep type 0, which is "soft off" on these machines, and sleep enable (ACPI, "PM1 control registers").
const POWER_OFF: u16 = 1 << 13;

/// Tells the host `status` and switches the machine off. A machine that stays on is halted for good.
pub fn shutdown(status: u32) -> ! {
    host::end(status);
    for port in POWER_CONTROL_PORTS {
        // SAFETY: nothing else uses these ports, and the register behind them, if any, changes the power state and nothing
        // in memory.
        unsafe { Port::new(port) }.write(POWER_OFF);
    }
    kprintln!("it is now safe to switch off the machine");
    interrupts::halt_forever()
}

/// As [`shutdown`], for a machine that could not save all files: the host learns that, too.
pub fn shutdown_unsaved(status: u32) -> ! {
    host::tell_unsaved();
    shutdown(status)
}

/// Ends the machine after a failure of the kernel, so that the host can tell it from a shutdown.
pub fn fail() -> ! {
    host::fail();
    interrupts::halt_forever()
}
