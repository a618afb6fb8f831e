//! What is typed at the console, and how it is read: by lines or by keys.
//!
//! ```text
//! serial port, keyboard -> typed bytes -> a reader of keys:  the bytes as they are
//!                                      -> a reader of lines: shown, corrected, and handed over at Enter
//! ```
//!
//! What is typed while nobody reads waits, and is neither shown nor understood before: so whoever reads next decides what it is, and
//! a line appears behind its prompt even if it was typed ahead. Ctrl-C alone is looked at when it arrives.
//!
//! In a line, Backspace takes back a character, Ctrl-U the line, Ctrl-D ends the input. Both ends of a line on a terminal
//! (`\r`) and in a file that is fed to it (`\n`, `\r\n`) count as Enter.

use arrayvec::ArrayVec;

/// The longest line that can be typed, without its end.
pub const LINE_MAX_BYTES: usize = 255;

/// How many bytes can be typed ahead.
pub const TYPED_MAX_BYTES: usize = 4096;

const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7F;
const ESCAPE: u8 = 0x1B;
const KILL_LINE: u8 = 0x15;
const INTERRUPT: u8 = 0x03;
const END_OF_INPUT: u8 = 0x04;

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

/// Typed bytes that wait for a reader, and the line that one is typing.
pub struct Input {
    typed: Ring<TYPED_MAX_BYTES>,
    /// The line so far; once it is finished, what of it was not handed over yet.
    line: ArrayVec<u8, { LINE_MAX_BYTES + 1 }>,
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
    /// It was ended by Ctrl-D: what there is of it is handed over, and then the end, unless it was not empty.
    Ended,
}

/// Where we are in a key's escape sequence (ECMA-48, "Control sequences"); arrows and function keys edit nothing here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EscapeState {
    None,
    Started,
    Parameters,
}

impl Input {
    /// Nothing was typed.
    pub const fn new() -> Self {
        Self {
            typed: Ring::new(),
            line: ArrayVec::new_const(),
            state: LineState::Typing,
            last_was_return: false,
            escape: EscapeState::None,
        }
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
        (0..self.typed.len).any(|place| self.typed.bytes[(self.typed.first + place) % TYPED_MAX_BYTES] == INTERRUPT)
    }

    /// A Ctrl-C has ended somebody: it is no reader's, nor is what was typed before it.
    pub fn interrupted(&mut self) {
        self.typed.clear();
        self.line.clear();
        self.state = LineState::Typing;
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

    /// Takes at most one line, its `\n` included, or as much of it as fits into `into`, and says what to show meanwhile.
    ///
    /// `None` if no line is finished yet; `Some(0)` at the end of the input.
    pub fn read_line(&mut self, into: &mut [u8], mut show: impl FnMut(Echo)) -> Option<usize> {
        while self.state == LineState::Typing {
            let byte = self.typed.pop()?;
            if let Some(echo) = self.edit(byte) {
                show(echo);
            }
        }
        let count = into.len().min(self.line.len());
        into[..count].copy_from_slice(&self.line[..count]);
        self.line.drain(..count);
        if self.line.is_empty() {
            self.state = LineState::Typing;
        }
        Some(count)
    }

    /// Takes one byte into the line and says what to show for it.
    fn edit(&mut self, byte: u8) -> Option<Echo> {
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
                self.line.clear();
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
        if self.line.len() < LINE_MAX_BYTES {
            self.line.push(byte);
            Echo::Byte(byte)
        } else {
            Echo::Bell
        }
    }

    fn finish(&mut self, echo: Echo) -> Echo {
        // A line is at most as long as leaves room for this.
        self.line.push(b'\n');
        self.state = LineState::Finished;
        echo
    }

    /// Takes back one character: in UTF-8, its continuation bytes (`0b10xx_xxxx`) and the byte they continue.
    fn erase_character(&mut self) -> Option<Echo> {
        let mut echo = None;
        while let Some(byte) = self.line.pop() {
            echo = Some(Echo::Erase(1));
            if !is_continuation(byte) {
                break;
            }
        }
        echo
    }

    fn erase_line(&mut self) -> Option<Echo> {
        let characters = self.line.iter().filter(|&&byte| !is_continuation(byte)).count();
        self.line.clear();
        (characters > 0).then_some(Echo::Erase(characters))
    }
}

impl Default for Input {
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

