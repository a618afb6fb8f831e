//! Completing a word that was begun.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::words::is_end_of_word;

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

/// The unfinished word at the end of a line, and what it can be. Quoted words are not looked into.
pub fn word_at_end(line: &str) -> (Place, &str) {
    let start = line.rfind(is_end_of_word).map_or(0, |at| at + line[at..].chars().next().map_or(1, char::len_utf8));
    let before = line[..start].trim_end();
    let is_first = before.is_empty() || before.ends_with([';', '&']) || is_prefix_word(before);
    (if is_first { Place::Program } else { Place::File }, &line[start..])
}

/// The only word so far is one behind which a program is named.
fn is_prefix_word(before: &str) -> bool {
    let command = before.rfind([';', '&']).map_or(before, |at| &before[at + 1..]);
    matches!(command.trim(), "realtime" | "background" | "time" | "help")
}

/// Completes `word` to one of `names`: as far as all that begin with it agree, and by a space behind it if there is just one.
pub fn complete<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Completion {
    let mut fitting: Vec<&str> = names.filter(|name| name.starts_with(word)).collect();
    fitting.sort_unstable();
    fitting.dedup();
    let (Some(first), Some(last)) = (fitting.first(), fitting.last()) else { return Completion::Choices(Vec::new()) };
    // In order, so that what the first and the last agree in is what all agree in.
    let agreed = first.chars().zip(last.chars()).take_while(|(one, other)| one == other);
    let agreed: usize = agreed.map(|(character, _)| character.len_utf8()).sum();
    let rest = &first[word.len()..agreed];
    match fitting.as_slice() {
        [_] => Completion::Insert(crate::parse::quote_part(rest) + " "),
        _ if !rest.is_empty() => Completion::Insert(crate::parse::quote_part(rest)),
        _ => Completion::Choices(fitting.iter().map(ToString::to_string).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Completion, Place, complete, word_at_end};
    use proptest::prelude::{prop_assert, proptest};

    #[test]
    fn the_first_word_of_a_command_is_a_program() {
        for (line, place, word) in [
            ("", Place::Program, ""),
            ("pig", Place::Program, "pig"),
            ("cat no", Place::File, "no"),
            ("cat ", Place::File, ""),
            ("cat a; l", Place::Program, "l"),
            ("cat a && l", Place::Program, "l"),
            ("cat >no", Place::File, "no"),
            ("yes & t", Place::Program, "t"),
            ("realtime p", Place::Program, "p"),
            ("ls; time p", Place::Program, "p"),
            ("time piggy p", Place::File, "p"),
        ] {
            assert_eq!(word_at_end(line), (place, word), "{line}");
        }
    }

    #[test]
    fn what_all_agree_in_is_inserted() {
        let names = || ["piggy", "piggies", "ping", "cat", "my notes", "my nose"].into_iter();
        let insert = |text: &str| Completion::Insert(text.into());
        assert_eq!(complete("c", names()), insert("at "));
        assert_eq!(complete("pigg", names()), Completion::Choices(vec!["piggies".into(), "piggy".into()]));
        assert_eq!(complete("piggy", names()), insert(" "));
        assert_eq!(complete("p", names()), insert("i"));
        assert_eq!(complete("x", names()), Completion::Choices(vec![]));
        assert_eq!(complete("my", names()), insert("\\ no"));
    }

    proptest! {
        #[test]
        fn what_is_inserted_leads_to_a_name(word in "[abä]{0,3}", names in proptest::collection::vec("[abä]{0,6}", 0..8)) {
            if let Completion::Insert(rest) = complete(&word, names.iter().map(String::as_str)) {
                let whole = format!("{word}{rest}");
                prop_assert!(names.iter().any(|name| name.starts_with(whole.trim_end())));
            }
        }
    }
}
