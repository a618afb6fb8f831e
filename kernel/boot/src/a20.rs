//! Address line 20, which PCs switch off at power-on so that addresses wrap at 1 MiB as on the 8086.

use x86::io::{inb, outb};

use crate::bios::{self, Registers};
use crate::error::BootError;

/// Two addresses that are one while the line is off.
const LOW: usize = 0x0600;
const HIGH: usize = LOW + (1 << 20);

/// Enables the line: by the BIOS, by the chipset's fast gate, by the keyboard controller, whichever works first.
///
/// # Errors
/// `A20` if none does.
pub fn enable() -> Result<(), BootError> {
    let ways: [fn(); 4] = [|| (), by_bios, by_fast_gate, by_keyboard_controller];
    for way in ways {
        way();
        if is_enabled() {
            return Ok(());
        }
    }
    Err(BootError::A20)
}

fn is_enabled() -> bool {
    let (low, high) =
        (core::ptr::with_exposed_provenance_mut::<u32>(LOW), core::ptr::with_exposed_provenance_mut::<u32>(HIGH));
    // SAFETY: the words at 0x600 and at 1 MiB + 0x600 hold nothing yet: the BIOS's data areas end at 0x600, our stack is far above and
    // the kernel is loaded later. Where there is no memory at all, nothing is changed.
    unsafe {
        low.write_volatile(0x1234_5678);
        high.write_volatile(0x8765_4321);
        low.read_volatile() == 0x1234_5678
    }
}

fn by_bios() {
    const ENABLE: u32 = 0x2401;
    // SAFETY: the call writes to no memory of ours.
    unsafe { bios::call(0x15, Registers { eax: ENABLE, ..Registers::default() }) };
}

/// System control port A, bit 1; bit 0 would reset the machine.
fn by_fast_gate() {
    // SAFETY: the port changes the address line only.
    unsafe { outb(0x92, inb(0x92) & !1 | 2) };
}

/// The 8042's output port, bit 1 ("8042 Universal Peripheral Interface": command D1h, "write output port").
fn by_keyboard_controller() {
    const INPUT_FULL: u8 = 2;
    // SAFETY: the ports are the keyboard controller's; interrupts are off, nobody else talks to it.
    unsafe {
        let wait = || (0..100_000).any(|_| inb(0x64) & INPUT_FULL == 0);
        wait();
        outb(0x64, 0xD1);
        wait();
        outb(0x60, 0xDF);
        wait();
    }
}
