//! `assist WHAT [ARGUMENT...]`: breaks a rule on purpose, or does some other thing that a test needs another process for.
//!
//! `assist where RULE` exits with the address of the instruction that breaks the rule.
#![no_std]
#![no_main]

mod company;
mod devices;
mod errands;
mod files;
mod growth;
mod mappings;
mod pools;
mod remains;
mod rules;
mod ways;

extern crate alloc;

use alloc::vec::Vec;

use libsys::{Args, eprintln, println};

libsys::entry!(main);

const USAGE: &str = "usage: assist RULE [ADDRESS] | assist where RULE | assist ERRAND [ARGUMENT...]
Breaks one rule, and is ended for it; or runs an errand for a test. Exits with 2 if it does not know the word.";

fn main() -> u32 {
    let arguments: Vec<&str> = Args::new().collect();
    match arguments.as_slice() {
        ["--help"] => {
            println!("{USAGE}");
            rules::RULES.iter().for_each(|rule| println!("  {}", rule.name));
            0
        }
        ["where", rule] => rules::find(rule).map_or(2, |rule| rule.instruction()),
        [word, rest @ ..] => match rules::find(word) {
            Some(rule) => rule.break_it(rest.first().copied()),
            None => errands::run(word, rest)
                .or_else(|| company::run(word, rest))
                .or_else(|| files::run(word, rest))
                .or_else(|| growth::run(word, rest))
                .or_else(|| mappings::run(word, rest))
                .or_else(|| pools::run(word, rest))
                .or_else(|| remains::run(word, rest))
                .or_else(|| devices::run(word, rest))
                .unwrap_or_else(|| {
                    eprintln!("{USAGE}");
                    2
                }),
        },
        [] => {
            eprintln!("{USAGE}");
            2
        }
    }
}
