//! A line, cut into words and signs.

use alloc::string::String;
use alloc::vec::Vec;
use core::iter::Peekable;
use core::str::Chars;

use crate::parse::ParseError;

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A word, with what was quoted in it taken as it is.
    Word(String),
    /// `;`
    Semicolon,
    /// `&`
    Ampersand,
    /// `&&`
    And,
    /// `<`
    Input,
    /// `>`
    Output,
    /// `>>`
    Append,
}

/// Cuts a line into tokens. `'...'` takes everything as it is; in `"..."` and outside of quotes, `\` takes the next character as it is. A
/// word that begins with `#` makes the rest of the line a comment.
pub struct Tokens<'a>(Peekable<Chars<'a>>);

impl<'a> Tokens<'a> {
    /// The tokens of a line.
    pub fn new(line: &'a str) -> Self {
        Self(line.chars().peekable())
    }

    fn skip_blanks(&mut self) {
        while self.0.next_if(|character| character.is_whitespace()).is_some() {}
    }

    /// The next character is this one: it is taken.
    fn take(&mut self, character: char) -> bool {
        self.0.next_if_eq(&character).is_some()
    }

    /// The next word, and what is open at its end if that is the end of the line, too.
    fn word(&mut self) -> (String, Option<Open>) {
        let mut word = String::new();
        let mut open = None;
        while let Some(character) = self.0.next_if(|&character| !is_end_of_word(character)) {
            open = match character {
                '\'' | '"' => self.quoted(character, &mut word),
                '\\' => self.escaped(&mut word).err(),
                _ => {
                    word.push(character);
                    None
                }
            };
        }
        (word, open)
    }

    fn quoted(&mut self, quote: char, word: &mut String) -> Option<Open> {
        loop {
            match self.0.next() {
                None => return Some(Open::Quote(quote)),
                Some(end) if end == quote => return None,
                Some('\\') if quote == '"' => {
                    if self.escaped(word).is_err() {
                        return Some(Open::BackslashInQuote);
                    }
                }
                Some(character) => word.push(character),
            }
        }
    }

    /// What stands behind a backslash.
    fn escaped(&mut self, word: &mut String) -> Result<(), Open> {
        word.push(self.0.next().ok_or(Open::Backslash)?);
        Ok(())
    }
}

/// What is open where a line ends within a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// This quote.
    Quote(char),
    /// A backslash, outside of quotes.
    Backslash,
    /// A backslash within double quotes.
    BackslashInQuote,
}

impl From<Open> for ParseError {
    fn from(open: Open) -> Self {
        match open {
            Open::Quote(quote) => Self::OpenQuote(quote),
            Open::BackslashInQuote => Self::OpenQuote('"'),
            Open::Backslash => Self::NothingAfterBackslash,
        }
    }
}

/// The beginning of a line, and a word at its end that may go on.
pub struct Unfinished {
    /// The tokens before the word.
    pub before: Vec<Token>,
    /// The word so far; empty if none is begun.
    pub word: String,
    /// What is open in it.
    pub open: Option<Open>,
}

impl Unfinished {
    /// Takes a line apart; nothing if it ends in a comment, or means nothing whatever follows.
    pub fn of(line: &str) -> Option<Self> {
        let mut tokens = Tokens::new(line);
        let mut before = Vec::new();
        loop {
            tokens.skip_blanks();
            match tokens.0.peek() {
                None => return Some(Self { before, word: String::new(), open: None }),
                Some('#') => return None,
                Some(&character) if !is_end_of_word(character) => {
                    let (word, open) = tokens.word();
                    if tokens.0.peek().is_none() {
                        return Some(Self { before, word, open });
                    }
                    before.push(Token::Word(word));
                }
                Some(_) => before.push(tokens.next()?.ok()?),
            }
        }
    }
}

/// The character ends a word, unless it is quoted.
pub fn is_end_of_word(character: char) -> bool {
    character.is_whitespace() || matches!(character, ';' | '&' | '|' | '<' | '>')
}

impl Iterator for Tokens<'_> {
    type Item = Result<Token, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_blanks();
        let token = match *self.0.peek()? {
            '#' => return None,
            ';' => Token::Semicolon,
            '&' => Token::Ampersand,
            '|' => return Some(Err(ParseError::NoPipes)),
            '<' => Token::Input,
            '>' => Token::Output,
            _ => {
                let (word, open) = self.word();
                return Some(open.map_or(Ok(Token::Word(word)), |open| Err(open.into())));
            }
        };
        self.0.next();
        Some(Ok(match token {
            Token::Ampersand if self.take('&') => Token::And,
            Token::Output if self.take('>') => Token::Append,
            token => token,
        }))
    }
}
