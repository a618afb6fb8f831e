//! This process's terminal, when it is a machine's: each key is passed on at once, and the machine shows what was typed.

use std::io::{self, Read};
use std::thread;

use rustix::termios::{InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use crate::machine::{self, ControlC};

/// The key that begins a word to xtask: Ctrl-].
const ESCAPE: u8 = 0x1D;
/// The key after it that ends the machine.
const END: u8 = b'x';

/// A terminal that passes on each key. Dropped, it is as it was.
#[derive(Debug)]
pub struct RawTerminal(Option<Termios>);

impl RawTerminal {
    /// Takes the terminal at standard input. If that is none, nothing is changed.
    pub fn new(control_c: ControlC) -> Self {
        let Ok(before) = tcgetattr(io::stdin()) else { return Self(None) };
        let mut raw = before.clone();
        raw.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN);
        raw.local_modes.set(LocalModes::ISIG, control_c == ControlC::EndsMachine);
        // Enter sends a carriage return, which the guest expects of a terminal.
        raw.input_modes = InputModes::empty();
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        Self(tcsetattr(io::stdin(), OptionalActions::Now, &raw).is_ok().then_some(before))
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // A terminal that has gone needs nothing any more.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

/// What is typed at standard input, a terminal. Ctrl-] x ends the machine even while nobody reads this.
pub fn keys() -> Box<dyn Read + Send> {
    let mut keys = Keys::new(io::stdin(), machine::interrupt);
    let Ok((reader, mut writer)) = io::pipe() else { return Box::new(keys) };
    // It ends with the terminal, or with the machine.
    thread::spawn(move || io::copy(&mut keys, &mut writer));
    Box::new(reader)
}

/// What is typed at a terminal, without what is meant for xtask: Ctrl-] x ends the machine, Ctrl-] Ctrl-] is a Ctrl-] for the guest, and
/// other keys after Ctrl-] are ignored.
struct Keys<R, F> {
    from: R,
    on_end: F,
    is_escaped: bool,
}

impl<R: Read, F: FnMut()> Keys<R, F> {
    /// The keys that come from there. `on_end` is called when the user wants an end.
    const fn new(from: R, on_end: F) -> Self {
        Self { from, on_end, is_escaped: false }
    }

    /// The guest's part of these keys is left at their start; returns how many it has.
    fn sift(&mut self, keys: &mut [u8]) -> usize {
        let mut kept = 0;
        for index in 0..keys.len() {
            let key = keys[index];
            let was_escaped = self.is_escaped;
            self.is_escaped = !was_escaped && key == ESCAPE;
            match (was_escaped, key) {
                (false, ESCAPE) => {}
                (false, _) | (true, ESCAPE) => {
                    keys[kept] = key;
                    kept += 1;
                }
                (true, END) => (self.on_end)(),
                (true, _) => {}
            }
        }
        kept
    }
}

impl<R: Read, F: FnMut()> Read for Keys<R, F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let len = self.from.read(into)?;
            let kept = self.sift(&mut into[..len]);
            // Nothing at all would mean the end of the input.
            if kept > 0 || len == 0 {
                return Ok(kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::{prop_assert_eq, proptest};

    use super::Keys;

    /// The guest's part of what is typed in pieces of this size, and how often the machine is ended.
    fn sifted(typed: &[u8], piece: usize) -> (Vec<u8>, u32) {
        let (mut ends, mut guests) = (0, Vec::new());
        let mut keys = Keys::new(typed, || ends += 1);
        let mut buffer = vec![0; piece];
        while let Ok(len @ 1..) = keys.read(&mut buffer) {
            guests.extend(&buffer[..len]);
        }
        (guests, ends)
    }

    #[test]
    fn the_escape_key_and_the_next_one_are_not_the_guests() {
        assert_eq!(sifted(b"ls\r\x1dx", 9), (b"ls\r".to_vec(), 1));
        assert_eq!(sifted(b"a\x1d\x1db\x1d?x", 9), (b"a\x1dbx".to_vec(), 0));
        assert_eq!(sifted(b"\x1d", 9), (Vec::new(), 0));
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(typed in "[ax\u{1d}]{0,30}", piece in 1usize..6) {
            prop_assert_eq!(sifted(typed.as_bytes(), piece), sifted(typed.as_bytes(), 64));
        }
    }
}
