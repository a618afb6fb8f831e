//! The machine: its memory, its time, its end.

use abi::Errno;
use abi::record::{SystemInfo, Time};

use crate::memory::filled;
use crate::{call, console};

/// The state of the machine's memory.
///
/// ```no_run
/// let info = libsys::system::info()?;
/// libsys::println!("{} of {} frames are free", info.frames_free, info.frames_total);
/// # Ok::<(), libsys::Errno>(())
/// ```
///
/// # Errors
/// None for a program with a stack.
pub fn info() -> Result<SystemInfo, Errno> {
    filled(call::system_info)
}

/// The time.
///
/// ```no_run
/// let time = libsys::system::time()?;
/// libsys::println!("{} ms, of which the CPU had nothing to do for {} counts", time.uptime_ms, time.halted_tsc);
/// # Ok::<(), libsys::Errno>(())
/// ```
///
/// # Errors
/// None for a program with a stack.
pub fn time() -> Result<Time, Errno> {
    filled(call::time)
}

/// Ends the machine; its host learns `status`.
///
/// ```no_run
/// use libsys::{Errno, system};
///
/// assert_eq!(system::shutdown(0), Err(Errno::NotPermitted));
/// ```
///
/// # Errors
/// `NotPermitted` for everyone but init.
pub fn shutdown(status: u32) -> Result<(), Errno> {
    console::flush();
    call::shutdown(status).map(|_| ())
}
