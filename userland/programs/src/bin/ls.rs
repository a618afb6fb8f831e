//! `ls [--all] [NAME...]`: lists the files on the disk.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use libsys::record::DirectoryEntry;
use libsys::test::Verdict;
use libsys::{Error, check_eq, files, print, println};
use tools::{Outcome, Problem, columns};

libsys::entry!(main, about: "Lists files", tests: [columns_are_filled_downwards, long_name_has_a_row_of_its_own]);

const USAGE: &str = "usage: ls [--all] [NAME...]
Lists the files on the disk: how many bytes each has, and its name. With NAMEs,
lists these files. Programs that `help` does not list, such as those that test
the system, are left out unless --all is given.";

fn main() -> u32 {
    tools::run(USAGE, list)
}

fn list(arguments: &[&str]) -> Outcome {
    let mut entries: Vec<DirectoryEntry> = files::directory().collect();
    entries.sort_by(|one, other| one.name().cmp(other.name()));
    match arguments {
        [] => {
            // Without the list nothing is known to be left out.
            let programs = tools::programs().unwrap_or_default();
            let is_hidden =
                |name: &str| programs.iter().any(|(program, purpose)| program == name && purpose.is_empty());
            entries.retain(|entry| !is_hidden(entry.name()));
            show_all(&entries);
            Ok(0)
        }
        ["--all"] => {
            show_all(&entries);
            Ok(0)
        }
        names if names.iter().any(|name| name.starts_with("--")) => Err(Problem::Usage),
        names => tools::each(names, |name| {
            let found = entries.iter().find(|entry| entry.name() == name).ok_or(Error::NoSuchFile)?;
            println!("{}", row(found));
            Ok(())
        }),
    }
}

fn show_all(entries: &[DirectoryEntry]) {
    print!("{}", columns(&entries.iter().map(row).collect::<Vec<_>>()));
}

fn row(entry: &DirectoryEntry) -> String {
    format!("{:>10}  {}", entry.len_bytes(), entry.name())
}

fn columns_are_filled_downwards() -> Verdict {
    let texts: Vec<String> = ["1", "22", "333", "4", "5"].iter().map(ToString::to_string).collect();
    check_eq!(columns(&texts), "1    22   333  4    5\n");
    let texts: Vec<String> = (1..=5).map(|number| format!("{number:<24}|")).collect();
    let [one, two, three, four, five] = [0, 1, 2, 3, 4].map(|place| texts.get(place).map_or("", String::as_str));
    check_eq!(columns(&texts), format!("{one}  {three}  {five}\n{two}  {four}\n"));
    Ok(())
}

fn long_name_has_a_row_of_its_own() -> Verdict {
    let texts = ["a".repeat(100), "b".to_string()];
    check_eq!(columns(&texts), format!("{}\nb\n", texts.each_ref().map(String::as_str)[0]));
    check_eq!(columns(&[]), "");
    Ok(())
}
