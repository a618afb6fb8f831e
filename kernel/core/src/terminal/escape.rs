//! Escape sequences (ECMA-48, "Control sequences"): `ESC [ parameters letter`.

use arrayvec::ArrayVec;

/// More parameters than this are read and forgotten.
const PARAMETERS_MAX: usize = 8;

/// A control sequence's parameters: numbers, 0 where one was left out.
pub type Parameters = ArrayVec<u16, PARAMETERS_MAX>;

/// What a byte turned out to be.
pub enum Input {
    /// Part of a sequence that is not complete, or that means nothing here.
    Swallowed,
    /// Not part of a sequence.
    Text(u8),
    /// The end of a sequence.
    Sequence {
        /// The letter that says what to do.
        last: u8,
        /// The numbers before it.
        parameters: Parameters,
    },
}

/// The place in a sequence.
enum State {
    Text,
    Escape,
    /// Of the sequence `ESC [`; private and intermediate bytes mark it as one that we only swallow.
    Control {
        parameters: Parameters,
        is_private: bool,
    },
}

/// Splits bytes into text and sequences.
pub struct EscapeParser(State);

impl EscapeParser {
    /// Outside any sequence.
    pub const fn new() -> Self {
        Self(State::Text)
    }

    /// Takes the next byte. An escape byte starts anew, whatever came before.
    pub fn feed(&mut self, byte: u8) -> Input {
        if byte == 0x1B {
            self.0 = State::Escape;
            return Input::Swallowed;
        }
        match &mut self.0 {
            State::Text => Input::Text(byte),
            State::Escape => self.after_escape(byte),
            State::Control { parameters, is_private } => match byte {
                b'0'..=b'9' => add_digit(parameters, byte - b'0'),
                b';' => separate(parameters),
                b' '..=b'?' => {
                    *is_private = true;
                    Input::Swallowed
                }
                b'@'..=b'~' => self.end_sequence(byte),
                // A control character inside a sequence acts as if it stood before it.
                _ => Input::Text(byte),
            },
        }
    }

    fn after_escape(&mut self, byte: u8) -> Input {
        self.0 = match byte {
            b'[' => State::Control { parameters: Parameters::new(), is_private: false },
            // Intermediate bytes of a longer escape sequence, such as `ESC ( B`.
            b' '..=b'/' => State::Escape,
            _ => State::Text,
        };
        Input::Swallowed
    }

    fn end_sequence(&mut self, last: u8) -> Input {
        match core::mem::replace(&mut self.0, State::Text) {
            State::Control { parameters, is_private: false } => Input::Sequence { last, parameters },
            _ => Input::Swallowed,
        }
    }
}

fn add_digit(parameters: &mut Parameters, digit: u8) -> Input {
    if parameters.is_empty() {
        parameters.push(0);
    }
    if let Some(last) = parameters.last_mut() {
        *last = last.saturating_mul(10).saturating_add(u16::from(digit));
    }
    Input::Swallowed
}

fn separate(parameters: &mut Parameters) -> Input {
    if parameters.is_empty() {
        parameters.push(0);
    }
    // A ninth parameter overwrites the eighth: none of the sequences we know has as many.
    if parameters.is_full() {
        parameters.pop();
    }
    parameters.push(0);
    Input::Swallowed
}
