//! The kernel's command line: `key=value` words, then perhaps ` -- ` and the first program with its arguments.
//!
//! Within a word of the program's, a byte that would end it is written as `%` and two hexadecimal digits: `%20` for a space, `%25`
//! for the percent sign itself. An empty word is a single `%`.

use alloc::vec::Vec;

/// What the kernel was told at start-up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine<'a> {
    /// `seed=N`: what random choices follow from.
    pub seed: Option<u64>,
    /// `frames=N`: how many frames the process pool gets at most.
    pub frames: Option<u32>,
    /// `swap=N`: how many pages of the swap file are used. It is made, or grows, if it has fewer.
    pub swap_pages: Option<u32>,
    /// `policy=NAME`: which replacement policy chooses victims.
    pub policy: Option<&'a str>,
    /// `cleaner=off`: victims are written one by one, when somebody needs a frame.
    pub no_cleaner: bool,
    /// `readahead=off`: only the page that is missed is read.
    pub no_read_ahead: bool,
    /// `textbook`: pages are borrowed in the assignments' order
    /// ([`Options::TEXTBOOK`](crate::pager::Options::TEXTBOOK)).
    pub textbook: bool,
    /// `pio`: the disk driver uses programmed input and output even if it could use DMA.
    pub programmed_io: bool,
    /// `console=plain`: what is typed comes from a file or a pipe, and what is printed goes to one; there is no terminal to edit on.
    pub plain_console: bool,
    /// `check=N`: the books of the memory system are compared every N page faults; 0 means never. A debug build compares them at
    /// every fault unless told otherwise.
    pub check_every: Option<u32>,
    /// `latency`: the kernel measures for how long the CPU takes no interrupt.
    pub measures_latency: bool,
    /// `provoke=WHAT`: the kernel breaks one of its own rules when the first program starts, to show how that is reported.
    pub provoke: Option<Provocation>,
    /// The word that was not understood, if any; all others count.
    pub unknown: Option<&'a str>,
    /// What follows ` -- `, still encoded.
    program: Option<&'a str>,
}

/// A rule that the kernel breaks on request, or what a bad host does to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provocation {
    /// Reads an address of the kernel half where nothing is.
    PageFault,
    /// Writes to its own instructions.
    WriteToText,
    /// Calls itself until its stack is used up.
    StackOverflow,
    /// Panics.
    Panic,
    /// Each tick of the timer counts as several, like ticks that a busy host delivers late and close together. The machine goes on.
    HastyTicks,
}

impl Provocation {
    /// The provocation of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "page-fault" => Self::PageFault,
            "write-to-text" => Self::WriteToText,
            "stack-overflow" => Self::StackOverflow,
            "panic" => Self::Panic,
            "hasty-ticks" => Self::HastyTicks,
            _ => return None,
        })
    }
}

impl<'a> CommandLine<'a> {
    /// Reads a command line.
    pub fn parse(text: &'a str) -> Self {
        let (options, program) = match text.split_once("-- ") {
            Some((options, program)) if options.is_empty() || options.ends_with(' ') => (options, Some(program)),
            _ => (text, None),
        };
        let mut line = Self { program: program.filter(|words| !words.trim().is_empty()), ..Self::default() };
        for word in options.split_ascii_whitespace() {
            if !line.set(word) {
                line.unknown = Some(word);
            }
        }
        line
    }

    /// Understands one word, or returns false.
    fn set(&mut self, word: &'a str) -> bool {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        match key {
            "seed" => value.parse().map(|seed| self.seed = Some(seed)).is_ok(),
            "frames" => value.parse().map(|frames| self.frames = Some(frames)).is_ok(),
            "swap" => value.parse().map(|pages| self.swap_pages = Some(pages)).is_ok(),
            "check" => value.parse().map(|every| self.check_every = Some(every)).is_ok(),
            "policy" => {
                self.policy = abi::policy_named(value).map(|place| abi::POLICY_NAMES[place]);
                self.policy.is_some()
            }
            "cleaner" => is_on(value).map(|on| self.no_cleaner = !on).is_some(),
            "readahead" => is_on(value).map(|on| self.no_read_ahead = !on).is_some(),
            "console" => {
                self.plain_console = value == "plain";
                ["plain", "terminal"].contains(&value)
            }
            "provoke" => Provocation::named(value).map(|what| self.provoke = Some(what)).is_some(),
            "textbook" if value.is_empty() => {
                self.textbook = true;
                true
            }
            "latency" if value.is_empty() => {
                self.measures_latency = true;
                true
            }
            "pio" if value.is_empty() => {
                self.programmed_io = true;
                true
            }
            _ => false,
        }
    }

    /// The first program's arguments, its name first, each followed by a zero byte. Empty if the line names no program.
    pub fn program_words(&self) -> Vec<u8> {
        let mut block = Vec::new();
        for word in self.program.unwrap_or("").split_ascii_whitespace() {
            decode_word(word, &mut block);
            block.push(0);
        }
        block
    }
}

