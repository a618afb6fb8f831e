//! Errands with files that grow.

use alloc::format;
use alloc::vec::Vec;

use libsys::files::{self, File};
use libsys::process::{self, Process};
use libsys::{Error, println, system};
use tests::written;

use super::files::{as_number, exit_code};

/// Runs an errand: its [exit code](exit_code), or `None` if there is none of that name.
pub fn run(word: &str, arguments: &[&str]) -> Option<u32> {
    let done = match (word, arguments) {
        ("append", [name, len, count]) => append(name, as_number(len), as_number(count)),
        ("write-far", [name, offset]) => write_far(name, as_number(offset)),
        ("make-and-remove-again", [name, count]) => make_and_remove_again(name, as_number(count)),
        ("save-without-memory", []) => save_without_memory(),
        ("fill-with-sleepers", []) => fill_with_sleepers(),
        ("find-saved", []) => find_saved(),
        ("find-log", []) => find_log(),
        _ => return None,
    };
    Some(exit_code(done))
}

/// Appends pieces of `len` bytes that follow from their place, `count` of them, or for good if it is 0.
fn append(name: &str, len: u32, count: u32) -> Result<u32, Error> {
    let mut file = File::open(name)?;
    let mut start = file.len()?;
    file.seek(start)?;
    for _ in (0..count).chain((count == 0).then_some(0..u32::MAX).into_iter().flatten()) {
        let bytes: Vec<u8> = (start..start + len).map(written::value_at).collect();
        file.write_all(&bytes)?;
        start += len;
    }
    Ok(0)
}

/// Writes one byte far past the end.
fn write_far(name: &str, offset: u32) -> Result<u32, Error> {
    let mut file = File::open(name)?;
    file.seek(offset)?;
    file.write_all(&[written::value_at(offset)]).map(|()| 0)
}

/// Makes and removes a file again and again, while others do the same with the same name. Exits with 1 if a file that this process has
/// made is not there.
fn make_and_remove_again(name: &str, count: u32) -> Result<u32, Error> {
    for _ in 0..count {
        match File::create(name) {
            Ok(file) => file.len().map(drop)?,
            Err(Error::AlreadyExists) => {}
            Err(other) => return Err(other),
        }
        match files::remove(name) {
            Ok(()) | Err(Error::NoSuchFile) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(0)
}

/// Length of the files that [`save_without_memory`] writes.
const SAVED_BYTES: usize = 60_000;

/// Makes as many files as it may, writes one, uses up the kernel's memory with processes, and writes as much to another as is granted.
/// The machine ends while a child still takes all memory that comes free. [`find_saved`] must find both files after a restart.
fn save_without_memory() -> Result<u32, Error> {
    let (mut early, mut late) = (File::create("early")?, File::create("late")?);
    // Long names, so that the table of files is long.
    let files = (0..).take_while(|number| File::create(&format!("{number:055}")).is_ok()).count();
    early.write_all(&written::bytes(1, SAVED_BYTES))?;
    let before = system::info()?;
    Process::spawn("assist", ["fill-with-sleepers"])?;
    while Process::spawn("sleeper", ["1000000"]).is_ok() {
        process::yield_now();
    }
    let written = late.write(&written::bytes(2, SAVED_BYTES)).unwrap_or(0);
    let after = system::info()?;
    println!(
        "{files} files, {} processes; {written} bytes written; {} of {} kernel frames are free",
        after.processes, after.kernel_frames_free, before.kernel_frames_free,
    );
    Ok(u32::from(late.len()? as usize != written))
}

/// Starts as many programs as it may, for good.
fn fill_with_sleepers() -> Result<u32, Error> {
    loop {
        if Process::spawn("sleeper", ["1000000"]).is_err() {
            process::yield_now();
        }
    }
}

/// Finds what [`save_without_memory`] has left: 0 if it is all there.
fn find_saved() -> Result<u32, Error> {
    if written::contents("early")? != written::bytes(1, SAVED_BYTES) {
        return Ok(1);
    }
    // A write may have been refused.
    let late = written::contents("late")?;
    Ok(if written::bytes(2, SAVED_BYTES).starts_with(&late) { 0 } else { 2 })
}

/// The file `log` holds what [`append`] writes, and more than nothing: 0 if so.
fn find_log() -> Result<u32, Error> {
    let found = written::contents("log")?;
    let is_right = (0..).zip(&found).all(|(at, &byte)| byte == written::value_at(at));
    Ok(u32::from(found.is_empty() || !is_right))
}
