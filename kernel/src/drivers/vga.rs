//! The VGA screen in text mode, 80 x 25 (IBM VGA, "alphanumeric modes"; the registers in "CRT controller").
//!
//! ```text
//! text memory, 32 KiB:   row 0 | row 1 | ... | row 203
//!                                ^ the screen shows 25 rows from the start address on
//! ```
//!
//! Scrolling moves the start address; the rows themselves are moved only when the memory ends, every 179 rows. In an
//! emulator each access to text memory costs as much as a port access, so moving 24 rows for each line of output would cost
//! more than all else that the console does.

use abi::layout::KERNEL_START;
use kcore::terminal::{COLUMNS, Cell, ROWS, Screen};

use super::port::Port;

/// Text memory, in the kernel's direct map.
const TEXT_MEMORY: *mut u16 = (KERNEL_START + 0x000B_8000) as *mut u16;
/// Whole rows in its 32 KiB.
const MEMORY_ROWS: usize = 0x8000 / (COLUMNS * size_of::<u16>());

/// The CRT controller's index register; its data register follows, so one word sets both.
const CRTC: u16 = 0x3D4;
const START_ADDRESS_HIGH: u8 = 0x0C;
const CURSOR_HIGH: u8 = 0x0E;

/// The screen of a VGA, or nothing at all on a machine without one: what is written to it is then lost.
pub struct VgaScreen {
    crtc: Port<u16>,
    /// The row of text memory that is the first on the screen.
    origin: usize,
    shown_origin: Option<usize>,
    shown_cursor: Option<usize>,
}

impl VgaScreen {
    /// The screen, shown from the start of text memory once the cursor is first set.
    pub const fn new() -> Self {
        // SAFETY: only this module uses the CRT controller, and a VGA masters no bus.
        let crtc = unsafe { Port::new(CRTC) };
        Self { crtc, origin: 0, shown_origin: None, shown_cursor: None }
    }

    /// Writes a pair of registers, of which `high_index` names the first.
    fn set_address(&self, high_index: u8, address: usize) {
        let [low, high, ..] = address.to_le_bytes();
        self.crtc.write(u16::from_le_bytes([high_index, high]));
        self.crtc.write(u16::from_le_bytes([high_index + 1, low]));
    }

    /// Moves the rows that stay on the screen to the start of text memory.
    fn rewind(&mut self) {
        let first_kept = (self.origin + 1) * COLUMNS;
        for index in 0..(ROWS - 1) * COLUMNS {
            store(index, load(first_kept + index));
        }
        self.origin = 0;
    }
}

impl Screen for VgaScreen {
    fn set(&mut self, row: usize, column: usize, cell: Cell) {
        store((self.origin + row) * COLUMNS + column, cell.raw());
    }

    fn scroll(&mut self, blank: Cell) {
        if self.origin + ROWS < MEMORY_ROWS {
            self.origin += 1;
        } else {
            self.rewind();
        }
        for column in 0..COLUMNS {
            self.set(ROWS - 1, column, blank);
        }
    }

    fn set_cursor(&mut self, row: usize, column: usize) {
        if self.shown_origin.replace(self.origin) != Some(self.origin) {
            self.set_address(START_ADDRESS_HIGH, self.origin * COLUMNS);
        }
        let cursor = (self.origin + row) * COLUMNS + column;
        if self.shown_cursor.replace(cursor) != Some(cursor) {
            self.set_address(CURSOR_HIGH, cursor);
        }
    }
}

/// # Panics
/// If the cell is outside text memory.
fn cell(index: usize) -> *mut u16 {
    assert!(index < MEMORY_ROWS * COLUMNS, "cell {index} is outside text memory");
    TEXT_MEMORY.wrapping_add(index)
}

fn store(index: usize, raw: u16) {
    // SAFETY: `cell` lies in the 32 KiB of text memory, which the kernel maps from its first instruction on, and which
    // holds no Rust value: only this module goes there.
    unsafe { cell(index).write_volatile(raw) }
}

fn load(index: usize) -> u16 {
    // SAFETY: as in `store`; any bits are a valid u16.
    unsafe { cell(index).read_volatile() }
}
