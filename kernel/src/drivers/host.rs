//! The host that runs the machine in QEMU: lines for it, and an end that it can tell from others.

use core::fmt::{self, Write};

use abi::image::{HOST_CONSOLE_PORT, HOST_EXIT_PORT, HOST_EXIT_VALUE, HOST_READY_LINE, HOST_UNSAVED_LINE};

use super::port::Port;

/// Written to [`HOST_EXIT_PORT`] when the kernel itself has failed: QEMU exits with 35, which no orderly shutdown gives.
const HOST_FAILURE_VALUE: u8 = 0x11;

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
    exit(HOST_EXIT_VALUE);
}

/// Ends the machine after a failure of the kernel. Returns if there is no such host.
pub fn fail() {
    exit(HOST_FAILURE_VALUE);
}

fn exit(value: u8) {
    // SAFETY: the port belongs to QEMU's exit device or to nothing.
    unsafe { Port::new(HOST_EXIT_PORT) }.write(value);
}

fn tell(line: fmt::Arguments<'_>) {
    // A console port that nobody listens to takes the line all the same.
    let _ = writeln!(HostConsole, "{line}");
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
