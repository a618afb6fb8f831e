//! The end: how the machine is switched off, and how the host that runs it learns why.

use core::fmt::{self, Write};

use abi::image::{HOST_CONSOLE_PORT, HOST_EXIT_PORT, HOST_EXIT_VALUE};

use super::console::kprintln;
use super::port::Port;
use crate::cpu::interrupts;

/// Written to [`HOST_EXIT_PORT`] when the kernel itself has failed: QEMU exits with 35, which no orderly shutdown gives.
const HOST_FAILURE_VALUE: u8 = 0x11;

/// The power management control register (PM1a) of QEMU's `pc` and `q35` machines, and of older ones.
const POWER_CONTROL_PORTS: [u16; 2] = [0x0604, 0xB004];
/// Sleep type 0, which is "soft off" on these machines, and sleep enable (ACPI, "PM1 control registers").
const POWER_OFF: u16 = 1 << 13;

/// Tells the host `status` and switches the machine off. A machine that stays on is halted for good.
pub fn shutdown(status: u32) -> ! {
    // A console port that nobody listens to takes the line all the same.
    let _ = writeln!(HostConsole, "status {status}");
    host_exit(HOST_EXIT_VALUE);
    for port in POWER_CONTROL_PORTS {
        // SAFETY: nothing else uses these ports, and the register behind them, if any, changes the power state and nothing
        // in memory.
        unsafe { Port::new(port) }.write(POWER_OFF);
    }
    kprintln!("it is now safe to switch off the machine");
    interrupts::halt_forever()
}

/// Ends the machine after a failure of the kernel, so that the host can tell it from a shutdown.
pub fn fail() -> ! {
    host_exit(HOST_FAILURE_VALUE);
    interrupts::halt_forever()
}

fn host_exit(value: u8) {
    // SAFETY: the port belongs to QEMU's exit device or to nothing.
    unsafe { Port::new(HOST_EXIT_PORT) }.write(value);
}

/// The host's console port.
struct HostConsole;

impl Write for HostConsole {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: the port belongs to QEMU's debug console or to nothing.
        let port = unsafe { Port::new(HOST_CONSOLE_PORT) };
        text.bytes().for_each(|byte| port.write(byte));
        Ok(())
    }
}
