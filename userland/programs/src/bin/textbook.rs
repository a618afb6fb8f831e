//! `textbook [on|off]`: shows or changes the order in which frames are borrowed.
#![no_std]
#![no_main]

use libsys::{Args, Error, eprintln, println, system};

libsys::entry!(main, about: "Sets the textbook order");

const USAGE: &str = "usage: textbook [on|off]
With on: a page is evicted only when no frame is free, one page at a time. It
is a page of a random process, or of a file if no process has one to give.
Nothing is read ahead. With off: the cleaner and read-ahead work again.
Without an argument: says whether the textbook's order is on.";

fn main() -> Result<u32, Error> {
    let mut arguments = Args::new();
    match (arguments.next(), arguments.next()) {
        (None, _) => println!("textbook: {}", if system::is_textbook()? { "on" } else { "off" }),
        (Some("--help"), None) => println!("{USAGE}"),
        (Some("on"), None) => system::set_textbook(true)?,
        (Some("off"), None) => system::set_textbook(false)?,
        _ => {
            eprintln!("{USAGE}");
            return Ok(2);
        }
    }
    Ok(0)
}
