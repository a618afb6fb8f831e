//! What `printf` makes of its format: `%d %i %u %x %X %c %s %p %%`, with width, precision for strings, `-`, `0`, `*`, `l` and `ll`.
//! Anything else is printed as it stands.

/// The arguments behind the format.
pub trait Arguments {
    /// The next word.
    fn word(&mut self) -> u32;
    /// The bytes of the string that the next word points to.
    fn text(&mut self) -> &[u8];
}

/// What stands between `%` and the letter.
#[derive(Clone, Copy, Default)]
struct Conversion {
    is_left: bool,
    has_zeros: bool,
    is_long_long: bool,
    width: usize,
    precision: Option<usize>,
}

/// Prints `text`, with its conversions replaced by arguments.
pub fn format(print: &mut impl FnMut(&[u8]), text: &[u8], arguments: &mut impl Arguments) {
    let mut rest = text;
    while let Some(place) = rest.iter().position(|&byte| byte == b'%') {
        print(&rest[..place]);
        let behind = &rest[place + 1..];
        let (conversion, letters) = Conversion::parse(behind, arguments);
        rest = match letters.split_first() {
            Some((&letter, after)) if conversion.print(print, letter, arguments) => after,
            _ => {
                print(b"%");
                behind
            }
        };
    }
    print(rest);
}

impl Conversion {
    /// Reads flags, width, precision and length; returns what is behind them, too.
    fn parse<'a>(text: &'a [u8], arguments: &mut impl Arguments) -> (Self, &'a [u8]) {
        let mut conversion = Self::default();
        let mut rest = text;
        while let [flag @ (b'-' | b'0'), after @ ..] = rest {
            conversion.is_left |= *flag == b'-';
            conversion.has_zeros |= *flag == b'0';
            rest = after;
        }
        (conversion.width, rest) = number(rest, arguments);
        if let [b'.', after @ ..] = rest {
            let (precision, after) = number(after, arguments);
            conversion.precision = Some(precision);
            rest = after;
        }
        if let [b'l', b'l', after @ ..] = rest {
            conversion.is_long_long = true;
            rest = after;
        } else if let [b'l' | b'z', after @ ..] = rest {
            rest = after;
        }
        (conversion, rest)
    }

    /// Prints the next argument as the letter says; `false` if the letter says nothing.
    fn print(self, print: &mut impl FnMut(&[u8]), letter: u8, arguments: &mut impl Arguments) -> bool {
        match letter {
            b'%' => print(b"%"),
            b'c' => {
                let [byte, ..] = arguments.word().to_le_bytes();
                self.padded(print, b"", &[byte]);
            }
            b's' => {
                let text = arguments.text();
                self.padded(print, b"", &text[..text.len().min(self.precision.unwrap_or(usize::MAX))]);
            }
            b'd' | b'i' => {
                let number = self.signed(arguments);
                let sign: &[u8] = if number < 0 { b"-" } else { b"" };
                self.digits(print, sign, number.unsigned_abs(), 10, b'a');
            }
            b'u' => self.digits(print, b"", self.unsigned(arguments), 10, b'a'),
            b'x' => self.digits(print, b"", self.unsigned(arguments), 16, b'a'),
            b'X' => self.digits(print, b"", self.unsigned(arguments), 16, b'A'),
            b'p' => self.digits(print, b"0x", arguments.word().into(), 16, b'a'),
            _ => return false,
        }
        true
    }

    fn unsigned(self, arguments: &mut impl Arguments) -> u64 {
        let low = u64::from(arguments.word());
        if self.is_long_long { low | u64::from(arguments.word()) << 32 } else { low }
    }

    fn signed(self, arguments: &mut impl Arguments) -> i64 {
        if self.is_long_long { self.unsigned(arguments).cast_signed() } else { arguments.word().cast_signed().into() }
    }

    fn digits(self, print: &mut impl FnMut(&[u8]), prefix: &[u8], mut number: u64, base: u8, ten: u8) {
        let mut buffer = [0; 20];
        let mut start = buffer.len();
        loop {
            // A remainder is smaller than the base.
            let digit = u8::try_from(number % u64::from(base)).unwrap_or(0);
            start -= 1;
            buffer[start] = if digit < 10 { b'0' + digit } else { ten + digit - 10 };
            number /= u64::from(base);
            if number == 0 {
                break;
            }
        }
        self.padded(print, prefix, &buffer[start..]);
    }

    fn padded(self, print: &mut impl FnMut(&[u8]), prefix: &[u8], text: &[u8]) {
        let missing = self.width.saturating_sub(prefix.len() + text.len());
        let (before, zeros, behind) = match (self.is_left, self.has_zeros) {
            (true, _) => (0, 0, missing),
            (false, true) => (0, missing, 0),
            (false, false) => (missing, 0, 0),
        };
        (0..before).for_each(|_| print(b" "));
        print(prefix);
        (0..zeros).for_each(|_| print(b"0"));
        print(text);
        (0..behind).for_each(|_| print(b" "));
    }
}

