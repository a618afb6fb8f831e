//! The line discipline: what is typed becomes lines that can be corrected before they are read.
//!
//! Backspace takes back a character, Ctrl-U the line, Ctrl-D ends the input. Both ends of a line on a terminal (`\r`) and
//! in a file that is fed to it (`\n`, `\r\n`) count as Enter.

use arrayvec::ArrayVec;

/// The longest line that can be typed, without its end.
pub const LINE_MAX_BYTES: usize = 255;

/// How many bytes of finished lines are kept for readers.
pub const READY_MAX_BYTES: usize = 4096;

const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7F;
const ESCAPE: u8 = 0x1B;
const KILL_LINE: u8 = 0x15;

/// Ctrl-D. Kept among the ready bytes as the mark "input ends here", which no line can contain.
const END_OF_INPUT: u8 = 0x04;

/// What the terminal shows for a typed byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// Nothing changes on the screen.
    Nothing,
    /// The byte itself.
    Byte(u8),
    /// The last so many characters disappear.
    Erase(usize),
    /// The cursor goes to a new line; a reader may be waiting for what is now ready.
    LineReady,
    /// Input has ended; a reader may be waiting for that.
    InputEnded,
    /// There was no room: the byte is lost.
    Bell,
}

/// Lines being typed and lines waiting to be read.
pub struct LineDiscipline {
    line: ArrayVec<u8, LINE_MAX_BYTES>,
    ready: Ring<READY_MAX_BYTES>,
    last_was_return: bool,
    escape: EscapeState,
    dropped_bytes: u32,
}

/// Where we are in a key's escape sequence (ECMA-48, "Control sequences"); arrows and function keys edit nothing here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EscapeState {
    None,
    Started,
    Parameters,
}

impl LineDiscipline {
    /// Nothing typed, nothing to read.
    pub const fn new() -> Self {
        Self {
            line: ArrayVec::new_const(),
            ready: Ring::new(),
            last_was_return: false,
            escape: EscapeState::None,
            dropped_bytes: 0,
        }
    }

    /// Takes one typed byte and says what to show for it.
    pub fn typed(&mut self, byte: u8) -> Echo {
        let follows_return = core::mem::replace(&mut self.last_was_return, byte == b'\r');
        if self.swallow_escape(byte) {
            return Echo::Nothing;
        }
        match byte {
            b'\n' if follows_return => Echo::Nothing,
            b'\r' | b'\n' => self.finish(b'\n', Echo::LineReady),
            END_OF_INPUT => self.finish(END_OF_INPUT, Echo::InputEnded),
            BACKSPACE | DELETE => self.erase_character(),
            KILL_LINE => self.erase_line(),
            b'\t' | b' '..=b'~' | 0x80..=0xFF => self.append(byte),
            _ => Echo::Nothing,
        }
    }

    /// Takes at most one line, its `\n` included, or as much of it as fits into `into`.
    ///
    /// `None` if nothing is ready; `Some(0)` at the end of the input.
    pub fn read(&mut self, into: &mut [u8]) -> Option<usize> {
        if !self.is_ready() {
            return None;
        }
        let mut count = 0;
        while let Some(place) = into.get_mut(count) {
            match self.ready.pop() {
                None | Some(END_OF_INPUT) => return Some(count),
                Some(byte) => *place = byte,
            }
            count += 1;
            if into.get(count - 1) == Some(&b'\n') {
                return Some(count);
            }
        }
        // The line filled the buffer to the last byte: the mark behind it is not a second end of input.
        if count > 0 && self.ready.peek() == Some(END_OF_INPUT) {
            self.ready.pop();
        }
        Some(count)
    }

    /// Whether [`read`](Self::read) would find something.
    pub const fn is_ready(&self) -> bool {
        self.ready.len > 0
    }

    /// How many bytes can be typed until lines are lost because nobody reads them.
    pub const fn room(&self) -> usize {
        self.ready.room().saturating_sub(self.line.len())
    }

