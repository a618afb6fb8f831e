//! Which keys of a US keyboard to press for a text, by QEMU's names (QMP Reference Manual, "QKeyCode").

use std::borrow::Cow;

use anyhow::{Result, bail};

/// Keys without Shift whose names are no letters or digits, and what they give.
const PLAIN: [(u8, &str); 16] = [
    (b' ', "spc"),
    (b'-', "minus"),
    (b'=', "equal"),
    (b'[', "bracket_left"),
    (b']', "bracket_right"),
    (b'\\', "backslash"),
    (b';', "semicolon"),
    (b'\'', "apostrophe"),
    (b'`', "grave_accent"),
    (b',', "comma"),
    (b'.', "dot"),
    (b'/', "slash"),
    (b'\r', "ret"),
    (b'\n', "ret"),
    (b'\t', "tab"),
    (0x7F, "backspace"),
];

/// What Shift makes of a key: the character that it gives then, and the one without.
const SHIFTED: [(u8, u8); 21] = [
    (b'!', b'1'),
    (b'@', b'2'),
    (b'#', b'3'),
    (b'$', b'4'),
    (b'%', b'5'),
    (b'^', b'6'),
    (b'&', b'7'),
    (b'*', b'8'),
    (b'(', b'9'),
    (b')', b'0'),
    (b'_', b'-'),
    (b'+', b'='),
    (b'{', b'['),
    (b'}', b']'),
    (b'|', b'\\'),
    (b':', b';'),
    (b'"', b'\''),
    (b'~', b'`'),
    (b'<', b','),
    (b'>', b'.'),
    (b'?', b'/'),
];

/// Keys for which a terminal sends a sequence, and what is held with them.
const SEQUENCES: [(&str, Option<&str>, &str); 9] = [
    ("\x1b[A", None, "up"),
    ("\x1b[B", None, "down"),
    ("\x1b[C", None, "right"),
    ("\x1b[D", None, "left"),
    ("\x1b[H", None, "home"),
    ("\x1b[F", None, "end"),
    ("\x1b[3~", None, "delete"),
    ("\x1b[5;2~", Some("shift"), "pgup"),
    ("\x1b[6;2~", Some("shift"), "pgdn"),
];

/// A key, and what is held meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chord {
    held: Option<&'static str>,
    key: Cow<'static, str>,
}

impl Chord {
    /// The names, in the order in which the keys go down.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.held.into_iter().chain([self.key.as_ref()])
    }
}

/// The keys for what a terminal would send.
///
/// # Errors
/// If the keyboard has none for a character.
pub fn chords(text: &str) -> Result<Vec<Chord>> {
    let mut chords = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let sequence = SEQUENCES.into_iter().find(|(sequence, ..)| rest.starts_with(sequence));
        let (len, chord) = match sequence {
            Some((sequence, held, key)) => (sequence.len(), Some(Chord { held, key: key.into() })),
            None => (first.len_utf8(), u8::try_from(first).ok().and_then(chord)),
        };
        let Some(chord) = chord else { bail!("the US keyboard has no key for {first:?}") };
        chords.push(chord);
        rest = &rest[len..];
    }
    Ok(chords)
}

fn chord(byte: u8) -> Option<Chord> {
    let held = |held, byte| Some(Chord { held: Some(held), ..chord(byte)? });
    if let Some((_, key)) = PLAIN.into_iter().find(|(given, _)| *given == byte) {
        return Some(Chord { held: None, key: key.into() });
    }
    if let Some((_, plain)) = SHIFTED.into_iter().find(|(given, _)| *given == byte) {
        return held("shift", plain);
    }
    match byte {
        b'a'..=b'z' | b'0'..=b'9' => Some(Chord { held: None, key: char::from(byte).to_string().into() }),
        b'A'..=b'Z' => held("shift", byte.to_ascii_lowercase()),
        // Ctrl with a letter gives its place in the alphabet.
        1..=26 => held("ctrl", byte - 1 + b'a'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::chords;

    fn names(text: &str) -> Vec<String> {
        chords(text).unwrap().iter().map(|chord| chord.keys().collect::<Vec<_>>().join("+")).collect()
    }

    #[test]
    fn a_text_becomes_keys() {
        assert_eq!(names("aZ 0?\r"), ["a", "shift+z", "spc", "0", "shift+slash", "ret"]);
        assert_eq!(names("\x1b[5;2~\x1b[6;2~"), ["shift+pgup", "shift+pgdn"]);
        assert_eq!(names("\x03\x1b[A\x1b[3~\t\x7f"), ["ctrl+c", "up", "delete", "tab", "backspace"]);
    }

    #[test]
    fn every_character_has_keys_of_its_own() {
        let all: Vec<u8> = (b' '..=b'~').collect();
        let text = String::from_utf8(all).unwrap();
        let mut keys = names(&text);
        assert_eq!(keys.len(), text.len());
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), text.len());
    }

    #[test]
    fn what_no_key_gives_is_refused() {
        assert!(chords("naïve").unwrap_err().to_string().contains("no key for 'ï'"));
        assert!(chords("\x1bx").is_err());
    }
}
