//! `rm NAME...`: removes files.
#![no_std]
#![no_main]

use libsys::files;

libsys::entry!(main, about: "Removes files");

const USAGE: &str = "usage: rm NAME...
Removes files. Whoever uses one goes on using it; then it is gone.";

fn main() -> u32 {
    tools::run(USAGE, |names| tools::each(names, files::remove))
}
