//! What programs for people share: help texts, errors, lists in columns, and reading files to their end.
#![no_std]

extern crate alloc;

mod columns;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;

pub use columns::columns;

use libsys::abi::device::DeviceKind;
use libsys::abi::image::PROGRAM_LIST;
use libsys::files::File;
use libsys::memory::PAGE_SIZE;
use libsys::{Args, Error, eprintln, println};

/// What a program exits with if its command line cannot be understood.
const MISUSED: u32 = 2;
/// What a program exits with if it could not do all it was asked to.
pub const FAILED: u32 = 1;

/// Why a program does not do what it was asked to.
#[derive(Debug)]
pub enum Problem {
    /// The command line makes no sense: the help text is shown.
    Usage,
    /// Something was refused.
    Failed(String),
}

impl<E: Display> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::Failed(format!("{error}"))
    }
}

/// What a program's work comes to: its exit code.
pub type Outcome = Result<u32, Problem>;

/// Runs a program's work on its arguments, and returns the exit code. `--help`, alone, shows the help text instead.
pub fn run(usage: &str, work: impl FnOnce(&[&'static str]) -> Outcome) -> u32 {
    let arguments: Vec<&str> = Args::new().collect();
    if arguments == ["--help"] {
        println!("{usage}");
        return 0;
    }
    match work(&arguments) {
        Ok(code) => code,
        Err(Problem::Usage) => {
            eprintln!("{usage}");
            MISUSED
        }
        Err(Problem::Failed(reason)) => {
            eprintln!("{}: {reason}", Args::program_name());
            FAILED
        }
    }
}

/// Names what an error is about.
///
/// # Errors
/// The error, if it was one.
pub fn about<T>(what: &str, result: Result<T, Error>) -> Result<T, Problem> {
    result.map_err(|error| Problem::Failed(format!("{what}: {error}")))
}

/// Does something with each name; says which could not be done, and goes on. The exit code is 1 if there is one.
///
/// # Errors
/// `Usage` if there is no name.
pub fn each(names: &[&str], mut work: impl FnMut(&str) -> Result<(), Error>) -> Outcome {
    if names.is_empty() {
        return Err(Problem::Usage);
    }
    Ok(names.iter().fold(0, |code, name| match work(name) {
        Ok(()) => code,
        Err(error) => {
            eprintln!("{}: {name}: {error}", Args::program_name());
            FAILED
        }
    }))
}

/// Reads a file from its position to its end, a page at a time.
///
/// # Errors
/// Those of reading, and those of `work`.
pub fn read_to_end(file: &mut File, mut work: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
    let mut page = [0; PAGE_SIZE as usize];
    loop {
        match file.read(&mut page)? {
            0 => return Ok(()),
            count => work(page.get(..count).unwrap_or_default())?,
        }
    }
}

/// The programs of the image, by name, and what each is for. The purpose of a program that is not for people is empty.
///
/// # Errors
/// Those of opening and reading the list.
pub fn programs() -> Result<Vec<(String, String)>, Error> {
    let mut list = Vec::new();
    read_to_end(&mut File::open(PROGRAM_LIST)?, |bytes| {
        list.extend_from_slice(bytes);
        Ok(())
    })?;
    let text = String::from_utf8_lossy(&list);
    let lines = text.lines().map(|line| line.split_once("  ").unwrap_or((line, "")));
    Ok(lines.map(|(name, purpose)| (name.to_string(), purpose.to_string())).collect())
}

/// Makes an empty file of this name, whatever was there before.
///
/// # Errors
/// Those of removing and creating.
pub fn replace(name: &str) -> Result<File, Error> {
    match libsys::files::remove(name) {
        Ok(()) | Err(Error::NoSuchFile) => File::create(name),
        Err(error) => Err(error),
    }
}

/// Opens what output is to go to: a device, or a file that is emptied or made.
///
/// # Errors
/// Those of opening and [`replace`].
pub fn open_to_replace(name: &str) -> Result<File, Error> {
    if is_device(name) { File::open(name) } else { replace(name) }
}

/// Opens what output is to go to: a device, or a file behind what is in it.
///
/// # Errors
/// Those of opening and creating.
pub fn open_to_append(name: &str) -> Result<File, Error> {
    match File::open(name) {
        Ok(mut file) if file.info()?.device == DeviceKind::File => {
            file.seek(file.len()?)?;
            Ok(file)
        }
        Err(Error::NoSuchFile) => File::create(name),
        device_or_error => device_or_error,
    }
}

/// The name is that of a device other than a file.
fn is_device(name: &str) -> bool {
    File::open(name).and_then(|device| device.info()).is_ok_and(|info| info.device != DeviceKind::File)
}
