use super::{Begun, Completion, Place};
use crate::parse::{Chain, parse, quote};
use crate::words::Unfinished;
use proptest::prelude::{prop_assert, prop_assert_eq, prop_assume, proptest};

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
        ("> log ca", Place::Program, "ca"),
        ("yes & t", Place::Program, "t"),
        ("realtime p", Place::Program, "p"),
        ("ls; time p", Place::Program, "p"),
        ("time piggy p", Place::File, "p"),
        ("cat 'my no", Place::File, "my no"),
        ("cat \"my no", Place::File, "my no"),
        ("cat my\\ no", Place::File, "my no"),
        ("cat my\\", Place::File, "my"),
        ("cat 'a;b' c\\;d", Place::File, "c;d"),
        ("'hel", Place::Program, "hel"),
    ] {
        let begun = Begun::at_end(line).unwrap();
        assert_eq!((begun.place, begun.word.as_str()), (place, word), "{line}");
    }
    for line in ["# no", "ls # no", "ls | ca"] {
        assert_eq!(Begun::at_end(line), None, "{line}");
    }
}

#[test]
fn what_all_agree_in_is_inserted() {
    let names = ["piggy", "piggies", "ping", "cat", "my notes", "my nose", "it's", "a \"b\""];
    let complete = |line: &str| Begun::at_end(line).unwrap().complete(names.into_iter());
    let insert = |text: &str| Completion::Insert(text.into());
    assert_eq!(complete("c"), insert("at "));
    assert_eq!(complete("pigg"), Completion::Choices(vec!["piggies".into(), "piggy".into()]));
    assert_eq!(complete("piggy"), insert(" "));
    assert_eq!(complete("p"), insert("i"));
    assert_eq!(complete("x"), Completion::Choices(vec![]));
    assert_eq!(complete("my"), insert("\\ no"));
    assert_eq!(complete("'my"), insert(" no"));
    assert_eq!(complete("my\\"), insert(" no"));
    assert_eq!(complete("my\\ not"), insert("es "));
    assert_eq!(complete("'my not"), insert("es' "));
    assert_eq!(complete("\"my not"), insert("es\" "));
    assert_eq!(complete("'my 'not"), insert("es "));
    assert_eq!(complete("'it"), insert("'\\''s' "));
    assert_eq!(complete("\"a"), insert(" \\\"b\\\"\" "));
    // A blank would be part of the word.
    assert_eq!(complete("cat\\"), Completion::Choices(vec!["cat".into()]));
}

/// The words of a line that is one command.
fn words(line: &str) -> Option<Vec<String>> {
    match parse(line).ok()?.as_slice() {
        [Chain::Foreground(commands)] if commands.len() == 1 => Some(commands[0].words.clone()),
        _ => None,
    }
}

/// The word in one of the ways in which it can be begun.
fn begun(word: &str, way: u8) -> String {
    match way {
        0 if word.is_empty() => String::new(),
        0 => quote(word),
        1 => format!("'{}", word.replace('\'', "'\\''")),
        _ => format!("\"{}", word.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

proptest! {
    #[test]
    fn what_is_completed_is_read_as_the_name(name in "[ab;&<>'\"\\\\# ä|]{1,8}", at in 0..9usize, way in 0..3u8, ends_open in proptest::bool::ANY) {
        let at = name.char_indices().map(|(at, _)| at).chain([name.len()]).nth(at).unwrap_or(0);
        let mut line = format!("cat {}", begun(&name[..at], way));
        // Within single quotes, a backslash is one of the word.
        if ends_open && way != 1 {
            prop_assume!(at < name.len());
            line.push('\\');
        }
        let Completion::Insert(rest) = Begun::at_end(&line).unwrap().complete([name.as_str()].into_iter()) else {
            panic!("`{line}` cannot be completed");
        };
        prop_assert_eq!(words(&(line + &rest)), Some(vec!["cat".to_string(), name]));
    }

    #[test]
    fn a_word_grows_towards_all_that_fit(line in "[ab;&<>'\"\\\\# ]{0,8}", names in proptest::collection::vec("[ab'\"\\\\ ]{1,4}", 0..6)) {
        let Some(begun) = Begun::at_end(&line) else { return Ok(()) };
        let fitting: Vec<&String> = names.iter().filter(|name| name.starts_with(&begun.word)).collect();
        match begun.complete(names.iter().map(String::as_str)) {
            Completion::Insert(rest) => {
                prop_assert!(!rest.is_empty());
                let after = Unfinished::of(&(line + &rest)).unwrap();
                if fitting.iter().all(|name| *name == fitting[0]) && after.word.is_empty() {
                    prop_assert_eq!(after.before.last(), Some(&crate::words::Token::Word(fitting[0].clone())));
                } else {
                    prop_assert!(after.word.len() > begun.word.len());
                    prop_assert!(fitting.iter().all(|name| name.starts_with(&after.word)));
                }
            }
            Completion::Choices(choices) => prop_assert!(choices.iter().all(|choice| fitting.contains(&choice))),
        }
    }

    #[test]
    fn no_line_is_too_odd_to_be_completed(line in ".*") {
        let begun = Begun::at_end(&line);
        prop_assert!(begun.is_none_or(|begun| begun.complete(["a", "b c"].into_iter()) != Completion::Insert(String::new())));
    }
}
