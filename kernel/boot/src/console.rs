//! What the boot loader says: on the screen by the BIOS, and on the first serial port.

use core::fmt::{self, Write};

use abi::image::{
    BOCHS_SHUTDOWN_BYTES, BOCHS_SHUTDOWN_PORT, HOST_PRINTER_CONTROL_PORT, HOST_PRINTER_PORT, HOST_PRINTER_SELECTED,
    HOST_PRINTER_STROBE, QEMU_EXIT_PORT, QEMU_EXIT_VALUE,
};
use x86::io::{inb, outb};

use crate::bios::{self, Registers};

/// The first serial port (16550 UART).
const SERIAL: u16 = 0x3F8;
/// Line status: the transmitter can take a byte.
const CAN_SEND: u8 = 1 << 5;
/// Line status: the transmitter has sent all that it has taken.
const HAS_SENT: u8 = 1 << 6;

/// What the host is told when the machine could not start.
const CANNOT_START: u32 = 126;

/// Prints a line.
macro_rules! println {
    ($($arguments:tt)*) => { $crate::console::print(format_args!("{}\n", format_args!($($arguments)*))) };
}

pub(crate) use println;

/// Sets the serial port to 115200 baud, 8 data bits, no parity, one stop bit.
pub fn init() {
    for (register, value) in [(3, 0x80), (0, 1), (1, 0), (3, 0x03), (2, 0x07)] {
        // SAFETY: the ports are the UART's or nobody's; its registers change nothing in memory.
        unsafe { outb(SERIAL + register, value) };
    }
}

/// Prints on the screen, then on the serial port: a BIOS that copies the screen to the port (QEMU's with `-nographic`) then shows a text
/// twice instead of every letter.
pub fn print(arguments: fmt::Arguments<'_>) {
    // Only a value's own formatting can fail.
    let _ = Device(put_on_screen).write_fmt(arguments);
    let _ = Device(put_on_serial).write_fmt(arguments);
}

/// What takes single bytes.
struct Device(fn(u8));

impl Write for Device {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                self.0(b'\r');
            }
            self.0(byte);
        }
        Ok(())
    }
}

fn put_on_screen(byte: u8) {
    const TELETYPE: u32 = 0x0E00;
    const VIDEO: u8 = 0x10;
    // SAFETY: the call writes to the screen only.
    unsafe { bios::call(VIDEO, Registers { eax: TELETYPE | u32::from(byte), ..Registers::default() }) };
}

/// Waits for a bit of the line status; says whether it has come.
fn has_line_status(bit: u8) -> bool {
    // A port without a UART reads as all ones; one that never gets ready is not waited for.
    // SAFETY: as in `init`.
    (0..100_000).any(|_| unsafe { inb(SERIAL + 5) } & bit != 0)
}

fn put_on_serial(byte: u8) {
    if has_line_status(CAN_SEND) {
        // SAFETY: as in `init`.
        unsafe { outb(SERIAL, byte) };
    }
}

/// Tells the host that the machine cannot start, and stops. The kernel does the same: `kernel/src/drivers/host.rs`.
pub fn stop() -> ! {
    let _ = writeln!(Host, "status {CANNOT_START}");
    // What a port has taken and not sent is lost with the machine.
    has_line_status(HAS_SENT);
    // SAFETY: each port belongs to an emulator's exit device or to none.
    unsafe {
        outb(QEMU_EXIT_PORT, QEMU_EXIT_VALUE);
        BOCHS_SHUTDOWN_BYTES.into_iter().for_each(|byte| outb(BOCHS_SHUTDOWN_PORT, byte));
    }
    loop {
        // SAFETY: interrupts are off; the CPU rests for good.
        unsafe { x86::halt() };
    }
}

struct Host;

impl Write for Host {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the ports belong to the first parallel port or to no device.
            unsafe {
                outb(HOST_PRINTER_PORT, byte);
                outb(HOST_PRINTER_CONTROL_PORT, HOST_PRINTER_STROBE);
                outb(HOST_PRINTER_CONTROL_PORT, HOST_PRINTER_SELECTED);
            }
        }
        Ok(())
    }
}