    const fn clear(&mut self) {
        self.len = 0;
    }

    fn pop(&mut self) -> Option<u8> {
        let byte = (self.len > 0).then(|| self.bytes[self.first])?;
        self.first = (self.first + 1) % N;
        self.len -= 1;
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrival, Echo, Input, LINE_MAX_BYTES, TYPED_MAX_BYTES};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    fn typing(text: &[u8]) -> Input {
        let mut input = Input::new();
        for &byte in text {
            input.arrive(byte);
        }
        input
    }

    fn next_line(input: &mut Input) -> Option<Vec<u8>> {
        let mut buffer = [0; 300];
        input.read_line(&mut buffer, |_| {}).map(|count| buffer[..count].to_vec())
    }

    /// What is shown while a line is read.
    fn shown(input: &mut Input) -> Vec<Echo> {
        let mut shown = Vec::new();
        input.read_line(&mut [0; 300], |echo| shown.push(echo));
        shown
    }

    #[test]
    fn a_line_is_read_only_once_it_is_finished_and_shown_once_it_is_read() {
        let mut input = typing(b"ls");
        assert_eq!(shown(&mut input), [Echo::Byte(b'l'), Echo::Byte(b's')]);
        assert_eq!(next_line(&mut input), None);
        assert_eq!(input.arrive(b'\r'), Arrival::Typed);
        assert_eq!(next_line(&mut input), Some(b"ls\n".to_vec()));
        assert_eq!(next_line(&mut input), None);
    }

    #[test]
    fn each_read_gives_at_most_one_line() {
        let mut input = typing(b"one\ntwo\r\nthree\r");
        for line in [b"one\n".as_slice(), b"two\n", b"three\n"] {
            assert_eq!(next_line(&mut input), Some(line.to_vec()));
        }
        assert_eq!(next_line(&mut input), None);
    }

    #[test]
    fn a_short_buffer_gets_the_line_in_pieces() {
        let mut input = typing(b"abcde\nf\n");
        let mut buffer = [0; 4];
        assert_eq!((input.read_line(&mut buffer, |_| {}), &buffer), (Some(4), b"abcd"));
        assert_eq!((input.read_line(&mut buffer, |_| {}), &buffer[..2]), (Some(2), &b"e\n"[..]));
        assert_eq!((input.read_line(&mut buffer, |_| {}), &buffer[..2]), (Some(2), &b"f\n"[..]));
        assert_eq!(input.read_line(&mut buffer, |_| {}), None);
    }

    #[test]
    fn backspace_takes_back_a_whole_character_and_stops_at_the_start() {
        let mut input = typing("aé\x7f\x08\x08\n".as_bytes());
        let [a, first, second] = [b'a', 0xC3, 0xA9].map(Echo::Byte);
        assert_eq!(shown(&mut input), [a, first, second, Echo::Erase(1), Echo::Erase(1), Echo::NewLine]);
    }

    #[test]
    fn control_u_takes_back_the_line_but_no_finished_one() {
        let mut input = typing("kept\nnäh\x15\n".as_bytes());
        assert_eq!(next_line(&mut input), Some(b"kept\n".to_vec()));
        assert_eq!(shown(&mut input).iter().filter(|echo| **echo == Echo::Erase(3)).count(), 1);
        assert_eq!(next_line(&mut input), None);
    }

    #[test]
    fn control_d_ends_the_input_once_and_hands_over_what_there_is() {
        let mut input = typing(b"abc\x04\x04x\n");
        let mut buffer = [0; 3];
        assert_eq!(input.read_line(&mut buffer, |_| {}), Some(3));
        assert_eq!(input.read_line(&mut buffer, |_| {}), Some(0));
        assert_eq!(next_line(&mut input), Some(b"x\n".to_vec()));
        assert_eq!(next_line(&mut input), None);
    }

