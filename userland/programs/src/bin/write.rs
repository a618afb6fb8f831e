//! `write NAME [WORD...]`: writes to a file.
#![no_std]
#![no_main]

extern crate alloc;

use libsys::Error;
use libsys::files::standard_input;
use tools::{Outcome, Problem, about};

libsys::entry!(main, about: "Writes words to a file");

const USAGE: &str = "usage: write NAME [WORD...]
Writes the words as a line to file NAME; without words, what it reads from its
input, until that ends (Ctrl-D). A file of that name is replaced.";

fn main() -> u32 {
    tools::run(USAGE, |arguments| match arguments {
        [name, words @ ..] => write(name, words),
        [] => Err(Problem::Usage),
    })
}

fn write(name: &str, words: &[&str]) -> Outcome {
    let mut file = about(name, tools::open_to_replace(name))?;
    if words.is_empty() {
        about(name, tools::read_to_end(&mut standard_input(), |bytes| file.write_all(bytes)))?;
    } else {
        about(name, file.write_all(alloc::format!("{}\n", words.join(" ")).as_bytes()))?;
    }
    // Devices other than files have nothing to bring onto the disk.
    match file.sync() {
        Err(Error::NotSupported) => {}
        synced => about(name, synced)?,
    }
    Ok(0)
}
