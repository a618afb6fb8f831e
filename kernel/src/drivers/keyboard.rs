//! The keyboard, behind the keyboard controller (IBM PS/2 Hardware Interface, "Keyboard and Auxiliary Device Controller").
//!
//! The firmware has set the controller up as every PC's does: interrupts on, scan codes translated to set 1. The keys are
//! those of a US keyboard.

use pc_keyboard::layouts::Us104Key;
use pc_keyboard::{DecodedKey, HandleControl, KeyCode, PS2Keyboard, ScancodeSet1};

use super::port::Port;

const DATA: u16 = 0x60;
const STATUS: u16 = 0x64;

/// Status: a byte waits in the data register.
const HAS_DATA: u8 = 1 << 0;
/// Status: that byte is the mouse's.
const IS_FROM_MOUSE: u8 = 1 << 5;
/// What the status of a machine without the controller reads as.
const NO_CONTROLLER: u8 = 0xFF;

/// How many bytes are read for one character at most: keys without one send a few, a broken controller sends without end.
const READS_MAX: u32 = 64;

/// The keyboard, and which of its shift keys are down.
pub struct Keyboard {
    data: Port<u8>,
    status: Port<u8>,
    decoder: PS2Keyboard<Us104Key, ScancodeSet1>,
}

impl Keyboard {
    /// No key is down.
    pub const fn new() -> Self {
        // SAFETY: only this module uses the keyboard controller, and it masters no bus.
        let (data, status) = unsafe { (Port::new(DATA), Port::new(STATUS)) };
        let decoder = PS2Keyboard::new(ScancodeSet1::new(), Us104Key, HandleControl::MapLettersToUnicode);
        Self { data, status, decoder }
    }

    /// The machine has a keyboard controller.
    pub fn is_present(&self) -> bool {
        self.status.read() != NO_CONTROLLER
    }

    /// The next key that was pressed and means something; `None` if nothing waits in the controller.
    pub fn receive(&mut self) -> Option<Key> {
        for _ in 0..READS_MAX {
            let status = self.status.read();
            if status == NO_CONTROLLER || status & HAS_DATA == 0 {
                return None;
            }
            let byte = self.data.read();
            if status & IS_FROM_MOUSE == 0
                && let Some(key) = self.decode(byte)
            {
                return Some(key);
            }
        }
        None
    }

    /// The key that this scan code completes. Keys that mean nothing, and codes of no key, give none.
    fn decode(&mut self, scan_code: u8) -> Option<Key> {
        let event = self.decoder.add_byte(scan_code).ok()??;
        match self.decoder.process_keyevent(event)? {
            // The key that takes back a character sends 08h here.
            DecodedKey::Unicode('\x7F') => Some(Key::Sequence("\x1b[3~")),
            DecodedKey::Unicode(character) => Some(Key::Character(character)),
            DecodedKey::RawKey(code @ (KeyCode::PageUp | KeyCode::PageDown)) => {
                let key = if code == KeyCode::PageUp { Key::LookBack } else { Key::LookOn };
                self.decoder.get_modifiers().is_shifted().then_some(key)
            }
            DecodedKey::RawKey(code) => sequence(code).map(Key::Sequence),
        }
    }
}

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character, in UTF-8.
    Character(char),
    /// What a terminal sends for a key without a character.
    Sequence(&'static str),
    /// Nothing is typed: the screen is to show what was on it before.
    LookBack,
    /// Nothing is typed: the screen is to show what came behind that.
    LookOn,
}

/// The sequences that terminals send (ECMA-48; those of the DEC VT220).
const fn sequence(code: KeyCode) -> Option<&'static str> {
    Some(match code {
        KeyCode::ArrowUp => "\x1b[A",
        KeyCode::ArrowDown => "\x1b[B",
        KeyCode::ArrowRight => "\x1b[C",
        KeyCode::ArrowLeft => "\x1b[D",
        KeyCode::Home => "\x1b[H",
        KeyCode::End => "\x1b[F",
        KeyCode::Delete => "\x1b[3~",
        _ => return None,
    })
}
