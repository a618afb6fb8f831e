//! Fork bombs at the prompt: what starts itself for ever takes all processes there can be, but not the machine from who sits at it.

use std::time::Duration;

use super::guest::{Boot, Outcome};
use super::report::Verdict;
use super::scenarios::Judge;
use super::sessions::expect;

/// The shell answers within this time whatever the bomb does. It takes much less; but where it stands in line with the bomb, it takes
/// a time slice of each process, more than ten seconds in all.
const AT_ONCE: Duration = Duration::from_secs(4);

/// All sessions with a bomb.
pub fn sessions() -> Vec<(Boot, Judge)> {
    let session = |name: &str, steps| Boot { dialogue: Some(steps), ..Boot::new(name, &[]) };
    vec![
        (
            session(
                "a_fork_bomb_and_all_that_descends_from_it_ends_by_control_c",
                &[
                    ("> ", b"assist fork-bomb\r"),
                    ("fork-bomb\n", b""),
                    // As full as it gets.
                    ("assist: no more\n", b"\x03"),
                    ("^C\n", b""),
                    ("[130] > ", b"hello after all\r"),
                    (": after all!\n", b""),
                    ("> ", b"ps\r"),
                    (" 5 ps\n", b""),
                    ("> ", b"exit\r"),
                ],
            ),
            nothing_is_left,
        ),
        (
            session(
                "a_fork_bomb_in_the_background_can_be_fetched_and_ended",
                &[
                    ("> ", b"assist fork-bomb &\r"),
                    ("assist: no more\n", b"\r"),
                    // There may be no room for a program; this needs none.
                    ("> ", b"fg 99\r"),
                    ("does not run in the background", b""),
                    ("[1] > ", b"fg\r"),
                    ("fg\nassist fork-bomb\n", b"\x03"),
                    ("[130] > ", b"hello after all\r"),
                    (": after all!\n", b""),
                    ("> ", b"ps\r"),
                    (" 5 ps\n", b""),
                    ("> ", b"exit\r"),
                ],
            ),
            nothing_is_left,
        ),
        (
            session(
                "a_fork_bomb_that_never_sleeps_does_not_keep_the_shell_from_answering",
                &[
                    ("> ", b"hello && free\r"),
                    ("of the kernel's own are free\n", b""),
                    ("> ", b"assist spinning-bomb &\r"),
                    ("assist: no more\n", b"\r"),
                    ("> ", b"\r"),
                    ("> ", b"jobs\r"),
                    ("] assist spinning-bomb\n", b""),
                    ("> ", b"kill 1\r"),
                    ("kill: 1: not permitted\n", b""),
                    ("[1] > ", b"hello\r"),
                    ("shell: cannot start hello: ", b""),
                    ("[126] > ", b"fg\r"),
                    ("fg\nassist spinning-bomb\n", b"\x03"),
                    ("[130] > ", b"sleep 1; free\r"),
                    ("of the kernel's own are free\n", b""),
                    ("> ", b"ps\r"),
                    ("> ", b"exit\r"),
                ],
            )
            .ram(64),
            |outcome| {
                answered_at_once(outcome, 4..14)?;
                holds_what_it_held(outcome)?;
                nothing_is_left(outcome)
            },
        ),
    ]
}

/// The machine has ended in order, and the table that `ps` has shown has nobody of the bomb.
fn nothing_is_left(outcome: &Outcome) -> Verdict {
    outcome.expect_status(0)?;
    let table = outcome.output.split("cpu ms").nth(1).ok_or("ps did not run")?;
    expect(!table.contains("assist"), "part of the bomb is left")
}

/// None of these steps of the dialogue had to wait.
fn answered_at_once(outcome: &Outcome, steps: std::ops::Range<usize>) -> Verdict {
    let waits = outcome.waits.get(steps).ok_or("the dialogue was not held to its end")?;
    let slow = waits.iter().find(|&&wait| wait > AT_ONCE);
    slow.map_or(Ok(()), |wait| Err(format!("the shell answered after {wait:?}")))
}

/// `free` shows at the end as many promises and page tables as at the start.
fn holds_what_it_held(outcome: &Outcome) -> Verdict {
    let held: Vec<(&str, &str)> = outcome
        .output
        .split("\npromises")
        .skip(1)
        .filter_map(|after| {
            let (promises, rest) = after.split_once('\n')?;
            Some((promises, rest.split_once(" frames hold page tables")?.0))
        })
        .collect();
    expect(held.len() == 2 && held[0] == held[1], &format!("the bomb has left something: {held:?}"))
}
