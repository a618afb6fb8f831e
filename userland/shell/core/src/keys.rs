//! Keys, from the bytes that a terminal sends (ECMA-48; those of the DEC VT100 and VT220).

use alloc::string::String;

/// What was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Character(char),
    /// Ctrl with this letter.
    Control(u8),
    /// Enter.
    Enter,
    /// The character before the cursor is to go.
    Backspace,
    /// The character at the cursor is to go.
    Delete,
    /// Arrows.
    Up,
    /// Arrows.
    Down,
    /// Arrows.
    Left,
    /// Arrows.
    Right,
    /// The start of the line.
    Home,
    /// The end of the line.
    End,
}

/// Bytes that are no key yet.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    state: State,
    last_was_return: bool,
}

#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    Plain,
    /// Of a character in UTF-8.
    Character { bytes: [u8; 4], len: usize },
    /// `ESC`
    Escape,
    /// `ESC [` or `ESC O`, and what followed.
    Sequence(String),
}

impl Decoder {
    /// Takes a byte; returns the key that it completes.
    pub fn feed(&mut self, byte: u8) -> Option<Key> {
        let follows_return = core::mem::replace(&mut self.last_was_return, byte == b'\r');
        match core::mem::take(&mut self.state) {
            State::Plain if byte == b'\n' && follows_return => None,
            State::Plain => self.plain(byte),
            State::Character { bytes, len } => self.character(bytes, len, byte),
            State::Escape => {
                if matches!(byte, b'[' | b'O') {
                    self.state = State::Sequence(String::new());
                    None
                } else {
                    self.plain(byte)
                }
            }
            State::Sequence(mut text) => match byte {
                b' '..=b'?' => {
                    text.push(char::from(byte));
                    self.state = State::Sequence(text);
                    None
                }
                _ => sequence(&text, byte),
            },
        }
    }

    fn plain(&mut self, byte: u8) -> Option<Key> {
        match byte {
            0x1B => self.state = State::Escape,
            b'\r' | b'\n' => return Some(Key::Enter),
            0x08 | 0x7F => return Some(Key::Backspace),
            0..0x20 => return Some(Key::Control(byte | 0x60)),
            b' '..=b'~' => return Some(Key::Character(char::from(byte))),
            _ => self.state = State::Character { bytes: [byte, 0, 0, 0], len: 1 },
        }
        None
    }

    fn character(&mut self, mut bytes: [u8; 4], len: usize, byte: u8) -> Option<Key> {
        if byte & 0xC0 != 0x80 {
            // What came before was no character.
            return self.plain(byte);
        }
        bytes[len] = byte;
        match core::str::from_utf8(&bytes[..=len]) {
            Ok(text) => text.chars().next().filter(|character| !character.is_control()).map(Key::Character),
            Err(error) if error.error_len().is_none() && len < 3 => {
                self.state = State::Character { bytes, len: len + 1 };
                None
            }
            Err(_) => None,
        }
    }
}

fn sequence(text: &str, last: u8) -> Option<Key> {
    Some(match (text, last) {
        (_, b'A') => Key::Up,
        (_, b'B') => Key::Down,
        (_, b'C') => Key::Right,
        (_, b'D') => Key::Left,
        (_, b'H') | ("1" | "7", b'~') => Key::Home,
        (_, b'F') | ("4" | "8", b'~') => Key::End,
        ("3", b'~') => Key::Delete,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Decoder, Key};
    use proptest::prelude::{prop_assert_eq, proptest};

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut decoder = Decoder::default();
        bytes.iter().filter_map(|&byte| decoder.feed(byte)).collect()
    }

    #[test]
    fn sequences_are_keys() {
        assert_eq!(keys(b"\x1b[A\x1bOB\x1b[1;5C\x1b[D"), [Key::Up, Key::Down, Key::Right, Key::Left]);
        assert_eq!(keys(b"\x1b[H\x1b[4~\x1b[3~\x1b[15~"), [Key::Home, Key::End, Key::Delete]);
        assert_eq!(
            keys(b"\x01\x03a\x7f\x08"),
            [Key::Control(b'a'), Key::Control(b'c'), Key::Character('a'), Key::Backspace, Key::Backspace]
        );
    }

    #[test]
    fn a_return_and_a_line_feed_are_one_enter() {
        assert_eq!(keys(b"\r\n\r\r\n\n").len(), 4);
    }

    proptest! {
        #[test]
        fn characters_come_as_they_are(text in "\\PC*") {
            let expected: Vec<Key> = text.chars().map(Key::Character).collect();
            prop_assert_eq!(keys(text.as_bytes()), expected);
        }

        #[test]
        fn after_any_bytes_a_plain_key_is_understood(bytes in proptest::collection::vec(0u8.., 0..40)) {
            let mut decoder = Decoder::default();
            for byte in bytes {
                decoder.feed(byte);
            }
            // At most the rest of a sequence is swallowed.
            decoder.feed(b'~');
            prop_assert_eq!(decoder.feed(b'x'), Some(Key::Character('x')));
        }
    }
}
