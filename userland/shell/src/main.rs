//! `shell`: a prompt that starts programs by name.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;

use libsys::abi::image::PROGRAM_LIST;
use libsys::files::File;
use libsys::process::{Child, set_priority};
use libsys::{Class, Errno, ExitReason, console, eprintln, print, println};

libsys::entry!(main);

/// The longest command.
const LINE_BYTES: usize = 256;

fn main() -> Result<(), Errno> {
    println!("BorrowOS. `help` lists the programs, `exit` ends the machine.");
    let mut code = 0;
    loop {
        match code {
            0 => print!("> "),
            _ => print!("[{code}] > "),
        }
        let mut buffer = [0; LINE_BYTES];
        let line = console::read_line(&mut buffer)?;
        if line.is_empty() {
            return Ok(());
        }
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        code = match words.as_slice() {
            [] => code,
            ["exit"] => return Ok(()),
            ["help"] => help(),
            ["realtime", program, arguments @ ..] => run(Some(Class::RealTime), program, arguments),
            ["background", program, arguments @ ..] => run(Some(Class::Background), program, arguments),
            [program, arguments @ ..] => run(None, program, arguments),
        };
    }
}

fn help() -> u32 {
    println!(
        "Built in: help, exit, and before a program: realtime, background. Programs; each tells more with --help:"
    );
    match list_programs() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("shell: {PROGRAM_LIST}: {error}");
            1
        }
    }
}

fn list_programs() -> Result<(), Errno> {
    let mut list = Vec::new();
    tools::read_to_end(&mut File::open(PROGRAM_LIST)?, |bytes| {
        list.extend_from_slice(bytes);
        Ok(())
    })?;
    for line in String::from_utf8_lossy(&list).lines() {
        let (name, purpose) = line.split_once("  ").unwrap_or((line, ""));
        println!("  {name:<10} {purpose}");
    }
    Ok(())
}

/// Runs a program to its end, in this class or that of the shell; returns its exit code.
fn run(class: Option<Class>, program: &str, arguments: &[&str]) -> u32 {
    let ended = Child::spawn(program, arguments).and_then(|child| {
        if let Some(Err(error)) = class.map(|class| set_priority(child.pid(), class))
            && error != Errno::NoSuchProcess
        {
            eprintln!("shell: {program} keeps its class: {error}");
        }
        child.wait()
    });
    match ended.map(|status| status.reason) {
        Ok(ExitReason::Exited(code)) => code,
        Ok(ExitReason::Killed(_)) => 137,
        Ok(ExitReason::Fault { .. }) => 139,
        Err(Errno::NoSuchFile) => {
            eprintln!("shell: there is no program `{program}`; `help` lists those there are");
            127
        }
        Err(error) => {
            eprintln!("shell: cannot start {program}: {error}");
            126
        }
    }
}