    /// How many typed bytes were lost because there was no room for them.
    pub const fn dropped_bytes(&self) -> u32 {
        self.dropped_bytes
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
        match self.line.try_push(byte) {
            Ok(()) => Echo::Byte(byte),
            Err(_) => self.drop_byte(),
        }
    }

    /// Hands the line over, closed by `end`. Without room for all of it, it stays as it is, still to be finished.
    fn finish(&mut self, end: u8, echo: Echo) -> Echo {
        if self.ready.room() <= self.line.len() {
            return self.drop_byte();
        }
        for byte in self.line.drain(..) {
            self.ready.push(byte);
        }
        self.ready.push(end);
        echo
    }

    /// Takes back one character: in UTF-8, its continuation bytes (`0b10xx_xxxx`) and the byte they continue.
    fn erase_character(&mut self) -> Echo {
        let mut echo = Echo::Nothing;
        while let Some(byte) = self.line.pop() {
            echo = Echo::Erase(1);
            if !is_continuation(byte) {
                break;
            }
        }
        echo
    }

    fn erase_line(&mut self) -> Echo {
        let characters = self.line.iter().filter(|&&byte| !is_continuation(byte)).count();
        self.line.clear();
        Echo::Erase(characters)
    }

    const fn drop_byte(&mut self) -> Echo {
        self.dropped_bytes = self.dropped_bytes.saturating_add(1);
        Echo::Bell
    }
}

impl Default for LineDiscipline {
    fn default() -> Self {
        Self::new()
    }
}

const fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// A first-in, first-out buffer of bytes.
struct Ring<const N: usize> {
    bytes: [u8; N],
    first: usize,
    len: usize,
}

impl<const N: usize> Ring<N> {
    const fn new() -> Self {
        Self { bytes: [0; N], first: 0, len: 0 }
    }

    const fn room(&self) -> usize {
        N - self.len
    }

    /// The caller has checked that there is [`room`](Self::room).
    fn push(&mut self, byte: u8) {
        self.bytes[(self.first + self.len) % N] = byte;
        self.len += 1;
    }

    fn peek(&self) -> Option<u8> {
        (self.len > 0).then(|| self.bytes[self.first])
    }

