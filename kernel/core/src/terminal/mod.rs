//! A terminal of 80 x 25 cells: bytes in, cells out. Where the cells go is the [`Screen`]'s business.
//!
//! It knows what programs commonly send: UTF-8 text (shown in code page 437, the character set of PC text mode), line feed,
//! return, tab and backspace, and of the escape sequences of ECMA-48 colours (SGR), cursor moves, and erasing. All other
//! sequences are swallowed.

mod code_page;
mod escape;
mod rows;

use code_page::Utf8Decoder;
use escape::{EscapeParser, Input};
pub use rows::{HISTORY_ROWS, Move, Rows};

/// Cells in a row.
pub const COLUMNS: usize = 80;
/// Rows on the screen.
pub const ROWS: usize = 25;
const TAB_COLUMNS: usize = 8;

/// Where a terminal's cells are shown.
pub trait Screen {
    /// Shows `cell` at this place.
    fn set(&mut self, row: usize, column: usize, cell: Cell);
    /// Moves all rows up by one: the first is gone, the last is filled with `blank`.
    fn scroll(&mut self, blank: Cell);
    /// Shows the cursor at this place.
    fn set_cursor(&mut self, row: usize, column: usize);
}

/// A character and its colours, as VGA text memory holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The character's number in code page 437.
    pub glyph: u8,
    /// Its colours.
    pub colors: Colors,
}

impl Cell {
    /// The cell in VGA text memory: glyph below, attribute above (IBM VGA, "alphanumeric modes").
    pub const fn raw(self) -> u16 {
        u16::from_le_bytes([self.glyph, self.colors.0])
    }
}

/// Foreground and background: a VGA attribute byte, `background << 4 | foreground`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colors(u8);

impl Colors {
    /// Light grey on black: what programs print.
    pub const NORMAL: Self = Self::new(7, 0);
    /// Light cyan on black: what the kernel says.
    pub const KERNEL: Self = Self::new(11, 0);

    /// A foreground of 0..16 on a background of 0..8 (the eighth bit would blink), as VGA numbers them.
    pub const fn new(foreground: u8, background: u8) -> Self {
        Self((background & 7) << 4 | foreground & 15)
    }

    const fn foreground(self) -> u8 {
        self.0 & 15
    }

    const fn background(self) -> u8 {
        self.0 >> 4
    }
}

/// The state between two writes: cursor, colours, and an unfinished character or escape sequence.
pub struct Terminal {
    row: usize,
    /// May be `COLUMNS`: the row is full, and the next character goes to the next row.
    column: usize,
    colors: Colors,
    utf8: Utf8Decoder,
    escape: EscapeParser,
}

impl Terminal {
    /// Cursor at the top left, normal colours.
    pub const fn new() -> Self {
        Self { row: 0, column: 0, colors: Colors::NORMAL, utf8: Utf8Decoder::new(), escape: EscapeParser::new() }
    }

    /// Empties the screen and puts the cursor at the top left.
    pub fn clear(&mut self, screen: &mut impl Screen) {
        self.erase(screen, (0, 0), (ROWS, 0));
        (self.row, self.column) = (0, 0);
        screen.set_cursor(0, 0);
    }

    /// Shows `bytes`.
    pub fn write(&mut self, screen: &mut impl Screen, bytes: &[u8]) {
        for &byte in bytes {
            match self.escape.feed(byte) {
                Input::Swallowed => {}
                Input::Text(byte) => self.text(screen, byte),
                Input::Sequence { last, parameters } => self.sequence(screen, last, parameters.as_slice()),
            }
        }
        screen.set_cursor(self.row, self.column.min(COLUMNS - 1));
    }

    /// Shows `bytes` in these colours, and goes on in the colours of before.
    pub fn write_colored(&mut self, screen: &mut impl Screen, colors: Colors, bytes: &[u8]) {
        let before = core::mem::replace(&mut self.colors, colors);
        self.write(screen, bytes);
        self.colors = before;
    }

