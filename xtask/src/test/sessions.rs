//! Sessions at the prompt: from a pipe, and on a terminal, where each line waits for what the one before has shown.

use abi::Errno;

use super::bombs;
use super::guest::{Boot, Case, Outcome};
use super::report::Verdict;
use super::scenarios::{Judge, case};

/// Starts a program in each class, and looks at them.
const IN_EVERY_CLASS: &[u8] = b"realtime sleep 60 > null &\nbackground sleep 60 > null &\nps\nkill 1\nexit\n";

/// All sessions.
pub fn cases() -> Vec<Case> {
    let terminal = on_a_terminal().into_iter();
    from_a_pipe()
        .into_iter()
        .chain(terminal)
        .chain(bombs::sessions())
        .map(|(boot, judge)| case("shell", boot, judge))
        .collect()
}

/// What is typed without a look at the screen, as it comes from a pipe.
fn from_a_pipe() -> Vec<(Boot, Judge)> {
    let session = |name: &str, typed: &[u8]| Boot { typed: typed.to_vec(), ..Boot::new(name, &[]) };
    vec![
        (session("programs_are_started_by_name", b"hello one two\nnosuch\nhelp\nassist exit 5\nexit\n"), |outcome| {
            outcome.expect_status(0)?;
            outcome.expect_text(": one two!")?;
            outcome.expect_text("there is no program `nosuch`")?;
            outcome.expect_text("piggies")?;
            outcome.expect_text("[5] >")
        }),
        // One that ran at once might still see itself in the class that it was born into.
        (session("programs_are_started_in_a_class", IN_EVERY_CLASS), |outcome| {
            outcome.expect_status(0)?;
            for class in ["2 interactive running", "2 real-time ", "2 background "] {
                outcome.expect_text(class)?;
            }
            outcome.expect_text("1 real-time   child ")?;
            outcome.expect_text("kill: 1: not permitted")
        }),
        // What they exit with is the prompt's; `assist priority 0` asks to be real-time.
        (
            session(
                "what_a_real_time_shell_starts_is_interactive_and_cannot_raise_itself",
                b"assist priority 0\necho ps > script\nshell < script\nrealtime assist priority 0\nexit\n",
            ),
            |outcome| {
                outcome.expect_status(0)?;
                let refused = outcome.output.matches(&format!("[{}] > ", Errno::NotPermitted.number())).count();
                expect(refused == 1, "only the first is to be refused")?;
                // A shell within the shell has no more rights than any program.
                let classes = classes_of_shells(outcome);
                expect(classes == ["real-time", "interactive"], &format!("the shells are {classes:?}"))
            },
        ),
        (
            Boot {
                files: vec![("busy", ["help > null; ".repeat(3000).as_str(), "ps\nps\n"].concat().into_bytes())],
                ..session(
                    "a_shell_that_was_demoted_is_real_time_again_for_the_next_line",
                    b"realtime shell < busy\nexit\n",
                )
            },
            |outcome| {
                outcome.expect_status(0)?;
                let classes = classes_of_shells(outcome);
                expect(
                    matches!(classes[..], [_, "interactive" | "background", _, "real-time"]),
                    &format!("the shells are {classes:?}"),
                )
            },
        ),
        (session("the_end_of_input_ends_the_shell", b"hello\n\x04"), |outcome| {
            outcome.expect_status(0)?;
            outcome.expect_text("Hello from process")
        }),
        (session("a_typing_error_can_be_rubbed_out", b"hellp\x7fo x\nexit\n"), |outcome| outcome.expect_text(": x!")),
        (
            session(
                "what_was_redirected_is_there_after_a_restart",
                b"echo kept for later > note\necho and more >> note\nexit\n",
            )
            .again(&["cat", "note"]),
            |outcome| {
                outcome.expect_status(0)?;
                outcome.expect_text("\nkept for later\nand more\n")
            },
        ),
        (session("every_program_has_a_help_text", ask_all_for_help().as_bytes()), |outcome| {
            let (_, list) = outcome.output.split_once("with --help:\n").ok_or("`help` lists no programs")?;
            let (list, _) = list.split_once("Built in;").ok_or("`help` lists nothing that is built in")?;
            // A name stands at the start of each column, two spaces from the edge or from the column before.
            for program in PROGRAMS.split_whitespace() {
                if !list.contains(&format!("  {program} ")) {
                    return Err(format!("`help` does not list {program}"));
                }
                outcome.expect_text(&format!("\nusage: {program}"))?;
            }
            let listed = list
                .split("  ")
                .map(str::trim_start)
                .filter(|part| part.starts_with(|letter: char| letter.is_ascii_lowercase()));
            if listed.count() != PROGRAMS.split_whitespace().count() {
                return Err("`help` lists other programs, too".into());
            }
            let (screen, _) = outcome.output.split_once("the keys that edit it.\n").ok_or("`help` does not end")?;
            if screen.lines().count() >= SCREEN_ROWS {
                return Err("`help` does not fit on one screen".into());
            }
            outcome.expect_text("\nbuilt in: help\n")?;
            outcome.expect_text("\nbuilt in: exit\n")?;
            let too_wide = outcome.output.lines().find(|line| line.len() >= SCREEN_COLUMNS);
            too_wide.map_or(Ok(()), |line| Err(format!("wider than the screen: {line}")))
        }),
    ]
}