    fn pop(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.first = (self.first + 1) % N;
        self.len -= 1;
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::{Echo, LINE_MAX_BYTES, LineDiscipline, READY_MAX_BYTES};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    fn typing(text: &[u8]) -> LineDiscipline {
        let mut lines = LineDiscipline::new();
        for &byte in text {
            lines.typed(byte);
        }
        lines
    }

    fn next_line(lines: &mut LineDiscipline) -> Option<Vec<u8>> {
        let mut buffer = [0; 300];
        lines.read(&mut buffer).map(|count| buffer[..count].to_vec())
    }

    #[test]
    fn a_line_is_read_only_once_it_is_finished() {
        let mut lines = typing(b"ls");
        assert_eq!(next_line(&mut lines), None);
        assert_eq!(lines.typed(b'\r'), Echo::LineReady);
        assert_eq!(next_line(&mut lines), Some(b"ls\n".to_vec()));
        assert_eq!(next_line(&mut lines), None);
    }

    #[test]
    fn each_read_gives_at_most_one_line() {
        let mut lines = typing(b"one\ntwo\r\nthree\r");
        assert_eq!(next_line(&mut lines), Some(b"one\n".to_vec()));
        assert_eq!(next_line(&mut lines), Some(b"two\n".to_vec()));
        assert_eq!(next_line(&mut lines), Some(b"three\n".to_vec()));
        assert_eq!(next_line(&mut lines), None);
    }

    #[test]
    fn a_short_buffer_gets_the_line_in_pieces() {
        let mut lines = typing(b"abcde\n");
        let mut buffer = [0; 4];
        assert_eq!((lines.read(&mut buffer), &buffer), (Some(4), b"abcd"));
        assert_eq!((lines.read(&mut buffer), &buffer[..2]), (Some(2), &b"e\n"[..]));
        assert_eq!(lines.read(&mut buffer), None);
    }

    #[test]
    fn backspace_takes_back_a_whole_character_and_stops_at_the_start() {
        let mut lines = typing("aé".as_bytes());
        assert_eq!(lines.typed(0x7F), Echo::Erase(1));
        assert_eq!(lines.typed(0x08), Echo::Erase(1));
        assert_eq!(lines.typed(0x08), Echo::Nothing);
        lines.typed(b'\n');
        assert_eq!(next_line(&mut lines), Some(b"\n".to_vec()));
    }

    #[test]
    fn control_u_takes_back_the_line_but_no_finished_one() {
        let mut lines = typing("kept\nnäh".as_bytes());
        assert_eq!(lines.typed(0x15), Echo::Erase(3));
        lines.typed(b'\n');
        assert_eq!(next_line(&mut lines), Some(b"kept\n".to_vec()));
        assert_eq!(next_line(&mut lines), Some(b"\n".to_vec()));
    }

    #[test]
    fn control_d_ends_the_input_once() {
        let mut lines = typing(b"abc\x04");
        let mut buffer = [0; 3];
        assert_eq!(lines.read(&mut buffer), Some(3));
        assert_eq!(lines.read(&mut buffer), None);
        assert_eq!(lines.typed(0x04), Echo::InputEnded);
        assert_eq!(lines.read(&mut buffer), Some(0));
        assert_eq!(lines.read(&mut buffer), None);
    }

    #[test]
    fn arrow_keys_leave_nothing_in_the_line() {
        let mut lines = typing(b"a\x1b[Ab\x1bOP\x1b[15~c\n");
        assert_eq!(next_line(&mut lines), Some(b"abc\n".to_vec()));
    }

    #[test]
    fn a_full_line_drops_what_is_typed_last_and_counts_it() {
        let mut lines = typing(&[b'x'; LINE_MAX_BYTES]);
        assert_eq!(lines.typed(b'y'), Echo::Bell);
        assert_eq!(lines.dropped_bytes(), 1);
        assert_eq!(lines.typed(b'\n'), Echo::LineReady);
        assert_eq!(next_line(&mut lines).unwrap().len(), LINE_MAX_BYTES + 1);
    }

    #[test]
    fn without_a_reader_the_newest_line_waits_unfinished() {
        let mut lines = LineDiscipline::new();
        let mut finished = 0;
        while {
            for _ in 0..200 {
                lines.typed(b'x');
            }
            lines.typed(b'\n') == Echo::LineReady
        } {
            finished += 1;
        }
        assert_eq!(finished, READY_MAX_BYTES / 201);
        assert_eq!(lines.dropped_bytes(), 1);
        assert_eq!(next_line(&mut lines).unwrap().len(), 201);
        assert_eq!(lines.typed(b'\n'), Echo::LineReady);
    }

    #[test]
    fn who_heeds_the_room_loses_no_line() {
        let mut lines = LineDiscipline::new();
        let mut typed = 0;
        while lines.room() > 0 {
            lines.typed(if typed % 100 == 99 { b'\n' } else { b'x' });
            typed += 1;
        }
        assert_eq!((typed, lines.dropped_bytes()), (READY_MAX_BYTES, 0));
        next_line(&mut lines);
        assert_eq!(lines.room(), 100);
    }

    proptest! {
        #[test]
        fn whatever_is_typed_each_read_is_one_bounded_line(text in proptest::collection::vec(any::<u8>(), 0..6000)) {
            let mut lines = typing(&text);
            let mut total = 0;
            while let Some(line) = next_line(&mut lines) {
                prop_assert!(line.len() <= LINE_MAX_BYTES + 1);
                prop_assert!(!line[..line.len().saturating_sub(1)].contains(&b'\n'));
                total += line.len();
            }
            prop_assert!(total <= READY_MAX_BYTES);
            prop_assert_eq!(lines.is_ready(), false);
        }
    }
}
