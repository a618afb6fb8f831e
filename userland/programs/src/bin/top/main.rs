//! `top`: shows what processes and memory are doing, again and again.
#![no_std]
#![no_main]

extern crate alloc;

mod table;

use alloc::string::String;
use alloc::vec::Vec;

use libsys::abi::device::DeviceKind;
use libsys::files::{File, standard_output};
use libsys::process::{self, ProcessInfo};
use libsys::record::SystemInfo;
use libsys::time::Instant;
use libsys::{Error, console, print, system};
use tools::{Outcome, Problem};

libsys::entry!(main, about: "Watches the machine");

const USAGE: &str = "usage: top [--once]
Shows how frames and the swap file are used, and for each process its share of
the CPU, its page faults in a second, and how many pages it has in frames, in
the swap file, and was promised. Once a second; q or Ctrl-C ends it. Once only
with --once, and where there is no terminal.";

/// What is seen at one moment.
struct Moment {
    when: Instant,
    system: SystemInfo,
    processes: Vec<ProcessInfo>,
}

impl Moment {
    fn now() -> Result<Self, Error> {
        Ok(Self { when: Instant::now(), system: system::info()?, processes: process::all().collect() })
    }

    fn process(&self, pid: u32) -> Option<&ProcessInfo> {
        self.processes.iter().find(|process| process.pid == pid)
    }
}

fn main() -> u32 {
    tools::run(USAGE, |arguments| match arguments {
        [] => {
            let is_seen = standard_output().info()?.device == DeviceKind::Console;
            match File::open("console keys 1000") {
                Ok(keys) if is_seen => watch(keys),
                Ok(_) | Err(Error::NotSupported) => show_once(),
                Err(error) => Err(error.into()),
            }
        }
        ["--once"] => show_once(),
        _ => Err(Problem::Usage),
    })
}

fn show_once() -> Outcome {
    let (before, tsc_hz) = (Moment::now()?, system::time()?.tsc_hz);
    process::sleep(core::time::Duration::from_millis(200));
    print!("{}", table::draw(&before, &Moment::now()?, tsc_hz, usize::MAX).join("\n"));
    print!("\n");
    Ok(0)
}

/// Shows the table anew whenever no key was pressed for a second.
fn watch(mut keys: File) -> Outcome {
    let tsc_hz = system::time()?.tsc_hz;
    let mut before = Moment::now()?;
    // The first table is of what happens in a moment; the others of a second each.
    process::sleep(core::time::Duration::from_millis(100));
    print!("\x1b[2J");
    loop {
        let now = Moment::now()?;
        show(&table::draw(&before, &now, tsc_hz, table::ROWS));
        before = now;
        let mut key = [0];
        match keys.read(&mut key) {
            Ok(_) if matches!(key, [b'q' | 3 | 4]) => break,
            Ok(_) | Err(Error::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
    }
    print!("\n");
    Ok(0)
}

/// Writes over what was shown before, so that nothing flickers.
fn show(lines: &[String]) {
    print!("\x1b[H");
    for line in lines {
        print!("{line}\x1b[K\n");
    }
    print!("\x1b[J");
    console::flush();
}
