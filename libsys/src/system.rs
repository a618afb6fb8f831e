//! The machine: its memory, its time, its end.

use crate::Error;
use abi::record::{SystemInfo, Time};

use crate::memory::filled;
use crate::{call, console};

/// The state of the machine's memory.
///
/// ```no_run
/// let info = libsys::system::info()?;
/// libsys::println!("{} of {} frames are free", info.frames_free, info.frames_total);
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// None for a program with a stack.
pub fn info() -> Result<SystemInfo, Error> {
    filled(call::system_info)
}

/// The time.
///
/// ```no_run
/// let time = libsys::system::time()?;
/// libsys::println!("{} ms, of which the CPU had nothing to do for {} counts", time.uptime_ms, time.halted_tsc);
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// None for a program with a stack.
pub fn time() -> Result<Time, Error> {
    filled(call::time)
}

/// Lets frames be borrowed by the replacement policy of this name, one of [`POLICY_NAMES`](abi::POLICY_NAMES).
///
/// ```no_run
/// libsys::system::set_policy("sieve")?;
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// `InvalidArgument` if there is no such policy, `OutOfMemory`.
pub fn set_policy(name: &str) -> Result<(), Error> {
    let place = abi::policy_named(name).ok_or(Error::InvalidArgument)?;
    call::set_policy(u32::try_from(place).map_err(|_| Error::InvalidArgument)?).map(|_| ())
}

/// Switches the textbook's order of paging on or off. On: a page is evicted only when no frame is
/// free, and alone, and it is a page of a random process; nothing is read ahead. Off: the cleaner
/// and read-ahead that the machine booted with work again.
///
/// ```no_run
/// libsys::system::set_textbook(true)?;
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// `OutOfMemory` if the kernel has no room for the books of the policy `random`.
pub fn set_textbook(on: bool) -> Result<(), Error> {
    call::set_textbook(u32::from(on)).map(|_| ())
}

/// Says whether the textbook's order of paging is on.
///
/// ```no_run
/// use libsys::system;
///
/// system::set_textbook(true)?;
/// assert_eq!(system::is_textbook(), Ok(true));
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// None.
pub fn is_textbook() -> Result<bool, Error> {
    const ASK: u32 = 2;
    call::set_textbook(ASK).map(|was_on| was_on == 1)
}

/// Saves all files and ends the machine; its host learns `status`, or that the disk does not take all files.
///
/// ```no_run
/// use libsys::{println, system};
///
/// let refusal = system::shutdown(0);
/// println!("the machine goes on: {refusal:?}");
/// ```
///
/// # Errors
/// `NotPermitted` unless this process is init, the shell, or a program that one of these two started.
pub fn shutdown(status: u32) -> Result<(), Error> {
    console::flush();
    call::shutdown(status).map(|_| ())
}