/// A number, or that of the next argument for `*`; 0 if there is none. Returns what is behind it, too.
fn number<'a>(text: &'a [u8], arguments: &mut impl Arguments) -> (usize, &'a [u8]) {
    if let [b'*', after @ ..] = text {
        return (arguments.word() as usize, after);
    }
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, after) = text.split_at(len);
    (
        digits
            .iter()
            .fold(0, |number: usize, digit| number.saturating_mul(10).saturating_add(usize::from(digit - b'0'))),
        after,
    )
}

#[cfg(test)]
mod tests {
    use std::format as rust_format;
    use std::string::String;
    use std::vec::Vec;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{Arguments, format};

    /// Words and strings, taken from the front.
    struct List<'a>(&'a [u32], &'a [&'a str]);

    impl Arguments for List<'_> {
        fn word(&mut self) -> u32 {
            let (word, rest) = self.0.split_first().unwrap();
            self.0 = rest;
            *word
        }

        fn text(&mut self) -> &[u8] {
            let (text, rest) = self.1.split_first().unwrap();
            self.1 = rest;
            text.as_bytes()
        }
    }

    fn formatted(text: &str, words: &[u32], texts: &[&str]) -> String {
        let mut all = Vec::new();
        let mut list = List(words, texts);
        format(&mut |bytes: &[u8]| all.extend_from_slice(bytes), text.as_bytes(), &mut list);
        assert!(list.0.is_empty() && list.1.is_empty(), "{text} leaves arguments over");
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn every_conversion_prints_its_argument() {
        assert_eq!(formatted("%d %i %u", &[u32::MAX, 0x8000_0000, u32::MAX], &[]), "-1 -2147483648 4294967295");
        assert_eq!(formatted("%x %X %p", &[0xBEEF, 0xBEEF, 0x1000], &[]), "beef BEEF 0x1000");
        assert_eq!(formatted("%c%s%%%s", &[0x41], &["b", ""]), "Ab%");
        assert_eq!(formatted("%lld %llu %llx %ld", &[0, 0x8000_0000, 1, 1, 0, 1, 7], &[]), {
            "-9223372036854775808 4294967297 100000000 7"
        });
    }

    #[test]
    fn widths_are_filled_on_the_side_that_is_asked_for() {
        assert_eq!(formatted("[%5d|%-5d|%05d|%2d]", &[42, 42, 42, 12345], &[]), "[   42|42   |00042|12345]");
        assert_eq!(
            formatted("[%05d|%5x|%08x]", &[(-42i32).cast_unsigned(), 0xAB, 0xAB], &[]),
            "[-0042|   ab|000000ab]"
        );
        assert_eq!(formatted("[%*d|%6s|%-6s|%.2s]", &[4, 7], &["abc", "abc", "abc"]), "[   7|   abc|abc   |ab]");
        assert_eq!(formatted("[%10p]", &[0x1000], &[]), "[    0x1000]");
    }

    #[test]
    fn what_is_no_conversion_is_printed_as_it_stands() {
        assert_eq!(formatted("100% sure %q %", &[], &[]), "100% sure %q %");
        assert_eq!(formatted("", &[], &[]), "");
    }

    proptest! {
        #[test]
        fn numbers_look_as_in_rust(word in any::<u32>(), high in any::<u32>(), width in 0usize..30) {
            let words = [word, high];
            let (long, short) = ((u64::from(high) << 32 | u64::from(word)).cast_signed(), word.cast_signed());
            for (text, words, expected) in [
                ("%*lld", &words[..], rust_format!("{long:width$}")),
                ("%-*llu", &words, rust_format!("{:<width$}", long.cast_unsigned())),
                ("%*d", &words[..1], rust_format!("{short:width$}")),
                ("%0*d", &words[..1], rust_format!("{short:0width$}")),
                ("%-*x", &words[..1], rust_format!("{word:<width$x}")),
                ("%0*X", &words[..1], rust_format!("{word:0width$X}")),
            ] {
                let all: Vec<u32> = [u32::try_from(width).unwrap()].iter().chain(words).copied().collect();
                prop_assert_eq!(formatted(text, &all, &[]), expected, "{}", text);
            }
        }

        #[test]
        fn text_without_percent_signs_is_printed_as_it_is(text in "[^%]*", tail in "[^%]*") {
            let (filled, whole) = (rust_format!("{text}%s{tail}"), rust_format!("{text}{tail}{tail}"));
            prop_assert_eq!(formatted(&filled, &[], &[&tail]), whole);
        }

        #[test]
        fn no_format_ends_in_a_panic(text in "[%a-z0-9.*-]*", words in any::<[u32; 8]>()) {
            let mut len = 0;
            // As many arguments as any such text can ask for, and no widths that take for ever.
            let words: Vec<u32> = words.iter().cycle().map(|word| word % 1000).take(4 * text.len()).collect();
            let texts: Vec<&str> = text.bytes().map(|_| "text").collect();
            if !text.bytes().collect::<Vec<_>>().windows(4).any(|four| four.iter().all(u8::is_ascii_digit)) {
                format(&mut |bytes: &[u8]| len += bytes.len(), text.as_bytes(), &mut List(&words, &texts));
            }
        }
    }
}
