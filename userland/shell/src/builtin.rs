//! What the shell does itself.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use libsys::Error;
use shell_core::history::History;

/// A command that is built in.
struct BuiltIn {
    name: &'static str,
    /// The line in the list of commands.
    purpose: &'static str,
    /// The answer to `--help`.
    usage: &'static str,
}

const BUILT_IN: [BuiltIn; 7] = [
    BuiltIn {
        name: "help",
        purpose: "Lists programs and keys",
        usage: "usage: help [PROGRAM | line]\nLists the programs. `help PROGRAM` tells more about one of them, and\n`help line` what a line may hold.",
    },
    BuiltIn {
        name: "exit",
        purpose: "Ends shell and machine",
        usage: "usage: exit [STATUS]\nEnds the shell, and with it the machine.",
    },
    BuiltIn {
        name: "jobs",
        purpose: "Lists background programs",
        usage: "usage: jobs\nLists the programs that run in the background.",
    },
    BuiltIn {
        name: "fg",
        purpose: "Waits for a program",
        usage: "usage: fg [PID]\nBrings a program from the background to the foreground: the shell waits for\nit, and Ctrl-C ends it.",
    },
    BuiltIn {
        name: "history",
        purpose: "Lists earlier lines",
        usage: "usage: history\nLists the lines that were typed before.",
    },
    BuiltIn {
        name: "realtime",
        purpose: "Starts in the first class",
        usage: "usage: realtime PROGRAM [ARGUMENT...]\nStarts a program in the highest class.",
    },
    BuiltIn {
        name: "background",
        purpose: "Starts in the last class",
        usage: "usage: background PROGRAM [ARGUMENT...]\nStarts a program in the lowest class.",
    },
];

/// The names of the commands that are built in.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|command| command.name)
}

/// The answer to `--help` after a command that is built in, or to `help line`.
pub fn explain(word: &str) -> Option<String> {
    if word == LINE {
        return Some(format!("{SIGNS}\n"));
    }
    let command = BUILT_IN.iter().find(|command| command.name == word)?;
    Some(format!("built in: {}\n{}\n", command.name, command.usage))
}

/// After `help`: asks for [`SIGNS`].
const LINE: &str = "line";

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

/// The programs for people, and what each is for.
///
/// # Errors
/// Those of reading the list of programs.
pub fn programs() -> Result<Vec<(String, String)>, Error> {
    Ok(tools::programs()?.into_iter().filter(|(_, purpose)| !purpose.is_empty()).collect())
}

/// Lists all commands on one screen.
///
/// # Errors
/// Those of reading the list of programs.
pub fn help() -> Result<String, Error> {
    let cell = |name: &str, purpose: &str| format!("  {name:<10} {purpose}");
    let programs: Vec<String> = programs()?.iter().map(|(name, purpose)| cell(name, purpose)).collect();
    let built_in: Vec<String> = BUILT_IN.iter().map(|command| cell(command.name, command.purpose)).collect();
    let (programs, built_in) = (tools::columns(&programs), tools::columns(&built_in));
    Ok(format!(
        "Programs; each tells more with --help:\n{programs}Built in; each tells more with --help:\n{built_in}\
         `help line` shows what else a line may hold, and the keys that edit it.\n"
    ))
}

/// Lists the lines of before.
pub fn history(lines: Option<&History>) -> String {
    let lines = lines.into_iter().flat_map(History::lines);
    (1..).zip(lines).map(|(number, line): (u32, &str)| format!("{number:>4}  {line}\n")).collect()
}
