//! Starting programs and learning how they ended.

use alloc::vec::Vec;
use core::time::Duration;

use abi::Errno;
use abi::record::ExitStatus;

use crate::console::{address, length};
use crate::memory::filled;
use crate::{call, console};

/// A child process. Dropping it does not end it.
#[derive(Debug)]
pub struct Child {
    pid: u32,
}

impl Child {
    /// Starts the program in the file of this name.
    ///
    /// # Errors
    /// `NoSuchFile`, `NotExecutable`, `OutOfMemory`, `TooManyProcesses`, `ArgumentsTooLong`, `BadName`, `Io`.
    pub fn spawn<A: AsRef<str>>(program: &str, arguments: impl IntoIterator<Item = A>) -> Result<Self, Errno> {
        let mut block = Vec::new();
        for argument in arguments {
            block.extend_from_slice(argument.as_ref().as_bytes());
            block.push(0);
        }
        let (name, words) = (program.as_bytes(), block.as_slice());
        console::flush();
        let pid = call::create_process(
            address(name.as_ptr()),
            length(name.len()),
            address(words.as_ptr()),
            length(words.len()),
        )?;
        Ok(Self { pid })
    }

    /// Its pid.
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// `NoSuchProcess` if it was waited for already.
    pub fn wait(self) -> Result<ExitStatus, Errno> {
        wait_for(self.pid)
    }
}

/// Waits until the child with this pid has ended.
///
/// # Errors
/// `NoSuchProcess` if it is no child of this process, `NoChild`.
pub fn wait_for(pid: u32) -> Result<ExitStatus, Errno> {
    console::flush();
    filled(|status| call::wait(pid, status))
}

/// Waits until any child has ended.
///
/// # Errors
/// `NoChild` if there is none.
pub fn wait_any() -> Result<ExitStatus, Errno> {
    wait_for(0)
}

/// Ends this process.
pub fn exit(code: u32) -> ! {
    console::flush();
    loop {
        // It does not return.
        let _ = call::exit(code);
    }
}

/// This process's pid.
pub fn pid() -> u32 {
    call::get_pid().unwrap_or(0)
}

/// Lets another process run.
pub fn yield_now() {
    // It cannot fail.
    let _ = call::yield_now();
}

/// Sleeps for at least `time`, in whole milliseconds.
pub fn sleep(time: Duration) {
    // It cannot fail.
    let _ = call::sleep(u32::try_from(time.as_micros().div_ceil(1000)).unwrap_or(u32::MAX));
}
