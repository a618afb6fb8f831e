//! `ls [NAME...]`: lists the files on the disk.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;

use libsys::record::DirectoryEntry;
use libsys::{Error, files, println};
use tools::Outcome;

libsys::entry!(main, about: "Lists the files on the disk");

const USAGE: &str = "usage: ls [NAME...]
Lists the files on the disk, or these: how many bytes each has, and its name.";

fn main() -> u32 {
    tools::run(USAGE, list)
}

fn list(names: &[&str]) -> Outcome {
    let mut entries: Vec<DirectoryEntry> = files::directory().collect();
    entries.sort_by(|one, other| one.name().cmp(other.name()));
    if names.is_empty() {
        entries.iter().for_each(show);
        return Ok(0);
    }
    tools::each(names, |name| entries.iter().find(|entry| entry.name() == name).map(show).ok_or(Error::NoSuchFile))
}

fn show(entry: &DirectoryEntry) {
    println!("{:>10}  {}", entry.len_bytes(), entry.name());
}