/// The value of a switch.
fn is_on(value: &str) -> Option<bool> {
    match value {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

/// Undoes the encoding of one word. A `%` that no two digits follow stands for nothing.
fn decode_word(word: &str, into: &mut Vec<u8>) {
    let mut bytes = word.as_bytes();
    while let Some((&byte, rest)) = bytes.split_first() {
        bytes = rest;
        if byte != b'%' {
            into.push(byte);
        } else if let Some((digits, rest)) = rest.split_first_chunk::<2>()
            && let Ok(Ok(decoded)) = core::str::from_utf8(digits).map(|digits| u8::from_str_radix(digits, 16))
        {
            into.push(decoded);
            bytes = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CommandLine, Provocation};

    #[test]
    fn options_and_program_are_told_apart() {
        let line = CommandLine::parse("seed=7 frames=256 pio latency check=100 -- piggies 20 25 3");
        assert_eq!(
            (line.seed, line.frames, line.programmed_io, line.check_every, line.measures_latency),
            (Some(7), Some(256), true, Some(100), true)
        );
        assert_eq!(line.program_words(), b"piggies\x0020\x0025\x003\x00");
        assert_eq!(line.unknown, None);
    }

    #[test]
    fn an_empty_line_means_the_defaults() {
        for text in ["", "   ", "-- ", "seed"] {
            let line = CommandLine::parse(text);
            assert_eq!((line.seed, line.frames, line.program_words()), (None, None, Vec::new()), "{text:?}");
        }
    }

    #[test]
    fn switches_are_on_unless_told_otherwise() {
        let line = CommandLine::parse("cleaner=off readahead=on policy=sieve");
        assert_eq!((line.no_cleaner, line.no_read_ahead, line.policy), (true, false, Some("sieve")));
        let line = CommandLine::parse("cleaner=maybe");
        assert_eq!((line.no_cleaner, line.unknown), (false, Some("cleaner=maybe")));
        assert_eq!(CommandLine::parse("policy=FIFO").policy, Some("fifo"));
        let line = CommandLine::parse("policy=best");
        assert_eq!((line.policy, line.unknown), (None, Some("policy=best")));
    }

    #[test]
    fn textbook_takes_no_value() {
        assert!(CommandLine::parse("seed=1 textbook").textbook);
        let line = CommandLine::parse("textbook=on");
        assert_eq!((line.textbook, line.unknown), (false, Some("textbook=on")));
    }

    #[test]
    fn a_console_is_a_terminal_unless_told_otherwise() {
        for (text, is_plain) in [("", false), ("console=terminal", false), ("console=plain", true)] {
            let line = CommandLine::parse(text);
            assert_eq!((line.plain_console, line.unknown), (is_plain, None), "{text:?}");
        }
        assert_eq!(CommandLine::parse("console=window").unknown, Some("console=window"));
    }

    #[test]
    fn provocations_have_names() {
        assert_eq!(CommandLine::parse("provoke=panic").provoke, Some(Provocation::Panic));
        assert_eq!(CommandLine::parse("provoke=hasty-ticks").provoke, Some(Provocation::HastyTicks));
        let line = CommandLine::parse("provoke=nonsense");
        assert_eq!((line.provoke, line.unknown), (None, Some("provoke=nonsense")));
    }

    #[test]
    fn encoded_words_come_back_byte_by_byte() {
        let line = CommandLine::parse("-- echo a%20b 100%25 % x--y --");
        assert_eq!(line.program_words(), b"echo\0a b\x00100%\0\0x--y\0--\0");
    }

    #[test]
    fn what_is_not_understood_is_named_and_harms_nothing() {
        let line = CommandLine::parse("frames=many seed=3 colour=red");
        assert_eq!((line.frames, line.seed, line.unknown), (None, Some(3), Some("colour=red")));
        assert_eq!(CommandLine::parse("frames=99999999999").unknown, Some("frames=99999999999"));
    }
}
