//! What a command line means.
//!
//! ```text
//! line     = [ list ]
//! list     = chain { ";" chain | "&" chain } [ ";" | "&" ]
//! chain    = command { "&&" command }
//! command  = { word | "<" word | ">" word | ">>" word }     at least one word that is no file of a sign
//! ```
//!
//! `&` puts the whole chain before it into the background; a chain in the background is one command only, since nobody is there to
//! look how the first one ended.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::words::{Token, Tokens};

/// Where a command's output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To a file or device of this name, whatever was in it.
    Replace(String),
    /// Behind what is in the file.
    Append(String),
}

/// A program to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Its name and arguments; there is at least the name.
    pub words: Vec<String>,
    /// Where its input comes from, if not from the shell's.
    pub input: Option<String>,
    /// Where its output goes, if not to the shell's.
    pub output: Option<Output>,
}

/// Commands that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chain {
    /// They are waited for. Each is run only if the one before exits with 0.
    Foreground(Vec<Command>),
    /// One that is not waited for.
    Background(Command),
}

/// Why a line means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// A quote was opened and not closed.
    OpenQuote(char),
    /// The line ends with `\`.
    NothingAfterBackslash,
    /// No command stands before this sign, or behind it where there must be one.
    NoCommand(&'static str),
    /// No file is named behind this sign.
    NoFile(&'static str),
    /// There are two of this sign in a command.
    Twice(&'static str),
    /// There is a `|`.
    NoPipes,
    /// `&&` and `&` are in the same chain.
    ChainInBackground,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenQuote(quote) => write!(f, "the quote {quote} is not closed"),
            Self::NothingAfterBackslash => f.write_str("nothing follows \\"),
            Self::NoCommand(sign) => write!(f, "a command is missing at {sign}"),
            Self::NoFile(sign) => write!(f, "the name of a file is missing after {sign}"),
            Self::Twice(sign) => write!(f, "a command has two {sign}"),
            Self::NoPipes => {
                f.write_str("there are no pipes: let the first write to a file with > and the second read it with <")
            }
            Self::ChainInBackground => f.write_str("commands chained with && cannot be put into the background with &"),
        }
    }
}

/// What to do, in order; nothing for an empty line.
///
/// # Errors
/// See [`ParseError`]: nothing of the line is to be done then.
pub fn parse(line: &str) -> Result<Vec<Chain>, ParseError> {
    let mut tokens = Tokens::new(line);
    let mut chains = Vec::new();
    let mut commands = Vec::new();
    let mut command = Command::default();
    while let Some(token) = tokens.next() {
        match token? {
            Token::Word(word) => command.words.push(word),
            Token::Input => set(&mut command.input, "<", file(&mut tokens, "<")?)?,
            Token::Output => set(&mut command.output, ">", Output::Replace(file(&mut tokens, ">")?))?,
            Token::Append => set(&mut command.output, ">", Output::Append(file(&mut tokens, ">>")?))?,
            Token::And => commands.push(complete(&mut command, "&&")?),
            Token::Semicolon => {
                commands.push(complete(&mut command, ";")?);
                chains.push(Chain::Foreground(core::mem::take(&mut commands)));
            }
            Token::Ampersand if !commands.is_empty() => return Err(ParseError::ChainInBackground),
            Token::Ampersand => chains.push(Chain::Background(complete(&mut command, "&")?)),
        }
    }
    if command != Command::default() || !commands.is_empty() {
        let sign = if commands.is_empty() { "the end" } else { "&&" };
        commands.push(complete(&mut command, sign)?);
        chains.push(Chain::Foreground(commands));
    }
    Ok(chains)
}

/// The command so far is all of it.
fn complete(command: &mut Command, sign: &'static str) -> Result<Command, ParseError> {
    let command = core::mem::take(command);
    if command.words.is_empty() { Err(ParseError::NoCommand(sign)) } else { Ok(command) }
}

fn set<T>(place: &mut Option<T>, sign: &'static str, value: T) -> Result<(), ParseError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(ParseError::Twice(sign)),
    }
}

fn file(tokens: &mut Tokens<'_>, sign: &'static str) -> Result<String, ParseError> {
    match tokens.next().transpose()? {
        Some(Token::Word(name)) => Ok(name),
        _ => Err(ParseError::NoFile(sign)),
    }
}

