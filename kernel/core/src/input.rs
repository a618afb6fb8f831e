//! What is typed at the console, and how it is read: by lines or by keys.
//!
//! ```text
//! serial port, keyboard -> typed bytes -> a reader of keys:  the bytes as they are
//!                          (ring.rs)   -> a reader of lines: shown, corrected, and handed over at Enter (line.rs)
//! ```
//!
//! What is typed while nobody reads waits, and is neither shown nor understood before: so whoever reads next decides what it is, and
//! a line appears behind its prompt even if it was typed ahead. Ctrl-C alone is looked at when it arrives.

mod line;
mod ring;
#[cfg(test)]
mod tests;

pub use line::{Echo, LINE_MAX_BYTES};

use line::{INTERRUPT, Line};
use ring::Ring;

/// How many bytes can be typed ahead.
pub const TYPED_MAX_BYTES: usize = 4096;

/// What a byte is when it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Something for a reader.
    Typed,
    /// Ctrl-C, if whoever it is for is there; see [`Input::interrupted`].
    Interrupt,
    /// There was no room: the byte is lost.
    Lost,
}

/// Typed bytes that wait for a reader, and the line that one is typing.
pub struct Input {
    typed: Ring<TYPED_MAX_BYTES>,
    line: Line,
}

impl Input {
    /// Nothing was typed.
    pub const fn new() -> Self {
        Self { typed: Ring::new(), line: Line::new() }
    }

    /// Takes one byte from keyboard or serial port.
    pub fn arrive(&mut self, byte: u8) -> Arrival {
        if self.typed.room() == 0 {
            return Arrival::Lost;
        }
        self.typed.push(byte);
        if byte == INTERRUPT { Arrival::Interrupt } else { Arrival::Typed }
    }

    /// A Ctrl-C waits for a reader: when it arrived there was nobody to end.
    pub fn has_interrupt(&self) -> bool {
        self.typed.contains(INTERRUPT)
    }

    /// A Ctrl-C has ended somebody: it is no reader's, nor is what was typed before it.
    pub fn interrupted(&mut self) {
        self.typed.clear();
        self.line.clear();
    }

    /// How many bytes can arrive until some are lost because nobody reads.
    pub const fn room(&self) -> usize {
        self.typed.room()
    }

    /// Takes the keys that were pressed, as many as fit; `None` if there are none.
    pub fn read_keys(&mut self, into: &mut [u8]) -> Option<usize> {
        let mut count = 0;
        while let Some(place) = into.get_mut(count)
            && let Some(byte) = self.typed.pop()
        {
            *place = byte;
            count += 1;
        }
        (count > 0 || into.is_empty()).then_some(count)
    }

    /// Takes at most one line, its `\n` included, or as much of it as fits into `into`, and says what to show meanwhile. Returns how
    /// many bytes that is.
    ///
    /// `None` if no line is finished yet; `Some(0)` at the end of the input.
    pub fn read_line(&mut self, into: &mut [u8], mut show: impl FnMut(Echo)) -> Option<usize> {
        while self.line.is_being_typed() {
            let byte = self.typed.pop()?;
            if let Some(echo) = self.line.edit(byte) {
                show(echo);
            }
        }
        Some(self.line.take(into))
    }
}

impl Default for Input {
    fn default() -> Self {
        Self::new()
    }
}
