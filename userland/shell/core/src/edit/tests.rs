use super::{COLUMNS, Editor, Event};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

/// Presses keys on a new line; returns the line that is entered, if one is.
fn typed(editor: &mut Editor, bytes: &[u8]) -> Option<String> {
    let mut out = String::new();
    editor.begin("> ", &mut out);
    bytes.iter().find_map(|&byte| match editor.feed(byte, &mut out) {
        Event::Entered(line) => Some(line),
        _ => None,
    })
}

fn line(bytes: &[u8]) -> String {
    typed(&mut Editor::default(), &[bytes, b"\r"].concat()).unwrap()
}

#[test]
fn keys_edit_the_line() {
    assert_eq!(line(b"helo\x1b[Dl"), "hello");
    assert_eq!(line(b"ello\x01h\x05!"), "hello!");
    assert_eq!(line(b"ello\x1b[Hh\x1b[F!"), "hello!");
    assert_eq!(line(b"hello\x7f\x7fp"), "help");
    assert_eq!(line(b"hello\x01\x1b[3~\x04"), "llo");
    assert_eq!(line(b"cat some notes\x17\x17things"), "cat things");
    assert_eq!(line(b"one two\x1b[D\x1b[D\x1b[D\x0bthree \x19"), "one three two");
    assert_eq!(line(b"rm all\x15ls"), "ls");
    assert_eq!(line("äö\x1b[D\x7f".as_bytes()), "ö");
    assert_eq!(line(b"\x7f\x1b[D\x17\x0b\x15\x19"), "");
}

#[test]
fn arrows_bring_lines_back() {
    let mut editor = Editor::default();
    for text in ["one", "two"] {
        assert_eq!(typed(&mut editor, format!("{text}\r").as_bytes()).as_deref(), Some(text));
    }
    assert_eq!(typed(&mut editor, b"\x1b[A\x1b[A!\r").as_deref(), Some("one!"));
    assert_eq!(typed(&mut editor, b"dra\x1b[A\x1b[A\x1b[B\x1b[Bft\r").as_deref(), Some("draft"));
    assert_eq!(editor.history().lines().collect::<Vec<_>>(), ["one", "two", "one!", "draft"]);
}

#[test]
fn control_keys_end_lines_and_input() {
    let mut editor = Editor::default();
    let mut out = String::new();
    editor.begin("> ", &mut out);
    assert_eq!(editor.feed(b'x', &mut out), Event::Edited);
    assert_eq!(editor.feed(4, &mut out), Event::Edited);
    assert_eq!(editor.feed(3, &mut out), Event::GivenUp);
    editor.begin("> ", &mut out);
    assert_eq!(editor.feed(9, &mut out), Event::Complete);
    assert_eq!(editor.feed(4, &mut out), Event::Ended);
}

#[test]
fn typing_at_the_end_shows_no_more_than_what_is_typed() {
    let (mut editor, mut out) = (Editor::default(), String::new());
    editor.begin("> ", &mut out);
    b"ls".iter().for_each(|&byte| assert_eq!(editor.feed(byte, &mut out), Event::Edited));
    assert_eq!(out, "\r> \x1b[Kls");
}

/// The row of a terminal, and its cursor, after it was shown `out`.
fn row(out: &str) -> (Vec<char>, usize) {
    let (mut row, mut cursor) = (vec![' '; COLUMNS], 0);
    let mut rest = out.chars();
    while let Some(character) = rest.next() {
        match character {
            '\r' => cursor = 0,
            '\x1b' => {
                let sequence: String = rest.by_ref().take_while_inclusive_letter();
                match sequence.chars().last() {
                    Some('K') => row[cursor..].fill(' '),
                    Some('D') => cursor -= sequence[1..sequence.len() - 1].parse::<usize>().unwrap(),
                    other => panic!("{other:?}"),
                }
            }
            _ => {
                row[cursor] = character;
                cursor += 1;
            }
        }
    }
    (row, cursor)
}

trait TakeSequence: Iterator<Item = char> {
    fn take_while_inclusive_letter(&mut self) -> String {
        let mut taken = String::new();
        for character in self {
            taken.push(character);
            if character.is_ascii_alphabetic() {
                break;
            }
        }
        taken
    }
}

impl<T: Iterator<Item = char>> TakeSequence for T {}

const KEYS: [&[u8]; 12] =
    [b"a", b"b", b"\xC3\xA4", b" ", b"\x1b[D", b"\x1b[C", b"\x7f", b"\x01", b"\x05", b"\x0b", b"\x17", b"\x19"];

proptest! {
    /// Whatever is pressed, the terminal shows the part of the line around the cursor, and its own cursor stands there.
    #[test]
    fn the_terminal_shows_the_line(presses in proptest::collection::vec(any::<u8>(), 0..400)) {
        let (mut editor, mut out) = (Editor::default(), String::new());
        editor.begin("> ", &mut out);
        for press in presses {
            // Mostly letters, so that lines become long.
            let key = KEYS[if press < 200 { usize::from(press % 4) } else { usize::from(press) % KEYS.len() }];
            key.iter().for_each(|&byte| { editor.feed(byte, &mut out); });
            let (row, cursor) = row(&out);
            let shown: String = row.iter().collect::<String>()[2..].into();
            let all: Vec<char> = editor.text.chars().collect();
            let expected: String = all[editor.hidden..].iter().take(editor.room()).collect();
            prop_assert_eq!(shown.trim_end(), expected.trim_end());
            prop_assert_eq!(cursor, 2 + editor.column() - editor.hidden);
            prop_assert!(cursor < COLUMNS);
        }
    }
}
