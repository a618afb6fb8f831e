//! Errands about devices.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use libsys::abi::device;
use libsys::files::{File, standard_input, standard_output};
use libsys::process::{self, Process};
use libsys::{Error, call, eprintln};

use super::rules::number;
use super::ways;

/// What is said of an input that cannot be read.
const UNREADABLE: u32 = 1000;

/// Runs an errand: its exit code, or `None` if there is none of that name.
pub fn run(word: &str, arguments: &[&str]) -> Option<u32> {
    let done = match word {
        "open-ten" => open_ten(arguments.first().copied().unwrap_or_default()),
        "open-all" => open_all(),
        "take" => Ok(take(arguments.first().and_then(|text| number(text)).unwrap_or(0))),
        "print" => print_together(),
        "print-lines" => print_lines(arguments),
        "without-streams" => without_streams(),
        "fork-bomb" => fork_bomb(),
        "spinning-bomb" => spinning_bomb(arguments.is_empty()),
        "take-foreground" => Ok(process::set_foreground(None).err().map_or(0, Error::number)),
        _ => return None,
    };
    Some(done.unwrap_or(3))
}

/// Opens twelve devices, and ends in the given way.
fn open_ten(way: &str) -> Result<u32, Error> {
    let names =
        ["random 1", "random 1", "random 2", "null", "null", "console", "console", "hello", "hello", "file cat"];
    let _open =
        names.iter().chain(["random", "ls"].iter()).map(|name| File::open(name)).collect::<Result<Vec<_>, _>>()?;
    Ok(ways::end(way))
}

/// Opens all that it may, and waits to be killed.
fn open_all() -> Result<u32, Error> {
    let open: Vec<File> = (0..).map_while(|_| File::open("random 1").ok()).collect();
    process::sleep(Duration::from_secs(1000));
    Ok(u32::from(open.is_empty()))
}

/// Reads so many bytes from standard input, and exits with their sum.
fn take(count: u32) -> u32 {
    let mut bytes = [0; 64];
    let Some(wanted) = bytes.get_mut(..count as usize) else { return UNREADABLE };
    match standard_input().read(wanted) {
        Ok(count) => bytes.iter().take(count).map(|&byte| u32::from(byte)).sum(),
        Err(_) => UNREADABLE,
    }
}

/// Has three processes print lines at the same time.
fn print_together() -> Result<u32, Error> {
    let start = |letter| Process::spawn("assist", ["print-lines", letter]);
    let printers = ["a", "b", "c"].into_iter().map(start).collect::<Result<Vec<_>, _>>()?;
    printers.into_iter().try_for_each(|printer| printer.wait().map(|_| ()))?;
    Ok(0)
}

/// Prints lines of this letter, each in one call: lines of 1,000 bytes and of as many as stay together.
fn print_lines(letters: &[&str]) -> Result<u32, Error> {
    let letter = letters.first().and_then(|word| word.bytes().next()).ok_or(Error::InvalidArgument)?;
    for len in [1000, device::CONSOLE_PART_BYTES as usize] {
        let mut line = vec![letter; len];
        line[len - 1] = b'\n';
        for _ in 0..30 {
            standard_output().write(&line)?;
        }
    }
    Ok(0)
}

/// Closes its standard streams; what is opened next takes their places, and a child inherits what is left: 0 if so.
fn without_streams() -> Result<u32, Error> {
    for handle in [0, 1, 2] {
        call::close(handle)?;
    }
    if Process::spawn("hello", [""; 0])?.wait()?.reason != libsys::ExitReason::Exited(0) {
        return Ok(1);
    }
    let random = File::open("random 1")?;
    Ok(random.handle())
}

/// Starts copies of itself for ever, each of which does the same, and says so once there is no room for more.
fn fork_bomb() -> Result<u32, Error> {
    let mut has_spoken = false;
    loop {
        if Process::spawn(tests::ASSIST, ["fork-bomb"]).is_err() {
            if !core::mem::replace(&mut has_spoken, true) {
                eprintln!("assist: no more");
            }
            process::sleep(Duration::from_millis(1));
        }
    }
}

/// As [`fork_bomb`], but never gives up the CPU; only the first says something.
fn spinning_bomb(mut speaks: bool) -> Result<u32, Error> {
    loop {
        if Process::spawn(tests::ASSIST, ["spinning-bomb", "silently"]).is_err() && core::mem::take(&mut speaks) {
            eprintln!("assist: no more");
        }
    }
}
