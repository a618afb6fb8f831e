//! Unicode to code page 437, the character set in the ROM of a PC's text mode.

/// The characters 0x80..=0xFF of the code page, in order (IBM, "code page 437").
const UPPER_HALF: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»\
    ░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
    αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";

/// Shown for what the code page does not have.
const UNKNOWN: u8 = b'?';

/// The place of a character in the code page.
fn glyph(character: char) -> u8 {
    match u8::try_from(character) {
        Ok(ascii @ ..0x80) => ascii,
        _ => (0x80..=0xFF).zip(UPPER_HALF.chars()).find(|&(_, known)| known == character).map_or(UNKNOWN, |(at, _)| at),
    }
}

/// Collects the bytes of a character.
pub struct Utf8Decoder {
    bytes: [u8; 4],
    len: usize,
    expected_len: usize,
}

impl Utf8Decoder {
    /// Between two characters.
    pub const fn new() -> Self {
        Self { bytes: [0; 4], len: 0, expected_len: 0 }
    }

    /// Takes a byte; returns the glyph to show if it completes a character or cannot belong to one.
    pub fn feed(&mut self, byte: u8) -> Option<u8> {
        let continues = self.len > 0 && byte & 0xC0 == 0x80;
        if !continues {
            self.len = 0;
            self.expected_len = match byte {
                ..0x80 => return Some(byte),
                0xC2..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xF4 => 4,
                _ => return Some(UNKNOWN),
            };
        }
        self.bytes[self.len] = byte;
        self.len += 1;
        if self.len < self.expected_len {
            return None;
        }
        let character = core::str::from_utf8(&self.bytes[..self.len]).ok().and_then(|text| text.chars().next());
        self.len = 0;
        Some(character.map_or(UNKNOWN, glyph))
    }
}

#[cfg(test)]
mod tests {
    use super::{UPPER_HALF, Utf8Decoder, glyph};

    fn decode(bytes: &[u8]) -> Vec<u8> {
        let mut decoder = Utf8Decoder::new();
        bytes.iter().filter_map(|&byte| decoder.feed(byte)).collect()
    }

    #[test]
    fn the_code_page_has_128_characters_beyond_ascii() {
        assert_eq!(UPPER_HALF.chars().count(), 128);
        assert_eq!((glyph('Ç'), glyph('█'), glyph('ß'), glyph('■')), (0x80, 0xDB, 0xE1, 0xFE));
    }

    #[test]
    fn text_outside_the_code_page_and_broken_text_show_as_question_marks() {
        assert_eq!(decode("aé€b".as_bytes()), [b'a', 0x82, b'?', b'b']);
        assert_eq!(decode(b"\xFFa\x80b"), *b"?a?b");
        assert_eq!(decode(b"\xE2\x82a"), *b"a");
        assert_eq!(decode(b"\xED\xA0\x80z"), *b"?z");
    }
}
