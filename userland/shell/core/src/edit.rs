//! A line that is edited on a terminal: keys in, text for the terminal out.
//!
//! A line that is longer than the terminal is wide is shown in part, so that the terminal never begins a new row by itself.

#[cfg(test)]
mod tests;

use alloc::format;
use alloc::string::String;

use crate::history::History;
use crate::keys::{Decoder, Key};

/// How wide terminals are taken to be: as wide as the machine's own screen.
const COLUMNS: usize = 80;

/// What a key has led to, beyond a changed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing.
    Edited,
    /// The line was entered.
    Entered(String),
    /// The line was given up, by Ctrl-C.
    GivenUp,
    /// There will be no more lines: Ctrl-D on an empty one.
    Ended,
    /// The word before the cursor is to be completed.
    Complete,
}

/// The line, and what is needed to edit it.
#[derive(Clone, Debug, Default)]
pub struct Editor {
    prompt: String,
    text: String,
    /// The byte of the text before which the cursor stands.
    cursor: usize,
    /// How many characters to the left of what is shown.
    hidden: usize,
    /// What was cut out last.
    cut: String,
    decoder: Decoder,
    history: History,
}

impl Editor {
    /// Begins a line behind this prompt.
    pub fn begin(&mut self, prompt: &str, out: &mut String) {
        self.prompt = prompt.into();
        self.text.clear();
        self.cursor = 0;
        self.redraw(out);
    }

    /// Takes a byte that the terminal sent; what it is to show is added to `out`.
    pub fn feed(&mut self, byte: u8, out: &mut String) -> Event {
        match self.decoder.feed(byte) {
            Some(key) => self.press(&key, out),
            None => Event::Edited,
        }
    }

    /// The line up to the cursor.
    pub fn before_cursor(&self) -> &str {
        &self.text[..self.cursor]
    }

    /// The lines of before.
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// Inserts a text at the cursor.
    pub fn insert(&mut self, text: &str, out: &mut String) {
        let is_at_end = self.cursor == self.text.len();
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
        if is_at_end && self.hidden == 0 && self.column() < self.room() {
            out.push_str(text);
        } else {
            self.redraw(out);
        }
    }

    /// Shows prompt and line in the terminal's present row.
    pub fn redraw(&mut self, out: &mut String) {
        let (column, room) = (self.column(), self.room());
        self.hidden = self.hidden.clamp((column + 1).saturating_sub(room), column);
        let shown: String = self.text.chars().skip(self.hidden).take(room).collect();
        out.push('\r');
        out.push_str(&self.prompt);
        out.push_str(&shown);
        out.push_str("\x1b[K");
        let behind = shown.chars().count() - (column - self.hidden).min(shown.chars().count());
        if behind > 0 {
            out.push_str(&format!("\x1b[{behind}D"));
        }
    }

    /// How many characters are before the cursor.
    fn column(&self) -> usize {
        self.before_cursor().chars().count()
    }

    /// How many characters can be shown; the last column stays free, for the cursor.
    fn room(&self) -> usize {
        (COLUMNS - 1).saturating_sub(self.prompt.chars().count()).max(8)
    }

    fn press(&mut self, key: &Key, out: &mut String) -> Event {
        match key {
            Key::Character(character) => self.insert(character.encode_utf8(&mut [0; 4]), out),
            Key::Enter => return self.enter(out),
            Key::Control(b'c') => return self.give_up(out),
            Key::Control(b'd') if self.text.is_empty() => return self.end(out),
            Key::Control(b'i') => return Event::Complete,
            Key::Control(b'l') => {
                out.push_str("\x1b[2J\x1b[H");
                self.redraw(out);
            }
            Key::Up | Key::Control(b'p') => {
                let older = self.history.older(&self.text);
                self.replace(older, out);
            }
            Key::Down | Key::Control(b'n') => {
                let newer = self.history.newer();
                self.replace(newer, out);
            }
            Key::Backspace | Key::Delete | Key::Control(b'd' | b'k' | b'u' | b'w' | b'y') => self.change(key, out),
            _ => self.go(key, out),
        }
        Event::Edited
    }

    /// Moves the cursor.
    fn go(&mut self, key: &Key, out: &mut String) {
        self.cursor = match key {
            Key::Left | Key::Control(b'b') => self.previous(),
            Key::Right | Key::Control(b'f') => self.next(),
            Key::Home | Key::Control(b'a') => 0,
            Key::End | Key::Control(b'e') => self.text.len(),
            _ => return,
        };
        self.redraw(out);
    }

    /// Takes something out of the line, or puts it back.
    fn change(&mut self, key: &Key, out: &mut String) {
        let (start, end) = match key {
            Key::Backspace => (self.previous(), self.cursor),
            Key::Delete | Key::Control(b'd') => (self.cursor, self.next()),
            Key::Control(b'k') => (self.cursor, self.text.len()),
            Key::Control(b'u') => (0, self.cursor),
            Key::Control(b'w') => (self.start_of_word(), self.cursor),
            _ => {
                let cut = self.cut.clone();
                return self.insert(&cut, out);
            }
        };
        let taken: String = self.text.drain(start..end).collect();
        if matches!(key, Key::Control(b'k' | b'u' | b'w')) && !taken.is_empty() {
            self.cut = taken;
        }
        self.cursor = start;
        self.redraw(out);
    }

    /// Another line takes the place of this one, if there is one.
    fn replace(&mut self, line: Option<String>, out: &mut String) {
        if let Some(line) = line {
            self.cursor = line.len();
            self.text = line;
            self.redraw(out);
        }
    }

    fn enter(&mut self, out: &mut String) -> Event {
        self.cursor = self.text.len();
        out.push('\n');
        self.history.add(&self.text);
        Event::Entered(core::mem::take(&mut self.text))
    }

    fn give_up(&mut self, out: &mut String) -> Event {
        out.push_str("^C\n");
        self.history.add("");
        Event::GivenUp
    }

    fn end(&mut self, out: &mut String) -> Event {
        out.push('\n');
        Event::Ended
    }

    /// Where the character before the cursor begins.
    fn previous(&self) -> usize {
        self.before_cursor().char_indices().next_back().map_or(0, |(at, _)| at)
    }

    /// Where the character at the cursor ends.
    fn next(&self) -> usize {
        self.cursor + self.text[self.cursor..].chars().next().map_or(0, char::len_utf8)
    }

    /// Where the word before the cursor begins.
    fn start_of_word(&self) -> usize {
        let word = self.before_cursor().trim_end();
        word.rfind(' ').map_or(0, |at| at + 1)
    }
}
