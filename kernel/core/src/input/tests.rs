use super::{Arrival, Echo, Input, LINE_MAX_BYTES, TYPED_MAX_BYTES};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

fn typing(text: &[u8]) -> Input {
    let mut input = Input::new();
    for &byte in text {
        input.arrive(byte);
    }
    input
}

fn next_line(input: &mut Input) -> Option<Vec<u8>> {
    let mut buffer = [0; 300];
    input.read_line(&mut buffer, |_| {}).map(|count| buffer[..count].to_vec())
}

/// What is shown while a line is read.
fn shown(input: &mut Input) -> Vec<Echo> {
    let mut shown = Vec::new();
    input.read_line(&mut [0; 300], |echo| shown.push(echo));
    shown
}

#[test]
fn a_line_is_read_only_once_it_is_finished_and_shown_once_it_is_read() {
    let mut input = typing(b"ls");
    assert_eq!(shown(&mut input), [Echo::Byte(b'l'), Echo::Byte(b's')]);
    assert_eq!(next_line(&mut input), None);
    assert_eq!(input.arrive(b'\r'), Arrival::Typed);
    assert_eq!(next_line(&mut input), Some(b"ls\n".to_vec()));
    assert_eq!(next_line(&mut input), None);
}

#[test]
fn each_read_gives_at_most_one_line() {
    let mut input = typing(b"one\ntwo\r\nthree\r");
    for line in [b"one\n".as_slice(), b"two\n", b"three\n"] {
        assert_eq!(next_line(&mut input), Some(line.to_vec()));
    }
    assert_eq!(next_line(&mut input), None);
}

#[test]
fn a_short_buffer_gets_the_line_in_pieces() {
    let mut input = typing(b"abcde\nf\n");
    let mut buffer = [0; 4];
    assert_eq!((input.read_line(&mut buffer, |_| {}), &buffer), (Some(4), b"abcd"));
    assert_eq!((input.read_line(&mut buffer, |_| {}), &buffer[..2]), (Some(2), &b"e\n"[..]));
    assert_eq!((input.read_line(&mut buffer, |_| {}), &buffer[..2]), (Some(2), &b"f\n"[..]));
    assert_eq!(input.read_line(&mut buffer, |_| {}), None);
}

#[test]
fn backspace_takes_back_a_whole_character_and_stops_at_the_start() {
    let mut input = typing("aé\x7f\x08\x08\n".as_bytes());
    let [a, first, second] = [b'a', 0xC3, 0xA9].map(Echo::Byte);
    assert_eq!(shown(&mut input), [a, first, second, Echo::Erase(1), Echo::Erase(1), Echo::NewLine]);
}

#[test]
fn control_u_takes_back_the_line_but_no_finished_one() {
    let mut input = typing("kept\nnäh\x15\n".as_bytes());
    assert_eq!(next_line(&mut input), Some(b"kept\n".to_vec()));
    assert_eq!(shown(&mut input).iter().filter(|echo| **echo == Echo::Erase(3)).count(), 1);
    assert_eq!(next_line(&mut input), None);
}

#[test]
fn control_d_ends_the_input_once_and_hands_over_what_there_is() {
    let mut input = typing(b"abc\x04\x04x\n");
    let mut buffer = [0; 3];
    assert_eq!(input.read_line(&mut buffer, |_| {}), Some(3));
    assert_eq!(input.read_line(&mut buffer, |_| {}), Some(0));
    assert_eq!(next_line(&mut input), Some(b"x\n".to_vec()));
    assert_eq!(next_line(&mut input), None);
}

#[test]
fn control_c_gives_up_the_line_or_ends_somebody() {
    let mut input = typing(b"rm notes");
    assert!(!input.has_interrupt());
    assert_eq!(input.arrive(3), Arrival::Interrupt);
    assert!(input.has_interrupt());
    assert_eq!(shown(&mut input).last(), Some(&Echo::Interrupted));
    assert_eq!(next_line(&mut input), None);
    let mut input = typing(b"one\ntwo");
    assert_eq!(next_line(&mut input), Some(b"one\n".to_vec()));
    assert_eq!(next_line(&mut input), None);
    input.arrive(3);
    input.interrupted();
    assert!(!input.has_interrupt());
    input.arrive(b'\n');
    assert_eq!(next_line(&mut input), Some(b"\n".to_vec()));
}

#[test]
fn arrow_keys_leave_nothing_in_the_line() {
    let mut input = typing(b"a\x1b[Ab\x1bOP\x1b[15~c\n");
    assert_eq!(next_line(&mut input), Some(b"abc\n".to_vec()));
}

#[test]
fn keys_come_as_they_are() {
    let mut input = typing(b"a\x1b[A\x7f\r\x04");
    let mut buffer = [0; 5];
    assert_eq!((input.read_keys(&mut buffer), &buffer), (Some(5), b"a\x1b[A\x7f"));
    assert_eq!((input.read_keys(&mut buffer), &buffer[..2]), (Some(2), &b"\r\x04"[..]));
    assert_eq!(input.read_keys(&mut buffer), None);
    assert_eq!(input.read_keys(&mut []), Some(0));
}

#[test]
fn a_full_line_drops_what_is_typed_last() {
    let mut input = typing(&[b'x'; LINE_MAX_BYTES]);
    input.arrive(b'y');
    input.arrive(b'\n');
    let shown = shown(&mut input);
    assert_eq!(shown[LINE_MAX_BYTES..], [Echo::Bell, Echo::NewLine]);
}

#[test]
fn who_heeds_the_room_loses_nothing() {
    let mut input = Input::new();
    let mut typed = 0;
    while input.room() > 0 {
        assert_eq!(input.arrive(if typed % 100 == 99 { b'\n' } else { b'x' }), Arrival::Typed);
        typed += 1;
    }
    assert_eq!((typed, input.arrive(b'x')), (TYPED_MAX_BYTES, Arrival::Lost));
    next_line(&mut input);
    assert_eq!(input.room(), 100);
}

proptest! {
    #[test]
    fn whatever_is_typed_each_read_is_one_bounded_line(text in proptest::collection::vec(any::<u8>(), 0..6000)) {
        let mut input = typing(&text);
        let mut total = 0;
        while let Some(line) = next_line(&mut input) {
            prop_assert!(line.len() <= LINE_MAX_BYTES + 1);
            prop_assert!(!line[..line.len().saturating_sub(1)].contains(&b'\n'));
            total += line.len();
        }
        prop_assert!(total <= TYPED_MAX_BYTES);
        prop_assert_eq!(input.room(), TYPED_MAX_BYTES);
    }

    /// Readers of lines and of keys by turns: what is read is what was typed, in order, if nothing is corrected.
    #[test]
    fn nothing_is_lost_between_readers(text in "[a-z\n]{0,400}", turns in proptest::collection::vec((any::<bool>(), 1usize..20), 0..200)) {
        let mut input = typing(text.as_bytes());
        let mut read = Vec::new();
        for (keys, len) in turns.into_iter().chain([(true, 400)]) {
            let mut buffer = vec![0; len];
            let is_between_lines = read.last().is_none_or(|&byte| byte == b'\n');
            // Keys in the midst of a line that somebody is reading are another matter: they are that reader's.
            let count = if keys && is_between_lines {
                input.read_keys(&mut buffer)
            } else {
                input.read_line(&mut buffer, |_| {})
            };
            read.extend_from_slice(&buffer[..count.unwrap_or(0)]);
        }
        prop_assert!(text.as_bytes().starts_with(&read));
    }
}
