//! Images that outlive a machine, as `cargo xtask run --image` boots them: xtask runs itself.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result};

use super::Filter;
use super::report::{Report, Verdict};

/// The tests' names.
pub const NAMES: [&str; 3] = [
    "guest::image::what_is_written_is_there_in_the_next_run",
    "guest::image::one_machine_at_a_time_runs_with_it",
    "guest::image::swap_file_is_made_and_grows_on_an_image_that_is_there",
];

/// No run takes longer, even on a slow host.
const SECONDS: &str = "120";

/// A program and the image that it is to boot.
struct Subject<'a> {
    xtask: &'a Path,
    image: &'a Path,
}

/// Runs those that are wanted, with the program at path `xtask`.
///
/// # Errors
/// If there is no room for temporary files.
pub fn run(filter: &Filter, xtask: &Path, report: &mut Report) -> Result<()> {
    let tests: [fn(&Subject<'_>) -> Result<Verdict>; 3] = [next_run, one_at_a_time, swap_file];
    for (name, test) in NAMES.into_iter().zip(tests).filter(|(name, _)| filter.wants(name)) {
        let folder = tempfile::tempdir().context("cannot make a folder for temporary files")?;
        let subject = Subject { xtask, image: &folder.path().join("a, b.img") };
        report.add(name, test(&subject).unwrap_or_else(|error| Err(format!("{error:#}"))));
    }
    Ok(())
}

/// A file that the shell writes in the first run is there in later ones, on another machine too, and after one that was refused.
fn next_run(subject: &Subject<'_>) -> Result<Verdict> {
    let first = Run::start(subject, &["--swap", "4M"])?.end("echo 'to be kept' > note\n")?;
    let second = Run::start(subject, &["--", "cat", "note"])?.end("")?;
    let third = Run::start(subject, &["--debug-build", "--", "rm", "note"])?.end("")?;
    let fourth = Run::start(subject, &["--frames", "64", "--", "cat", "note"])?.end("")?;
    Ok(first
        .expect(0, "", "is made, and keeps")
        .and_then(|()| second.expect(0, "to be kept\n", "booted as it was made"))
        .and_then(|()| third.expect(1, "", "--debug-build can only be had when an image is made"))
        .and_then(|()| fourth.expect(0, "to be kept\n", "booted as it was made")))
}

/// While a machine runs, a second one is refused, and the first goes on undisturbed.
fn one_at_a_time(subject: &Subject<'_>) -> Result<Verdict> {
    let mut first = Run::start(subject, &["--swap", "4M"])?;
    first.show("echo one\n", "\none\n")?;
    let second = Run::start(subject, &["--", "echo", "hello"])?.end("")?;
    let first = first.end("echo two; exit 4\n")?;
    Ok(second.expect(1, "", "is in use").and_then(|()| first.expect(4, "\ntwo\n", "is made")))
}

/// The image is made without a swap file. A later run makes one, another makes it longer, and it
/// keeps its length. A run that asks for more than there is room for says so, and changes nothing.
fn swap_file(subject: &Subject<'_>) -> Result<Verdict> {
    let run = |words: &[&str]| Run::start(subject, words)?.end("");
    let without = run(&["--swap", "0", "--", "free"])?;
    let missing = run(&["--", "free"])?;
    let made = run(&["--swap", "1M", "--frames", "64", "--", "piggy", "200", "2"])?;
    let grown = run(&["--swap", "4M", "--frames", "64", "--", "piggy", "900", "2"])?;
    let too_long = run(&["--swap", "400M", "--", "free"])?;
    let kept = run(&["--", "free"])?;
    let part = run(&["--swap", "2M", "--", "free"])?;
    let swap = |pages: u32| format!("swap     {pages:>8}");
    Ok(without
        .expect(0, &swap(0), "is made")
        .and_then(|()| missing.expect(126, "no file `swap`; the option swap=PAGES makes one", "booted as it was made"))
        .and_then(|()| made.expect(0, "200 pages, 2 rounds, ok", ""))
        .and_then(|()| grown.expect(0, "900 pages, 2 rounds, ok", ""))
        .and_then(|()| too_long.expect(126, "cannot have 102400 pages: the file system is full", ""))
        .and_then(|()| kept.expect(0, &swap(1024), ""))
        .and_then(|()| part.expect(0, &swap(512), "")))
}

/// `cargo xtask run --image`, without the `cargo`.
struct Run {
    child: Child,
}

impl Run {
    fn start(Subject { xtask, image }: &Subject<'_>, words: &[&str]) -> Result<Self> {
        let mut command = Command::new(xtask);
        command.args(["run", "--timeout", SECONDS, "--image"]).arg(image).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Self { child: command.spawn().context("cannot run xtask")? })
    }

    /// Types a line, and waits until a text is shown.
    fn show(&mut self, line: &str, text: &str) -> Result<()> {
        self.child.stdin.as_mut().context("it has no input")?.write_all(line.as_bytes())?;
        let stdout = self.child.stdout.as_mut().context("it has no output")?;
        let (mut shown, mut byte) = (Vec::new(), [0]);
        while !shown.ends_with(text.as_bytes()) {
            stdout.read_exact(&mut byte).context("it has ended early")?;
            shown.extend(byte);
        }
        Ok(())
    }

    /// Types the rest, and then the end of input.
    fn end(mut self, typed: &str) -> Result<Ended> {
        let mut stdin = self.child.stdin.take().context("it has no input")?;
        // It may have ended already: what it said tells more.
        let _ = stdin.write_all(typed.as_bytes());
        drop(stdin);
        let output = self.child.wait_with_output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Ended { status: output.status, shown: text(&output.stdout), said: text(&output.stderr) })
    }
}

/// What came of it: its standard output and standard error.
#[derive(Debug)]
struct Ended {
    status: ExitStatus,
    shown: String,
    said: String,
}

impl Ended {
    fn expect(&self, status: i32, shown: &str, said: &str) -> Verdict {
        if self.status.code() == Some(status) && self.shown.contains(shown) && self.said.contains(said) {
            return Ok(());
        }
        Err(format!("not status {status}, `{shown}` and `{said}`, but {}\n{}{}", self.status, self.shown, self.said))
    }
}
