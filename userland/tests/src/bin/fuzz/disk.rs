//! Programs for disks that are damaged, or lose power: writers, a judge of what they left, and a survey of all files.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use fuzz_core::calls::PROGRAM;
use fuzz_core::disk::{Found, History, Mark, Step, WRITERS, made_by, name, pattern, steps};
use libsys::files::{self, File};
use libsys::process::Process;
use libsys::test::Failure;
use libsys::{Error, ExitReason, check, check_eq, println};

/// The file that the survey makes.
const SURVEY_FILE: &str = "survey";
const SURVEY_BYTES: usize = 10_000;

/// Runs all writers of a seed side by side, each for `count` steps: the exit code.
pub fn write_all(seed: &str, count: &str) -> u32 {
    report(start_writers(seed, count).map(|()| {
        println!("fuzz: {count} steps of {WRITERS} writers of seed {seed} done, nothing found");
    }))
}

fn start_writers(seed: &str, count: &str) -> Result<(), Failure> {
    let start = |writer: u32| Process::spawn(PROGRAM, ["writer", seed, &writer.to_string(), count]);
    let writers = (0..WRITERS).map(start).collect::<Result<Vec<Process>, Error>>()?;
    for writer in writers {
        let reason = writer.wait()?.reason;
        check!(reason == ExitReason::Exited(0), "a writer {reason}");
    }
    Ok(())
}

/// Does the steps of one writer: the exit code.
pub fn write(seed: u64, writer: u32, count: u32) -> u32 {
    let mut open: Vec<(u32, File)> = Vec::new();
    report((0..).zip(steps(seed, writer, count)).try_for_each(|(step, what)| -> Result<(), Failure> {
        let file = |open: &mut Vec<(u32, File)>, made| open.iter().position(|(file, _)| *file == made).unwrap_or(0);
        match what {
            Step::Create => open.push((step, File::create(&name(writer, step))?)),
            Step::Write { made, offset, len } => {
                let place = file(&mut open, made);
                open[place].1.seek(offset)?;
                open[place].1.write_all(&pattern(seed, Mark { writer, step }, made, offset, len))?;
            }
            Step::Sync { made } => {
                let place = file(&mut open, made);
                open[place].1.sync()?;
            }
            Step::Remove { made } => {
                let place = file(&mut open, made);
                open.remove(place);
                files::remove(&name(writer, made))?;
            }
        }
        Ok(())
    }))
}

/// Judges the files that the writers have left. `begun` has the step that each had begun. The exit code.
pub fn verify(seed: u64, count: u32, begun: &[u32]) -> u32 {
    report(judge(seed, count, begun).map(|()| println!("fuzz: files of seed {seed} done, nothing found")))
}

fn judge(seed: u64, count: u32, begun: &[u32]) -> Result<(), Failure> {
    let mut found = Found::new();
    for name in names().filter(|name| made_by(name).is_some()) {
        let bytes = contents(&name)?;
        found.insert(name, bytes);
    }
    for (writer, &begun) in (0..).zip(begun) {
        History::new(seed, writer, count).judge(begun, &found)?;
    }
    Ok(())
}

/// Reads all files, makes one and removes one: the exit code.
pub fn survey() -> u32 {
    report(look_at_all().map(|count| println!("fuzz: a survey of {count} files done, nothing found")))
}

fn look_at_all() -> Result<usize, Failure> {
    let all: Vec<String> = names().filter(|name| name != "swap").collect();
    for name in &all {
        contents(name)?;
    }
    // A damaged image may have a file of this name.
    files::remove(SURVEY_FILE).ok();
    let mut made = File::create(SURVEY_FILE)?;
    let bytes: Vec<u8> = (0..SURVEY_BYTES).map(|at| (at % 251).to_le_bytes()[0]).collect();
    made.write_all(&bytes)?;
    made.sync()?;
    check!(contents(SURVEY_FILE)? == bytes, "the file that was written holds other bytes");
    drop(made);
    files::remove(SURVEY_FILE)?;
    check_eq!(names().filter(|name| name == SURVEY_FILE).count(), 0);
    Ok(all.len())
}

/// The names of all files.
fn names() -> impl Iterator<Item = String> {
    files::directory().map(|entry| entry.name().into())
}

/// All that is in a file.
fn contents(name: &str) -> Result<Vec<u8>, Error> {
    let mut file = File::open(name)?;
    let mut bytes = vec![0; file.len()? as usize];
    let mut len = 0;
    while len < bytes.len() {
        match file.read(&mut bytes[len..])? {
            0 => break,
            count => len += count,
        }
    }
    bytes.truncate(len);
    Ok(bytes)
}

/// Says what is wrong, if something is: the exit code.
fn report(result: Result<(), Failure>) -> u32 {
    match result {
        Ok(()) => 0,
        Err(failure) => {
            println!("fuzz: FOUND: {}", failure.text());
            1
        }
    }
}
