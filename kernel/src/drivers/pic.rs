//! The two interrupt controllers (Intel 8259A, "Programmable Interrupt Controller"), the second behind line 2 of the first.

use pic8259::ChainedPics;

use super::port::Port;
use crate::cell::KernelCell;

/// Line 0's interrupt vector; the other fifteen follow.
pub const FIRST_VECTOR: u8 = 32;
/// The line on which the second controller reports.
const CASCADE: u8 = 2;
/// The lowest line of each controller: what it reports when a request vanished before the CPU asked which one it was.
const SPURIOUS: [u8; 2] = [7, 15];
/// Operation command word 3: the next read of the command port gives the in-service register.
const READ_IN_SERVICE: u8 = 0x0B;
/// Command ports, first and second controller.
const COMMAND: [u16; 2] = [0x20, 0xA0];

/// Both controllers, and which lines are masked.
struct Pic {
    pics: ChainedPics,
    masked: u16,
}

static PIC: KernelCell<Pic> = KernelCell::new(Pic {
    // SAFETY: vectors 32..48 are neither exceptions nor in other use, and only this module uses the controllers.
    pics: unsafe { ChainedPics::new_contiguous(FIRST_VECTOR) },
    masked: u16::MAX,
});

/// Sets both controllers up, all lines masked but the one that links them.
pub fn init() {
    PIC.with(|pic| {
        // SAFETY: interrupts are off while the kernel boots, so none arrives half-way; they come at vectors 32..48 afterwards.
        unsafe { pic.pics.initialize() };
        pic.set_masked(!(1 << CASCADE));
    });
}

/// Lets a line's interrupts through.
pub fn unmask(line: u8) {
    PIC.with(|pic| pic.set_masked(pic.masked & !(1 << line)));
}

/// Acknowledges the interrupt on `line`. `false` if it was spurious: there is nothing to handle.
pub fn acknowledge(line: u8) -> bool {
    PIC.with(|pic| {
        let is_spurious = SPURIOUS.contains(&line) && !is_in_service(line);
        // The first controller did report something if a spurious interrupt came through the second.
        let reported = match (is_spurious, line) {
            (false, line) => line,
            (true, 8..) => CASCADE,
            (true, _) => return false,
        };
        // SAFETY: the CPU has just taken the interrupt on this line, so the controller waits for exactly this.
        unsafe { pic.pics.notify_end_of_interrupt(FIRST_VECTOR + reported) };
        !is_spurious
    })
}

impl Pic {
    fn set_masked(&mut self, masked: u16) {
        self.masked = masked;
        let [first, second] = masked.to_le_bytes();
        // SAFETY: masking loses nothing, and each unmasked line has a driver by then.
        unsafe { self.pics.write_masks(first, second) };
    }
}

fn is_in_service(line: u8) -> bool {
    // SAFETY: only this module uses the controllers.
    let command = unsafe { Port::<u8>::new(COMMAND[usize::from(line / 8)]) };
    command.write(READ_IN_SERVICE);
    command.read() & (1 << (line % 8)) != 0
}