    fn text(&mut self, screen: &mut impl Screen, byte: u8) {
        match byte {
            b'\n' => self.next_row(screen),
            b'\r' => self.column = 0,
            0x08 => self.column = self.column.min(COLUMNS - 1).saturating_sub(1),
            b'\t' => self.column = (self.column / TAB_COLUMNS * TAB_COLUMNS + TAB_COLUMNS).min(COLUMNS - 1),
            ..b' ' | 0x7F => {}
            _ => {
                if let Some(glyph) = self.utf8.feed(byte) {
                    self.show(screen, glyph);
                }
            }
        }
    }

    fn show(&mut self, screen: &mut impl Screen, glyph: u8) {
        if self.column == COLUMNS {
            self.next_row(screen);
        }
        screen.set(self.row, self.column, Cell { glyph, colors: self.colors });
        self.column += 1;
    }

    /// A line feed also returns: programs end their lines with it alone.
    fn next_row(&mut self, screen: &mut impl Screen) {
        self.column = 0;
        if self.row + 1 < ROWS {
            self.row += 1;
        } else {
            screen.scroll(self.blank());
        }
    }

    fn sequence(&mut self, screen: &mut impl Screen, last: u8, parameters: &[u16]) {
        let parameter = |index: usize| parameters.get(index).copied().unwrap_or(0);
        let count = usize::from(parameter(0).max(1));
        let column = self.column.min(COLUMNS - 1);
        match last {
            b'm' => self.set_colors(parameters),
            b'A' => self.row = self.row.saturating_sub(count),
            b'B' => self.row = (self.row + count).min(ROWS - 1),
            b'C' => self.column = (column + count).min(COLUMNS - 1),
            b'D' => self.column = column.saturating_sub(count),
            b'G' => self.column = count.min(COLUMNS) - 1,
            b'H' | b'f' => {
                self.row = count.min(ROWS) - 1;
                self.column = usize::from(parameter(1).max(1)).min(COLUMNS) - 1;
            }
            b'J' | b'K' => self.erase_part(screen, last, parameter(0)),
            _ => {}
        }
    }

    /// Erases from the cursor (0), to the cursor (1), or all (2) of the screen (`J`) or the row (`K`).
    fn erase_part(&mut self, screen: &mut impl Screen, last: u8, part: u16) {
        let (first, end) = if last == b'J' { (0, ROWS) } else { (self.row, self.row + 1) };
        let column = self.column.min(COLUMNS - 1);
        match part {
            0 => self.erase(screen, (self.row, column), (end, 0)),
            1 => self.erase(screen, (first, 0), (self.row, column + 1)),
            2 => self.erase(screen, (first, 0), (end, 0)),
            _ => {}
        }
    }

    /// Blanks all cells from `(row, column)` up to but without `end`, in reading order.
    fn erase(&self, screen: &mut impl Screen, start: (usize, usize), end: (usize, usize)) {
        for index in start.0 * COLUMNS + start.1..end.0 * COLUMNS + end.1 {
            screen.set(index / COLUMNS, index % COLUMNS, self.blank());
        }
    }

    const fn blank(&self) -> Cell {
        Cell { glyph: b' ', colors: self.colors }
    }

    /// Select Graphic Rendition. Its colours count red, green, blue from the lowest bit; VGA's blue, green, red.
    fn set_colors(&mut self, parameters: &[u16]) {
        const VGA: [u8; 8] = [0, 4, 2, 6, 1, 5, 3, 7];
        for &parameter in if parameters.is_empty() { &[0] } else { parameters } {
            let color = VGA[usize::from(parameter % 10) % 8];
            let (foreground, background) = (self.colors.foreground(), self.colors.background());
            self.colors = match parameter {
                0 => Colors::NORMAL,
                1 => Colors::new(foreground | 8, background),
                7 => Colors::new(background, foreground),
                22 => Colors::new(foreground & 7, background),
                30..=37 => Colors::new(foreground & 8 | color, background),
                39 => Colors::new(Colors::NORMAL.foreground(), background),
                40..=47 => Colors::new(foreground, color),
                49 => Colors::new(foreground, Colors::NORMAL.background()),
                90..=97 => Colors::new(8 | color, background),
                _ => self.colors,
            };
        }
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
