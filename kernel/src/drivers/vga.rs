//! The VGA screen in text mode, 80 x 25 (IBM VGA, "alphanumeric modes"; the registers in "CRT controller").
//!
//! ```text
//! text memory, 32 KiB:   row 0 | row 1 | ... | row 203
//!                                ^ the screen shows 25 rows from the start address on
//! ```
//!
//! Scrolling moves the start address; the rows themselves are moved only when the memory ends, every 130 rows or so. In an
//! emulator each access to text memory costs as much as a port access, so moving 24 rows for each line of output would cost
//! more than all else that the console does. And the rows before the start address can be shown again.

use abi::layout::KERNEL_START;
use kcore::terminal::{COLUMNS, Cell, Move, ROWS, Rows, Screen};

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
    rows: Rows,
    /// The row of text memory that is the first on the screen.
    first_shown: Option<usize>,
    shown_cursor: Option<usize>,
}

impl VgaScreen {
    /// The screen, shown from the start of text memory once the cursor is first set.
    pub const fn new() -> Self {
        // SAFETY: only this module uses the CRT controller, and a VGA masters no bus.
        let crtc = unsafe { Port::new(CRTC) };
        Self { crtc, rows: Rows::new(MEMORY_ROWS), first_shown: None, shown_cursor: None }
    }

    /// Writes a pair of registers, of which `high_index` names the first.
    fn set_address(&self, high_index: u8, address: usize) {
        let [low, high, ..] = address.to_le_bytes();
        self.crtc.write(u16::from_le_bytes([high_index, high]));
        self.crtc.write(u16::from_le_bytes([high_index + 1, low]));
    }

    /// Shows what has left the screen, until something is written.
    pub fn look_back(&mut self) {
        self.rows.look_back();
        self.show();
    }

    /// Shows what came behind that.
    pub fn look_on(&mut self) {
        self.rows.look_on();
        self.show();
    }

    fn show(&mut self) {
        let first = self.rows.first_shown();
        if self.first_shown.replace(first) != Some(first) {
            self.set_address(START_ADDRESS_HIGH, first * COLUMNS);
        }
    }
}

impl Screen for VgaScreen {
    fn set(&mut self, row: usize, column: usize, cell: Cell) {
        store((self.rows.origin() + row) * COLUMNS + column, cell.raw());
    }

    fn scroll(&mut self, blank: Cell) {
        if let Some(Move { from, count }) = self.rows.scroll() {
            (0..count * COLUMNS).for_each(|index| store(index, load(from * COLUMNS + index)));
        }
        for column in 0..COLUMNS {
            self.set(ROWS - 1, column, blank);
        }
    }

    fn set_cursor(&mut self, row: usize, column: usize) {
        self.rows.look_at_end();
        self.show();
        let cursor = (self.rows.origin() + row) * COLUMNS + column;
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
