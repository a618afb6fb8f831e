//! Where lines come from: a terminal on which they are edited, a plain console, or a file.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use libsys::abi::device::DeviceKind;
use libsys::files::{self, File, standard_input};
use libsys::{Error, console, print, println};
use shell_core::complete::{Begun, Completion, Place};
use shell_core::edit::{Editor, Event};
use shell_core::history::History;

use crate::builtin;

/// How wide a list of words may be.
const COLUMNS: usize = 79;
/// What a terminal takes for a sound.
const BELL: char = '\x07';
/// How much of a file is read to find the end of a line.
const CHUNK_BYTES: usize = 128;

/// The shell's input.
pub enum Input {
    /// Lines are edited here, key by key.
    Terminal { keys: File, editor: Editor },
    /// The console edits lines in its own, simpler way, or they come through it from a pipe.
    Console,
    /// They are read from a file or some other device.
    File,
}

impl Input {
    /// Finds out what standard input is.
    pub fn open() -> Result<Self, Error> {
        if standard_input().info()?.device != DeviceKind::Console {
            return Ok(Self::File);
        }
        match File::open("console keys") {
            Ok(keys) => Ok(Self::Terminal { keys, editor: Editor::default() }),
            Err(Error::NotSupported) => Ok(Self::Console),
            Err(error) => Err(error),
        }
    }

    /// Somebody may look at the console: there is a prompt.
    pub const fn is_from_people(&self) -> bool {
        !matches!(self, Self::File)
    }

    /// The lines of before, as far as they are remembered.
    pub const fn history(&self) -> Option<&History> {
        match self {
            Self::Terminal { editor, .. } => Some(editor.history()),
            Self::Console | Self::File => None,
        }
    }

    /// The next line; nothing at the end.
    pub fn next_line(&mut self, prompt: &str) -> Result<Option<String>, Error> {
        match self {
            Self::Terminal { keys, editor } => edit_line(keys, editor, prompt),
            Self::Console => {
                print!("{prompt}");
                console::flush();
                read_line(&mut standard_input())
            }
            Self::File => read_line(&mut standard_input()),
        }
    }
}

/// Lets a line be edited on the terminal.
fn edit_line(keys: &mut File, editor: &mut Editor, prompt: &str) -> Result<Option<String>, Error> {
    let mut shown = String::new();
    editor.begin(prompt, &mut shown);
    loop {
        print!("{shown}");
        console::flush();
        shown.clear();
        // One by one: what was typed ahead behind Enter is for the program that is started then.
        let mut key = [0];
        keys.read(&mut key)?;
        let event = editor.feed(key[0], &mut shown);
        if event == Event::Complete {
            complete_word(editor, &mut shown);
            continue;
        }
        match event {
            Event::Edited | Event::Complete => continue,
            Event::GivenUp => editor.begin(prompt, &mut shown),
            Event::Entered(line) => {
                print!("{shown}");
                return Ok(Some(line));
            }
            Event::Ended => {
                print!("{shown}");
                return Ok(None);
            }
        }
    }
}

/// Completes the word before the cursor, or shows what it could become.
fn complete_word(editor: &mut Editor, shown: &mut String) {
    let Some(begun) = Begun::at_end(editor.before_cursor()) else {
        shown.push(BELL);
        return;
    };
    let files: Vec<String> = files::directory().map(|entry| entry.name().to_string()).collect();
    let completion = match begun.place {
        Place::File => begun.complete(files.iter().map(String::as_str)),
        Place::Program => {
            let programs = builtin::programs().unwrap_or_default();
            let built_in: Vec<&str> = builtin::names().collect();
            begun.complete(programs.iter().map(|(name, _)| name.as_str()).chain(built_in))
        }
    };
    match completion {
        Completion::Insert(text) => editor.insert(&text, shown),
        Completion::Choices(words) if words.is_empty() => shown.push(BELL),
        Completion::Choices(words) => {
            println!();
            print_in_columns(&words);
            editor.redraw(shown);
        }
    }
}

fn print_in_columns(words: &[String]) {
    let width = words.iter().map(|word| word.chars().count()).max().unwrap_or(0) + 2;
    for row in words.chunks((COLUMNS / width).max(1)) {
        for word in row {
            print!("{word:<width$}");
        }
        println!();
    }
}

/// Reads a line, and no byte more: the rest is for the programs that the line starts. Nothing at the end.
fn read_line(from: &mut File) -> Result<Option<String>, Error> {
    let mut line = Vec::new();
    loop {
        let mut chunk = [0; CHUNK_BYTES];
        let count = from.read(&mut chunk)?;
        let read = chunk.get(..count).unwrap_or_default();
        if read.is_empty() {
            return Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned()));
        }
        let Some(end) = read.iter().position(|&byte| byte == b'\n') else {
            line.extend_from_slice(read);
            continue;
        };
        line.extend_from_slice(&read[..end]);
        give_back(from, read.len() - end - 1)?;
        return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
    }
}

/// The last so many bytes were not for us. A console gives no more than a line at a time.
fn give_back(to: &mut File, count: usize) -> Result<(), Error> {
    let info = to.info()?;
    if info.device == DeviceKind::File
        && let Ok(count) = u32::try_from(count)
    {
        to.seek(info.position - count)?;
    }
    Ok(())
}
