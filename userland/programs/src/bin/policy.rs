//! `policy [NAME]`: shows or changes who gives up a frame when none is free.
#![no_std]
#![no_main]

use libsys::abi::{POLICY_NAMES, policy_named};
use libsys::{Args, Error, eprintln, println, system};

libsys::entry!(main, about: "Shows or sets the policy");

const USAGE: &str = "usage: policy [NAME]
Without NAME: lists the replacement policies and marks the one in use. With
NAME: uses that one from now on.";

fn main() -> Result<u32, Error> {
    let mut arguments = Args::new();
    match (arguments.next(), arguments.next()) {
        (None, _) => list()?,
        (Some("--help"), None) => println!("{USAGE}"),
        (Some(name), None) => {
            if policy_named(name).is_none() {
                eprintln!("policy: there is no policy `{name}`; there are {}", Names);
                return Ok(2);
            }
            system::set_policy(name)?;
        }
        (Some(_), Some(_)) => {
            eprintln!("{USAGE}");
            return Ok(2);
        }
    }
    Ok(0)
}

fn list() -> Result<(), Error> {
    let used = system::info()?.policy;
    for (place, name) in (0..).zip(POLICY_NAMES) {
        println!("{} {name}", if place == used { '*' } else { ' ' });
    }
    Ok(())
}

/// The policies' names in one line.
struct Names;

impl core::fmt::Display for Names {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        POLICY_NAMES
            .iter()
            .enumerate()
            .try_for_each(|(place, name)| write!(f, "{}{name}", if place > 0 { ", " } else { "" }))
    }
}
