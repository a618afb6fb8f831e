//! `cp FROM TO`: copies a file.
#![no_std]
#![no_main]

use libsys::files::File;
use tools::{Outcome, Problem, about};

libsys::entry!(main, about: "Copies a file");

const USAGE: &str = "usage: cp FROM TO
Copies file FROM. A file that is called TO already is replaced.";

fn main() -> u32 {
    tools::run(USAGE, |names| match names {
        [from, to] => copy(from, to),
        _ => Err(Problem::Usage),
    })
}

fn copy(from: &str, to: &str) -> Outcome {
    if from == to {
        return Err(Problem::Usage);
    }
    let mut source = about(from, File::open(from))?;
    let mut target = about(to, tools::open_to_replace(to))?;
    about(to, tools::read_to_end(&mut source, |bytes| target.write_all(bytes)))?;
    Ok(0)
}
