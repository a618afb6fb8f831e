//! The devices of a PC, one file each.

pub mod ata;
pub mod console;
pub mod host;
mod keyboard;
pub mod latency;
mod pci;
pub mod pic;
mod port;
pub mod power;
pub mod rtc;
mod serial;
pub mod timer;
mod vga;

use crate::memory::write_back;
use crate::process::scheduler;

/// Handles the interrupt on this line of the interrupt controllers, which arrives at vector [`pic::FIRST_VECTOR`]` + line`.
///
/// The controller is told at once that the interrupt was taken. No other can come before this has returned, since interrupts are
/// off meanwhile.
pub fn on_interrupt(line: u8) {
    if !pic::acknowledge(line) {
        return;
    }
    match line {
        timer::LINE => {
            ata::on_tick(timer::on_tick());
            write_back::on_transfer();
            scheduler::wake_sleepers();
        }
        latency::LINE => latency::on_interrupt(),
        console::KEYBOARD_LINE | console::SERIAL_LINE => console::on_interrupt(),
        ata::LINE => {
            ata::on_interrupt();
            write_back::on_transfer();
        }
        _ => {}
    }
}