/// The word as it must be written so that it is read as it is.
pub fn quote(word: &str) -> String {
    if word.is_empty() { "''".into() } else { quote_part(word) }
}

/// Part of a word, as it must be written.
pub(crate) fn quote_part(word: &str) -> String {
    let mut quoted = String::new();
    for character in word.chars() {
        if crate::words::is_end_of_word(character) || matches!(character, '\'' | '"' | '\\' | '#') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::{Chain, Command, Output, ParseError, parse, quote};
    use proptest::prelude::{prop_assert_eq, proptest};

    fn command(words: &[&str]) -> Command {
        Command { words: words.iter().map(ToString::to_string).collect(), ..Command::default() }
    }

    fn one(words: &[&str]) -> Result<Vec<Chain>, ParseError> {
        Ok(vec![Chain::Foreground(vec![command(words)])])
    }

    #[test]
    fn words_are_separated_by_blanks_and_joined_by_quotes() {
        assert_eq!(parse("  echo  a b "), one(&["echo", "a", "b"]));
        assert_eq!(
            parse(r#"echo 'a  b' "c d"e 'it'\''s' "" \  "\"" 'x\y'"#),
            one(&["echo", "a  b", "c de", "it's", "", " ", "\"", "x\\y"])
        );
        assert_eq!(parse("echo ä;"), one(&["echo", "ä"]));
        assert_eq!(parse("echo a#b # and so on; rm notes"), one(&["echo", "a#b"]));
        assert_eq!(parse(" \t # nothing"), Ok(vec![]));
    }

    #[test]
    fn signs_need_no_blanks() {
        let line = parse("a<in>out;b&c>>'my log'&&d x").unwrap();
        let a = Command { input: Some("in".into()), output: Some(Output::Replace("out".into())), ..command(&["a"]) };
        let c = Command { output: Some(Output::Append("my log".into())), ..command(&["c"]) };
        assert_eq!(
            line,
            [
                Chain::Foreground(vec![a]),
                Chain::Background(command(&["b"])),
                Chain::Foreground(vec![c, command(&["d", "x"])]),
            ]
        );
    }

    #[test]
    fn what_means_nothing_is_said_to() {
        for (line, error) in [
            ("echo 'a", ParseError::OpenQuote('\'')),
            ("echo \"a\\\"", ParseError::OpenQuote('"')),
            ("echo \\", ParseError::NothingAfterBackslash),
            ("; ls", ParseError::NoCommand(";")),
            ("ls ;; ls", ParseError::NoCommand(";")),
            ("&", ParseError::NoCommand("&")),
            ("ls && && ls", ParseError::NoCommand("&&")),
            ("ls &&", ParseError::NoCommand("&&")),
            ("> x", ParseError::NoCommand("the end")),
            ("ls >", ParseError::NoFile(">")),
            ("ls >> ; ls", ParseError::NoFile(">>")),
            ("ls < < x", ParseError::NoFile("<")),
            ("ls > a > b", ParseError::Twice(">")),
            ("ls > a >> b", ParseError::Twice(">")),
            ("ls < a < b", ParseError::Twice("<")),
            ("ls | cat", ParseError::NoPipes),
            ("ls && ls &", ParseError::ChainInBackground),
        ] {
            assert_eq!(parse(line), Err(error), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd(line in ".*") {
            let _ = parse(&line);
        }

        #[test]
        fn no_line_of_signs_is_too_odd(line in "[a&;|<>'\"\\\\# ]{0,30}") {
            if let Ok(chains) = parse(&line) {
                for chain in chains {
                    let commands = match chain {
                        Chain::Foreground(commands) => commands,
                        Chain::Background(command) => vec![command],
                    };
                    prop_assert_eq!(commands.iter().filter(|command| command.words.is_empty()).count(), 0);
                    prop_assert_eq!(commands.is_empty(), false);
                }
            }
        }

        #[test]
        fn quoted_words_come_back(words in proptest::collection::vec(".*", 1..6)) {
            let line = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
            let expected: Vec<&str> = words.iter().map(String::as_str).collect();
            prop_assert_eq!(parse(&line), one(&expected));
        }
    }
}
