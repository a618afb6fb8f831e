//! The machine: its memory, its time, its end.

use abi::Errno;
use abi::record::{SystemInfo, Time};

use crate::memory::filled;
use crate::{call, console};

/// The state of the machine's memory.
///
/// # Errors
/// None for a program with a stack.
pub fn info() -> Result<SystemInfo, Errno> {
    filled(call::system_info)
}

/// The time.
///
/// # Errors
/// None for a program with a stack.
pub fn time() -> Result<Time, Errno> {
    filled(call::time)
}

/// Ends the machine; its host learns `status`.
///
/// # Errors
/// `NotPermitted` for everyone but init.
pub fn shutdown(status: u32) -> Result<(), Errno> {
    console::flush();
    call::shutdown(status).map(|_| ())
}
