//! The end of boot: the first program, or a clear word on why there is none.

use core::fmt::Display;

use kcore::command_line::CommandLine;

use crate::drivers::console::kprintln;
use crate::drivers::power;
use crate::files::{self, NotSaved};
use crate::memory::paging;
use crate::process::opened::Opened;
use crate::process::{self, Arguments, CreateError};

/// The first program's file.
const INIT: &str = "init";

/// What the command line may say.
const KNOWN_OPTIONS: &str = "seed=N, frames=N, swap=N, policy=NAME, cleaner=off, readahead=off, textbook, pio, \
                             console=plain, check=N, latency, provoke=WHAT";

/// What the host is told when the machine could not start.
const CANNOT_START: u32 = 126;

/// The value, or the end: without it the machine cannot run.
pub fn or_stop<T>(result: Result<T, impl Display>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => {
            kprintln!("kernel: cannot start: {error}");
            power::shutdown(CANNOT_START)
        }
    }
}

/// Says which word of the command line was not understood.
pub fn warn_of_unknown(options: &CommandLine<'_>) {
    if let Some(word) = options.unknown {
        kprintln!("kernel: option `{word}` is not known; known are {KNOWN_OPTIONS}");
    }
}

/// Makes init. Its arguments are the program to run and that program's arguments, if the command line names one.
///
/// # Errors
/// See [`CreateError`].
pub fn first_program(options: &CommandLine<'_>) -> Result<(), CreateError> {
    let words = options.program_words();
    let arguments = Arguments::new(INIT, &words).map_err(CreateError::Arguments)?;
    let opened = Opened::of_first().map_err(CreateError::Arguments)?;
    process::create(None, INIT, arguments, opened).map(|_| ())
}

/// Init ends without having shut the machine down, and nothing can adopt orphans: saves all files, and ends the machine. Waits.
pub fn init_ended(reason: abi::ExitReason) -> ! {
    kprintln!("kernel: init {reason}; shutting down");
    shut_down(CANNOT_START)
}

/// Saves all files and ends the machine; waits for the disk.
pub fn shut_down(status: u32) -> ! {
    let saved = files::save_all();
    paging::check_at_end();
    match saved {
        Ok(()) => power::shutdown(status),
        Err(NotSaved) => power::shutdown_unsaved(status),
    }
}