/// Programs for people; `help` knows whether these are all.
const PROGRAMS: &str = "bench cat cp date echo free goodbye hello hexdump kill limit ls piggies piggy ping policy pong ps rm shell shutdown \
                        sleep textbook time top uptime vm-pools write yes";

/// How wide the machine's own screen is.
const SCREEN_COLUMNS: usize = 80;
/// How many rows the machine's own screen has.
const SCREEN_ROWS: usize = 25;

/// Asks everything that can be said at the prompt what it does.
fn ask_all_for_help() -> String {
    let ask: String = PROGRAMS.split_whitespace().map(|program| format!("{program} --help\n")).collect();
    format!("help\n{ask}help help\nexit --help\nexit\n")
}

/// What is typed with a look at the screen.
fn on_a_terminal() -> Vec<(Boot, Judge)> {
    let session = |name: &str, steps| Boot { dialogue: Some(steps), ..Boot::new(name, &[]) };
    vec![
        (
            session(
                "arrows_bring_lines_back_and_tab_completes",
                &[
                    ("> ", b"echo one two\r"),
                    ("one two\n", b""),
                    // The line of before, with another word in its place.
                    ("> ", b"\x1b[A\x17three"),
                    // A line that changes is written anew, from the start of its row.
                    ("\r> echo one two\x1b[K", b""),
                    ("\r> echo one \x1b[Kthree", b"\r"),
                    ("one three\n", b""),
                    ("> ", b"good\t--times 2\r"),
                    ("Goodbye from process", b""),
                    ("Goodbye from process", b""),
                    ("> ", b"pigg\t"),
                    ("piggies  piggy", b"\x15cat 'progr\t > copy && ls copy\r"),
                    ("  copy\n", b""),
                    ("> ", b"history\r"),
                    ("   4  cat 'programs.txt'  > copy", b""),
                    ("> ", b"exit 3\r"),
                ],
            ),
            |outcome| outcome.expect_status(3),
        ),
        (
            session(
                "control_c_ends_the_foreground_and_nobody_else",
                &[
                    ("> ", b"sleep 1000 &\r"),
                    ("] sleep 1000\n", b""),
                    ("> ", b"piggy 50 1000000; echo not this\r"),
                    ("1000000; echo not this\n", b"\x03"),
                    ("^C\n", b""),
                    ("[130] > ", b"jobs; piggies 3 20 1000000\r"),
                    // Those that the foreground has started are in it, too.
                    ("] sleep 1000\n", b"\x03"),
                    ("^C\n", b""),
                    ("[130] > ", b"ps\r"),
                    ("> ", b"typed in vain\x03"),
                    ("> ", b"yes\r"),
                    ("y\ny\ny\n", b"\x03"),
                    ("[130] > ", b"cat\r"),
                    ("cat\n", b"given back\r"),
                    ("given back\ngiven back\n", b"\x04"),
                    ("> ", b"exit\r"),
                ],
            ),
            |outcome| {
                outcome.expect_status(0)?;
                let table = outcome.output.split("cpu ms").nth(1).ok_or("ps did not run")?;
                let table = table.split("> ").next().unwrap_or_default();
                expect(table.contains("sleep"), "what was in the background has gone")?;
                expect(!table.contains("piggy"), "a piggy was left")?;
                expect(!outcome.output.contains("\nnot this"), "a line went on after Ctrl-C")
            },
        ),
        (
            session(
                "what_runs_in_the_background_can_be_killed_and_is_reported",
                &[
                    ("> ", b"piggy 10 1000000 &\r"),
                    ("] piggy 10 1000000\n", b""),
                    // A killed process ends when it has the CPU next.
                    ("> ", b"kill 3; sleep 0.3\r"),
                    ("[3] piggy 10 1000000: killed by process 2\n", b""),
                    ("> ", b"cat &\r"),
                    ("] cat\n", b""),
                    // It finds its input at its end, and takes nothing from the shell.
                    ("> ", b"sleep 0.2\r"),
                    ("] cat: exited with 0\n", b""),
                    // With its parent gone it is init's child, and still the shell's to end.
                    ("> ", b"assist parent &\r"),
                    ("> ", b"sleep 0.2; kill 7; sleep 0.2\r"),
                    ("[7] assist parent: killed by process 2\n", b""),
                    // One of these was the first `sleep`.
                    ("> ", b"kill 8 9; sleep 0.2; ps\r"),
                    (": no such process\n", b""),
                    (" ps\n", b""),
                    ("> ", b"shutdown 9\r"),
                ],
            ),
            |outcome| {
                outcome.expect_status(9)?;
                let table = outcome.output.split("cpu ms").nth(1).ok_or("ps did not run")?;
                expect(!table.contains("assist"), "the orphan is left")
            },
        ),
        (
            session(
                "output_goes_to_files_and_input_comes_from_them",
                &[
                    ("> ", b"hello first > log; goodbye >> log; cat < log\r"),
                    (": first!\nGoodbye from process", b""),
                    ("> ", b"echo 'cat log; echo last' > 'a script'\r"),
                    ("> ", b"shell < 'a script'\r"),
                    (": first!\nGoodbye from process", b""),
                    ("last\n", b""),
                    ("> ", b"yes > null\r"),
                    ("null\n", b"\x03"),
                    ("[130] > ", b"piggies 3 5 1 > log && hexdump log 0 16\r"),
                    ("00000000  ", b""),
                    ("> ", b"cat nothing > log\r"),
                    ("cat: nothing: no such file\n", b""),
                    ("[1] > ", b"ls > \r"),
                    ("name of a file is missing", b""),
                    ("[2] > ", b"help > log && history >> log && cat < log\r"),
                    ("  piggies    Runs many piggies at once", b""),
                    ("  help > log && history >> log && cat < log\n", b""),
                    ("> ", b"exit twice\r"),
                    ("built in: exit", b""),
                    ("[2] > ", b"hello --times many\r"),
                    ("usage: hello", b""),
                    ("[2] > ", b"ps aux\r"),
                    ("usage: ps", b""),
                    ("> ", b"exit\r"),
                ],
            ),
            |outcome| outcome.expect_status(0),
        ),
        (
            session(
                "top_draws_its_table_again_until_a_key_ends_it",
                &[
                    ("> ", b"piggies 2 100 1000000 > null &\r"),
                    ("> ", b"top\r"),
                    ("frames [", b""),
                    ("  piggy", b""),
                    ("frames [", b"q"),
                    ("> ", b"top\r"),
                    ("frames [", b"\x03"),
                    ("[130] > ", b"top --once\r"),
                    ("swap   [", b""),
                    ("> ", b"date && uptime\r"),
                    ("up 0:00:", b""),
                    ("> ", b"exit\r"),
                ],
            ),
            |outcome| outcome.expect_status(0),
        ),
        (
            session(
                "greetings_alternate_while_messages_go_to_and_fro",
                &[
                    ("> ", b"hello --times 20 & goodbye --times 20 & ping 20\r"),
                    (", what 39", b""),
                    ("> ", b"sleep 1.5\r"),
                    ("> ", b"jobs\r"),
                    ("> ", b"exit\r"),
                ],
            ),
            |outcome| {
                outcome.expect_status(0)?;
                let said: Vec<&str> =
                    outcome.output.lines().filter_map(|line| Some(line.split_once(" from process")?.0)).collect();
                let count = |word: &str| said.iter().filter(|said| said.ends_with(word)).count();
                expect((count("Hello"), count("Goodbye")) == (20, 20), "not all greetings were said")?;
                let changes = said.windows(2).filter(|pair| pair[0] != pair[1]).count();
                expect(changes >= 10, "they did not alternate")?;
                let messages = outcome.output.lines().filter_map(|line| Some(line.split_once(", what ")?.1));
                expect(messages.eq((0..40).map(|what| what.to_string())), "the messages do not count up")
            },
        ),
    ]
}

/// The classes of the shells that `ps` has shown.
fn classes_of_shells(outcome: &Outcome) -> Vec<&str> {
    let shells = outcome.output.lines().filter(|line| line.ends_with(" shell"));
    shells.filter_map(|line| line.split_whitespace().nth(2)).collect()
}

/// `Ok` if it holds.
pub fn expect(holds: bool, or: &str) -> Verdict {
    if holds { Ok(()) } else { Err(or.into()) }
}
