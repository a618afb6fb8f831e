//! A line that is being typed: what each byte does to it, and what the terminal shows for that.
//!
//! Backspace takes back a character, Ctrl-U the line, Ctrl-D ends the input. Both ends of a line on a terminal (`\r`) and in a file that
//! is fed to it (`\n`, `\r\n`) count as Enter.

use arrayvec::ArrayVec;

/// The longest line that can be typed, without its end.
pub const LINE_MAX_BYTES: usize = 255;

const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7F;
const ESCAPE: u8 = 0x1B;
const KILL_LINE: u8 = 0x15;
pub(super) const INTERRUPT: u8 = 0x03;
const END_OF_INPUT: u8 = 0x04;

/// What the terminal shows for a byte of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// The byte itself.
    Byte(u8),
    /// The last so many characters disappear.
    Erase(usize),
    /// The line was given up.
    Interrupted,
    /// The cursor goes to a new line.
    NewLine,
    /// The line is full: the byte is lost.
    Bell,
}

/// The line so far; once it is finished, what of it was not handed over yet.
pub(super) struct Line {
    text: ArrayVec<u8, { LINE_MAX_BYTES + 1 }>,
    state: LineState,
    last_was_return: bool,
    escape: EscapeState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineState {
    /// It can still be corrected.
    Typing,
    /// It was ended by Enter: its last byte is a line feed.
    Finished,
    /// It was ended by Ctrl-D: what there is of it is handed over. If that is nothing, it is the end of the input.
    Ended,
}

/// Where we are in a key's escape sequence (ECMA-48, "Control sequences"); arrows and function keys edit nothing here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EscapeState {
    None,
    Started,
    Parameters,
}

impl Line {
    pub(super) const fn new() -> Self {
        Self {
            text: ArrayVec::new_const(),
            state: LineState::Typing,
            last_was_return: false,
            escape: EscapeState::None,
        }
    }

    /// More bytes are needed to finish it.
    pub(super) fn is_being_typed(&self) -> bool {
        self.state == LineState::Typing
    }

    /// Forgets what was typed of it.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.state = LineState::Typing;
    }

    /// Hands over as much of the finished line as fits, and returns how many bytes that is. Behind the last one a new line begins.
    pub(super) fn take(&mut self, into: &mut [u8]) -> usize {
        let count = into.len().min(self.text.len());
        into[..count].copy_from_slice(&self.text[..count]);
        self.text.drain(..count);
        if self.text.is_empty() {
            self.state = LineState::Typing;
        }
        count
    }

    /// Takes one byte into the line and says what to show for it.
    pub(super) fn edit(&mut self, byte: u8) -> Option<Echo> {
        let follows_return = core::mem::replace(&mut self.last_was_return, byte == b'\r');
        if self.swallow_escape(byte) {
            return None;
        }
        match byte {
            b'\n' if follows_return => None,
            b'\r' | b'\n' => Some(self.finish(Echo::NewLine)),
            END_OF_INPUT => {
                self.state = LineState::Ended;
                None
            }
            INTERRUPT => {
                self.text.clear();
                Some(self.finish(Echo::Interrupted))
            }
            BACKSPACE | DELETE => self.erase_character(),
            KILL_LINE => self.erase_line(),
            b'\t' | b' '..=b'~' | 0x80..=0xFF => Some(self.append(byte)),
            _ => None,
        }
    }

    fn swallow_escape(&mut self, byte: u8) -> bool {
        let (next, is_swallowed) = match (self.escape, byte) {
            (_, ESCAPE) => (EscapeState::Started, true),
            (EscapeState::Started, b'[' | b'O') => (EscapeState::Parameters, true),
            (EscapeState::Parameters, b' '..=b'?') => (EscapeState::Parameters, true),
            (EscapeState::Parameters, b'@'..=b'~') => (EscapeState::None, true),
            _ => (EscapeState::None, false),
        };
        self.escape = next;
        is_swallowed
    }

    fn append(&mut self, byte: u8) -> Echo {
        if self.text.len() < LINE_MAX_BYTES {
            self.text.push(byte);
            Echo::Byte(byte)
        } else {
            Echo::Bell
        }
    }

    fn finish(&mut self, echo: Echo) -> Echo {
        // A line is at most as long as leaves room for this.
        self.text.push(b'\n');
        self.state = LineState::Finished;
        echo
    }

    /// Takes back one character: in UTF-8, its continuation bytes (`0b10xx_xxxx`) and the byte they continue.
    fn erase_character(&mut self) -> Option<Echo> {
        let mut echo = None;
        while let Some(byte) = self.text.pop() {
            echo = Some(Echo::Erase(1));
            if !is_continuation(byte) {
                break;
            }
        }
        echo
    }

    fn erase_line(&mut self) -> Option<Echo> {
        let characters = self.text.iter().filter(|&&byte| !is_continuation(byte)).count();
        self.text.clear();
        (characters > 0).then_some(Echo::Erase(characters))
    }
}

const fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}
