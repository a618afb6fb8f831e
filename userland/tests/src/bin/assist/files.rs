//! Errands with files by calls.

use alloc::vec;
use alloc::vec::Vec;

use libsys::Error;
use libsys::files::{self, File, MapAccess, MappedFile};
use libsys::memory::PAGE_SIZE;
use libsys::message::{self, Buffer};
use libsys::process::{self, Process};
use tests::{PAGE, written};

use super::rules::number;
use super::ways;

/// Runs an errand: its [exit code](exit_code), or `None` if there is none of that name.
pub fn run(word: &str, arguments: &[&str]) -> Option<u32> {
    let done = match (word, arguments) {
        ("interleave", [name, index, step, count]) => {
            interleave(name, [index, step, count].map(|text| as_number(text)))
        }
        ("hold", [name, way]) => hold(name, way),
        ("hold-and-map", [name, pages, way]) => hold_and_map(name, as_number(pages) as usize, way),
        ("make-and-remove", []) => make_and_remove(),
        ("create-in-vain", [name]) => create_in_vain(name),
        ("read-file", [name]) => read_file(name),
        ("write-at-once", [name, pages]) => write_at_once(name, as_number(pages)),
        _ => return None,
    };
    Some(exit_code(done))
}

/// 100 and its number for an error.
pub fn exit_code(done: Result<u32, Error>) -> u32 {
    done.unwrap_or_else(|error| 100 + error.number())
}

pub fn as_number(text: &str) -> u32 {
    number(text).unwrap_or(0)
}

/// Writes every `step`th page of a file from page `index` on, each with its number as pattern; the last ones first, so that the file
/// grows by leaps.
fn interleave(name: &str, [index, step, count]: [u32; 3]) -> Result<u32, Error> {
    let mut file = File::open(name)?;
    for round in (0..count).step_by(3).flat_map(|first| (first..count.min(first + 3)).rev()) {
        let page = index + round * step;
        file.seek(page * PAGE_SIZE)?;
        file.write_all(&written::bytes(page, PAGE))?;
        process::yield_now();
    }
    Ok(0)
}

/// Opens and maps a file, and ends in some way without closing anything.
fn hold(name: &str, way: &str) -> Result<u32, Error> {
    let file = File::open(name)?;
    let mapping = MappedFile::new(&file, 0, PAGE, MapAccess::Read)?;
    core::mem::forget((file, mapping));
    Ok(ways::end(way))
}

/// Opens some devices, changes so many pages of a file through a mapping, waits for a message, and ends in some way without closing anything.
fn hold_and_map(name: &str, pages: usize, way: &str) -> Result<u32, Error> {
    let open = (0..10).map(|_| File::open("null")).collect::<Result<Vec<_>, _>>()?;
    let file = File::open(name)?;
    let mapping = MappedFile::new(&file, 0, pages * PAGE, MapAccess::ReadAndWrite)?;
    for page in 0..pages {
        // SAFETY: the byte lies in the mapping, which may be written to.
        unsafe { mapping.as_ptr().add(page * PAGE).write_volatile(1) };
    }
    message::wait(&mut Buffer::new(), None)?;
    core::mem::forget((open, file, mapping));
    Ok(ways::end(way))
}

/// Writes so many pages by one call: 0 if all of them are written.
fn write_at_once(name: &str, pages: u32) -> Result<u32, Error> {
    let bytes = vec![1; pages as usize * PAGE];
    let written = File::open(name)?.write(&bytes)?;
    Ok(u32::from(written != bytes.len()))
}

/// Reads a file from its beginning to its end: 0 if that works.
fn read_file(name: &str) -> Result<u32, Error> {
    let mut file = File::open(name)?;
    let mut buffer = vec![0; 8 * PAGE];
    while file.read(&mut buffer)? > 0 {}
    Ok(0)
}

/// Makes a file and removes another on a disk that takes no names: 0 if that is told and nothing is there that should not be.
fn make_and_remove() -> Result<u32, Error> {
    for _ in 0..50 {
        let made = File::create("made").err();
        let opened = File::open("made").err();
        if (made, opened) != (Some(Error::Io), Some(Error::NoSuchFile)) {
            return Ok(1);
        }
    }
    for _ in 0..2 {
        // The file is as it was, and can be removed again.
        let hello = written::contents("hello")?;
        if files::remove("hello") != Err(Error::Io) || written::contents("hello")? != hello {
            return Ok(2);
        }
    }
    Process::spawn("piggy", ["5", "1"])?.wait().map(|_| 0)
}

/// Makes a file for ever, and never has a handle for it.
fn create_in_vain(name: &str) -> Result<u32, Error> {
    let mut open = Vec::new();
    while let Ok(file) = File::open("null") {
        open.push(file);
    }
    loop {
        match File::create(name) {
            Err(Error::TooManyOpen | Error::AlreadyExists) => process::yield_now(),
            other => return other.map(|_| 0),
        }
    }
}
