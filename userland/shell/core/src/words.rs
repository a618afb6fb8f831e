//! A line, cut into words and signs.

use alloc::string::String;
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

    /// The next character is this one: it is taken.
    fn take(&mut self, character: char) -> bool {
        self.0.next_if_eq(&character).is_some()
    }

    fn word(&mut self) -> Result<Token, ParseError> {
        let mut word = String::new();
        while let Some(character) = self.0.next_if(|&character| !is_end_of_word(character)) {
            match character {
                '\'' => self.quoted('\'', &mut word)?,
                '"' => self.quoted('"', &mut word)?,
                '\\' => word.push(self.0.next().ok_or(ParseError::NothingAfterBackslash)?),
                _ => word.push(character),
            }
        }
        Ok(Token::Word(word))
    }

    fn quoted(&mut self, quote: char, word: &mut String) -> Result<(), ParseError> {
        loop {
            match self.0.next().ok_or(ParseError::OpenQuote(quote))? {
                end if end == quote => return Ok(()),
                '\\' if quote == '"' => word.push(self.0.next().ok_or(ParseError::OpenQuote(quote))?),
                character => word.push(character),
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
        while self.0.next_if(|character| character.is_whitespace()).is_some() {}
        let token = match *self.0.peek()? {
            '#' => return None,
            ';' => Token::Semicolon,
            '&' => Token::Ampersand,
            '|' => return Some(Err(ParseError::NoPipes)),
            '<' => Token::Input,
            '>' => Token::Output,
            _ => return Some(self.word()),
        };
        self.0.next();
        Some(Ok(match token {
            Token::Ampersand if self.take('&') => Token::And,
            Token::Output if self.take('>') => Token::Append,
            token => token,
        }))
    }
}
