//! Completing a word that was begun.

#[cfg(test)]
mod tests;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::parse::quote_part;
use crate::words::{Open, Token, Unfinished};

/// What completing comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completion {
    /// This is to be inserted at the cursor.
    Insert(String),
    /// Nothing can be inserted; these are the words that it could become.
    Choices(Vec<String>),
}

/// What a word at the end of a line can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The name of a program: the first word of a command.
    Program,
    /// The name of a file: any other.
    File,
}

/// An unfinished word at the end of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// What it can be.
    pub place: Place,
    /// What it means so far.
    word: String,
    open: Option<Open>,
}

impl Begun {
    /// The word at the end of a line; nothing where there can be none.
    pub fn at_end(line: &str) -> Option<Self> {
        let Unfinished { before, word, open } = Unfinished::of(line)?;
        Some(Self { place: place_behind(&before), word, open })
    }

    /// Completes it to one of `names`: as far as all that begin with it agree, and by its end if there is just one.
    pub fn complete<'a>(&self, names: impl Iterator<Item = &'a str>) -> Completion {
        let mut fitting: Vec<&str> = names.filter(|name| name.starts_with(&self.word)).collect();
        fitting.sort_unstable();
        fitting.dedup();
        let (Some(first), Some(last)) = (fitting.first(), fitting.last()) else {
            return Completion::Choices(Vec::new());
        };
        // In order, so that what the first and the last agree in is what all agree in.
        let agreed = first.chars().zip(last.chars()).take_while(|(one, other)| one == other);
        let agreed: usize = agreed.map(|(character, _)| character.len_utf8()).sum();
        let rest = &first[self.word.len()..agreed];
        let is_known = fitting.len() == 1;
        // Behind a backslash, what would end the word is part of it.
        let can_end = !(rest.is_empty() && matches!(self.open, Some(Open::Backslash | Open::BackslashInQuote)));
        match (is_known, rest.is_empty()) {
            (true, _) if can_end => Completion::Insert(self.written(rest) + self.end()),
            (_, false) => Completion::Insert(self.written(rest)),
            _ => Completion::Choices(fitting.iter().map(ToString::to_string).collect()),
        }
    }

    /// How the rest of the word must be written where it is.
    fn written(&self, rest: &str) -> String {
        match self.open {
            None => quote_part(rest),
            Some(Open::Quote(quote)) => within(quote, rest),
            Some(Open::Backslash) => behind_backslash(rest, quote_part),
            Some(Open::BackslashInQuote) => behind_backslash(rest, |rest| within('"', rest)),
        }
    }

    /// What ends it.
    const fn end(&self) -> &'static str {
        match self.open {
            None | Some(Open::Backslash) => " ",
            Some(Open::Quote('\'')) => "' ",
            Some(Open::Quote(_) | Open::BackslashInQuote) => "\" ",
        }
    }
}

/// Part of a word, as it must be written within this quote.
fn within(quote: char, part: &str) -> String {
    let mut written = String::new();
    for character in part.chars() {
        match (quote, character) {
            // Nothing is special there but the end: the quote is closed for it and opened again.
            ('\'', '\'') => written.push_str("'\\''"),
            ('"', '"' | '\\') => written.extend(['\\', character]),
            _ => written.push(character),
        }
    }
    written
}

/// Part of a word, the first character of which is taken as it is.
fn behind_backslash(part: &str, write: impl Fn(&str) -> String) -> String {
    let first_len = part.chars().next().map_or(0, char::len_utf8);
    let (first, rest) = part.split_at(first_len);
    String::from(first) + &write(rest)
}

/// What a word behind these tokens can be.
fn place_behind(tokens: &[Token]) -> Place {
    let is_end = |token: &Token| matches!(token, Token::Semicolon | Token::Ampersand | Token::And);
    let start = tokens.iter().rposition(is_end).map_or(0, |at| at + 1);
    let mut words = Vec::new();
    let mut names_file = false;
    for token in &tokens[start..] {
        match token {
            Token::Word(_) if names_file => names_file = false,
            Token::Word(word) => words.push(word.as_str()),
            _ => names_file = true,
        }
    }
    match words.as_slice() {
        _ if names_file => Place::File,
        // Behind these, a program is named.
        [] | ["realtime" | "background" | "time" | "help"] => Place::Program,
        _ => Place::File,
    }
}
