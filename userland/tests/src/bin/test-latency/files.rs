//! Loads of files and of the console.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use libsys::Error;
use libsys::files::{self, File};
use libsys::memory::PAGE_SIZE;

use super::company;

const BIG: &str = "big";
static PIECE: [u8; 64 << 10] = [5; 64 << 10];
/// 16 MiB of them.
const PIECES: u32 = 256;

/// Writes 16 MiB to a file, and removes it.
pub fn write() -> Result<(), Error> {
    drop(written()?);
    files::remove(BIG)
}

/// Writes 16 MiB to a file, and brings it onto the disk.
pub fn sync() -> Result<(), Error> {
    let file = written()?;
    file.sync()?;
    drop(file);
    files::remove(BIG)
}

fn written() -> Result<File, Error> {
    let mut file = File::create(BIG)?;
    (0..PIECES).try_for_each(|_| file.write_all(&PIECE))?;
    Ok(file)
}

/// Makes as many files as there can be, lists them, and removes them.
pub fn directory() -> Result<(), Error> {
    let mut names = Vec::<String>::new();
    loop {
        let name = format!("a file with a name that is rather long, number {}", names.len());
        match File::create(&name) {
            Ok(_) => names.push(name),
            Err(Error::DiskFull) => break,
            Err(error) => return Err(error),
        }
    }
    for _ in 0..3 {
        let listed = files::directory().count();
        if listed < names.len() {
            return Err(Error::Io);
        }
    }
    names.iter().try_for_each(|name| files::remove(name))
}

/// Ends a process that has as many files open as it may. All of these files are removed.
pub fn remove() -> Result<(), Error> {
    company::start(&["remove"])?.wait().map(|_| ())
}

/// Opens as many files as this process may, removes them, and ends.
pub fn open_and_remove() -> Result<u32, Error> {
    let mut open = Vec::new();
    for number in 0.. {
        let name = format!("removed {number}");
        match File::create(&name) {
            Ok(mut file) => {
                file.write_all(&[1; 2 * PAGE_SIZE as usize])?;
                files::remove(&name)?;
                open.push(file);
            }
            Err(Error::TooManyOpen) => break,
            Err(error) => return Err(error),
        }
    }
    core::mem::forget(open);
    Ok(0)
}

/// Writes two files by turns, a page each, so that the pages of neither follow each other on the disk; then reads one.
pub fn fragments() -> Result<(), Error> {
    const PAGES: u32 = 600;
    const NAMES: [&str; 2] = ["fragments 1", "fragments 2"];
    let mut both = [File::create(NAMES[0])?, File::create(NAMES[1])?];
    for _ in 0..PAGES {
        for file in &mut both {
            file.write_all(&[6; PAGE_SIZE as usize])?;
        }
    }
    both.iter().try_for_each(File::sync)?;
    let [first, second] = both;
    drop((first, second));
    NAMES.iter().try_for_each(|name| files::remove(name))
}

/// Prints 4 KiB of text, of empty lines, and of commands to clear the screen, to the console.
pub fn console() -> Result<(), Error> {
    company::start(&["write-to-console"])?.wait().map(|_| ())
}

/// Does so.
pub fn write_to_console() -> Result<u32, Error> {
    const LEN: usize = 4096;
    let pieces: [&[u8]; 3] = [b"latency ", b"\n", b"\x1b[2J"];
    for piece in pieces {
        let text: Vec<u8> = piece.iter().copied().cycle().take(LEN).collect();
        files::standard_output().write(&text)?;
    }
    Ok(0)
}
