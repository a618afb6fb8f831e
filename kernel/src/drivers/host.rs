//! The host, if the machine is one of QEMU or Bochs: lines for it, and an end that it can tell from others.
//!
//! Lines go to the parallel port, which both emulators have. Each emulator is ended through a port of its own. There is nothing to
//! probe: a write to a port that no device has changes nothing, so both ports are written to.

use core::fmt::{self, Write};

use abi::image::{
    BOCHS_SHUTDOWN_BYTES, BOCHS_SHUTDOWN_PORT, HOST_PRINTER_CONTROL_PORT, HOST_PRINTER_PORT, HOST_PRINTER_SELECTED,
    HOST_PRINTER_STROBE, HOST_READY_LINE, HOST_UNSAVED_LINE, QEMU_EXIT_PORT, QEMU_EXIT_VALUE,
};

use super::port::Port;
use super::serial;

/// Written to [`QEMU_EXIT_PORT`] when the kernel itself has failed: QEMU exits with 35, which no orderly shutdown gives.
const QEMU_FAILURE_VALUE: u8 = 0x11;

/// Tells the host that what it types at the console from now on is not lost.
pub fn tell_ready() {
    tell(format_args!("{HOST_READY_LINE}"));
}

/// Tells the host that the machine ends without having saved all files.
pub fn tell_unsaved() {
    tell(format_args!("{HOST_UNSAVED_LINE}"));
}

/// Tells the host with which status the machine ends, and ends it. Returns if there is no such host.
pub fn end(status: u32) {
    tell(format_args!("status {status}"));
    exit(QEMU_EXIT_VALUE);
}

/// Ends the machine after a failure of the kernel: the host learns no status. Returns if there is no such host.
pub fn fail() {
    exit(QEMU_FAILURE_VALUE);
}

fn exit(qemu_value: u8) {
    serial::wait_until_sent();
    // SAFETY: each port belongs to an emulator's exit device or to nothing.
    let (qemu, bochs) = unsafe { (Port::<u8>::new(QEMU_EXIT_PORT), Port::<u8>::new(BOCHS_SHUTDOWN_PORT)) };
    qemu.write(qemu_value);
    BOCHS_SHUTDOWN_BYTES.into_iter().for_each(|byte| bochs.write(byte));
}

fn tell(line: fmt::Arguments<'_>) {
    // A port without a printer takes the line all the same.
    let _ = writeln!(Printer, "{line}");
}

/// The host's end of the parallel port (IBM PC, "Parallel printer adapter"). An emulator is never busy, so its status is not read.
struct Printer;

impl Write for Printer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: on a PC these ports belong to the first parallel port or to nothing, only this module uses them, and it masters no bus.
        let (data, control) =
            unsafe { (Port::<u8>::new(HOST_PRINTER_PORT), Port::<u8>::new(HOST_PRINTER_CONTROL_PORT)) };
        for byte in text.bytes() {
            data.write(byte);
            control.write(HOST_PRINTER_STROBE);
            control.write(HOST_PRINTER_SELECTED);
        }
        Ok(())
    }
}
