//! A tip for those who leave out the `--` before a program.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Cli;

/// The error, with a tip if the words would have been right with `--` before the first unexpected one.
pub fn with_tip(mut error: clap::Error, words: &[String]) -> clap::Error {
    if let Some(line) = corrected(&error, words) {
        let tip = format!("to run a program, write `--` before it: '{line}'");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// The command line with `--` before the word that was not expected; `None` if that would not help.
fn corrected(error: &clap::Error, words: &[String]) -> Option<String> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(unexpected)) = error.get(ContextKind::InvalidArg) else { return None };
    let place = words.iter().skip(2).position(|word| word == unexpected)? + 2;
    let (before, program) = words.split_at(place);
    let command = Cli::command();
    let runs_a_program = command.find_subcommand(&before[1])?.get_arguments().any(|argument| argument.is_last_set());
    let is_option = unexpected.starts_with('-') || before.iter().any(|word| word == "--");
    (runs_a_program && !is_option).then(|| format!("cargo xtask {} -- {}", before[1..].join(" "), program.join(" ")))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Cli, with_tip};

    fn answer(words: &[&str]) -> String {
        let words: Vec<String> = ["xtask"].iter().chain(words).map(ToString::to_string).collect();
        with_tip(Cli::try_parse_from(&words).unwrap_err(), &words).to_string()
    }

    #[test]
    fn program_without_dashes_is_answered_with_a_tip() {
        let answer_to = answer(&["run", "--frames", "64", "hello", "you"]);
        assert!(answer_to.contains("'cargo xtask run --frames 64 -- hello you'"), "{answer_to}");
        assert!(answer(&["screenshot", "a.png", "hello"]).contains("screenshot a.png -- hello"));
    }

    #[test]
    fn other_mistakes_get_no_tip_about_programs() {
        for words in [&["run", "--farmes", "64"][..], &["test", "one", "two"], &["run", "--frames", "1"]] {
            assert!(!answer(words).contains("to run a program"), "{words:?}");
        }
    }
}