    #[test]
    fn control_c_gives_up_the_line_or_ends_somebody() {
        let mut input = typing(b"rm notes");
        assert!(!input.has_interrupt());
        assert_eq!(input.arrive(3), Arrival::Interrupt);
        assert!(input.has_interrupt());
        assert_eq!(shown(&mut input).last(), Some(&Echo::Interrupted));
        assert_eq!(next_line(&mut input), None);
        let mut input = typing(b"one\ntwo");
        assert_eq!(next_line(&mut input), Some(b"one\n".to_vec()));
        assert_eq!(next_line(&mut input), None);
        input.arrive(3);
        input.interrupted();
        assert!(!input.has_interrupt());
        input.arrive(b'\n');
        assert_eq!(next_line(&mut input), Some(b"\n".to_vec()));
    }

    #[test]
    fn arrow_keys_leave_nothing_in_the_line() {
        let mut input = typing(b"a\x1b[Ab\x1bOP\x1b[15~c\n");
        assert_eq!(next_line(&mut input), Some(b"abc\n".to_vec()));
    }

    #[test]
    fn keys_come_as_they_are() {
        let mut input = typing(b"a\x1b[A\x7f\r\x04");
        let mut buffer = [0; 5];
        assert_eq!((input.read_keys(&mut buffer), &buffer), (Some(5), b"a\x1b[A\x7f"));
        assert_eq!((input.read_keys(&mut buffer), &buffer[..2]), (Some(2), &b"\r\x04"[..]));
        assert_eq!(input.read_keys(&mut buffer), None);
        assert_eq!(input.read_keys(&mut []), Some(0));
    }

    #[test]
    fn a_full_line_drops_what_is_typed_last() {
        let mut input = typing(&[b'x'; LINE_MAX_BYTES]);
        input.arrive(b'y');
        input.arrive(b'\n');
        let shown = shown(&mut input);
        assert_eq!(shown[LINE_MAX_BYTES..], [Echo::Bell, Echo::NewLine]);
    }

    #[test]
    fn who_heeds_the_room_loses_nothing() {
        let mut input = Input::new();
        let mut typed = 0;
        while input.room() > 0 {
            assert_eq!(input.arrive(if typed % 100 == 99 { b'\n' } else { b'x' }), Arrival::Typed);
            typed += 1;
        }
        assert_eq!((typed, input.arrive(b'x')), (TYPED_MAX_BYTES, Arrival::Lost));
        next_line(&mut input);
        assert_eq!(input.room(), 100);
    }

    proptest! {
        #[test]
        fn whatever_is_typed_each_read_is_one_bounded_line(text in proptest::collection::vec(any::<u8>(), 0..6000)) {
            let mut input = typing(&text);
            let mut total = 0;
            while let Some(line) = next_line(&mut input) {
                prop_assert!(line.len() <= LINE_MAX_BYTES + 1);
                prop_assert!(!line[..line.len().saturating_sub(1)].contains(&b'\n'));
                total += line.len();
            }
            prop_assert!(total <= TYPED_MAX_BYTES);
            prop_assert_eq!(input.room(), TYPED_MAX_BYTES);
        }

        /// Readers of lines and of keys by turns: what is read is what was typed, in order, if nothing is corrected.
        #[test]
        fn nothing_is_lost_between_readers(text in "[a-z\n]{0,400}", turns in proptest::collection::vec((any::<bool>(), 1usize..20), 0..200)) {
            let mut input = typing(text.as_bytes());
            let mut read = Vec::new();
            for (keys, len) in turns.into_iter().chain([(true, 400)]) {
                let mut buffer = vec![0; len];
                let is_between_lines = read.last().is_none_or(|&byte| byte == b'\n');
                // Keys in the midst of a line that somebody is reading are another matter: they are that reader's.
                let count = if keys && is_between_lines {
                    input.read_keys(&mut buffer)
                } else {
                    input.read_line(&mut buffer, |_| {})
                };
                read.extend_from_slice(&buffer[..count.unwrap_or(0)]);
            }
            prop_assert!(text.as_bytes().starts_with(&read));
        }
    }
}
