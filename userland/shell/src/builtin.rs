//! What the shell does itself.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use libsys::Error;
use libsys::abi::image::PROGRAM_LIST;
use libsys::files::File;
use shell_core::history::History;

/// What is built in, and what it does.
const BUILT_IN: [(&str, &str); 7] = [
    ("help", "Lists the programs; `help PROGRAM` tells more about one"),
    ("exit", "Ends the shell, and the machine with it: `exit [STATUS]`"),
    ("jobs", "Lists what runs in the background"),
    ("fg", "Brings a program to the foreground, for Ctrl-C: `fg [PID]`"),
    ("history", "Lists the lines of before"),
    ("realtime", "Before a program: gives it the highest class"),
    ("background", "Before a program: gives it the lowest class"),
];

/// The names of what is built in.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// What a word that is built in does.
pub fn explain(word: &str) -> Option<String> {
    BUILT_IN.iter().find(|(name, _)| *name == word).map(|(name, purpose)| format!("built in: {name}\n{purpose}.\n"))
}

/// What can be written in a line besides words.
const SIGNS: &str = "A line may hold several commands:
  a; b       one after the other         a > file   its output goes to a file
  a && b     b only if a exits with 0    a >> file  behind what is in the file
  a &        in the background           a < file   its input comes from a file
  'a b'  \"a b\"  a\\ b  are one word, # begins a comment.
  Files may be devices: random 42, null, console.
Keys: arrows, Tab completes, Ctrl-A/E start and end, Ctrl-W/U/K cut,
  Ctrl-Y puts back, Ctrl-C ends, Ctrl-D ends input.
  On the machine's own screen, Shift-PageUp and Shift-PageDown look back.";

/// The programs that are for people, and what each is for.
pub fn programs() -> Result<Vec<(String, String)>, Error> {
    let mut list = Vec::new();
    tools::read_to_end(&mut File::open(PROGRAM_LIST)?, |bytes| {
        list.extend_from_slice(bytes);
        Ok(())
    })?;
    let text = String::from_utf8_lossy(&list);
    let lines = text.lines().map(|line| line.split_once("  ").unwrap_or((line, "")));
    Ok(lines.map(|(name, purpose)| (name.to_string(), purpose.to_string())).collect())
}

/// Lists all that can be said at the prompt.
pub fn help() -> Result<String, Error> {
    let row = |name: &str, purpose: &str| format!("  {name:<10} {purpose}\n");
    let built_in: String = BUILT_IN.iter().map(|(name, purpose)| row(name, purpose)).collect();
    let programs: String = programs()?.iter().map(|(name, purpose)| row(name, purpose)).collect();
    Ok(format!("Built in:\n{built_in}Programs; each tells more with --help:\n{programs}{SIGNS}\n"))
}

/// Lists the lines of before.
pub fn history(lines: Option<&History>) -> String {
    let lines = lines.into_iter().flat_map(History::lines);
    (1..).zip(lines).map(|(number, line): (u32, &str)| format!("{number:>4}  {line}\n")).collect()
}
