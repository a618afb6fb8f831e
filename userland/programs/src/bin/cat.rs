//! `cat [NAME...]`: prints files or devices, one after the other, or its input.
#![no_std]
#![no_main]

use libsys::files::{File, standard_input};
use libsys::{Error, console};
use tools::Outcome;

libsys::entry!(main, about: "Prints files or its input");

const USAGE: &str = "usage: cat [NAME...]
Prints files or devices, one after the other; without a name, what it reads
from its input, until that ends (Ctrl-D).";

fn main() -> u32 {
    tools::run(USAGE, print)
}

fn print(names: &[&str]) -> Outcome {
    if names.is_empty() {
        print_file(&mut standard_input())?;
        return Ok(0);
    }
    tools::each(names, |name| print_file(&mut File::open(name)?))
}

fn print_file(file: &mut File) -> Result<(), Error> {
    tools::read_to_end(file, |bytes| {
        console::print_bytes(bytes);
        Ok(())
    })
}
