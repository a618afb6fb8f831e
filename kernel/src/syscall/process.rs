//! `CreateProcess`, `GetPidByName`, `Exit`, `Wait`, `Yield`, `Sleep`, `Kill`, `SetForeground`, `SetPriority`, `Shutdown`.

use abi::device::Streams;
use abi::layout::ARGUMENTS_MAX_BYTES;
use abi::record::ExitStatus;
use abi::{Class, Errno, ExitReason};
use alloc::vec::Vec;
use kcore::addr::Pid;
use kcore::process_table::{ChildChoice, Denied};
use kcore::user_slice::UserSlice;

use super::Caller;
use super::files::FileName;
use crate::drivers::console;
use crate::process::opened::Opened;
use crate::process::{self, Arguments, scheduler};
use crate::start;

/// Ends the caller.
pub(super) fn exit(code: u32) -> ! {
    process::end_current(ExitReason::Exited(code))
}

/// Starts a program.
#[inline(never)]
pub(super) fn create(
    caller: Caller,
    path: u32,
    path_len: u32,
    arguments: u32,
    len: u32,
    streams: u32,
) -> Result<u32, Errno> {
    let name = FileName::read(caller, path, path_len)?;
    let arguments = UserSlice::bytes(arguments, len)?;
    if len > ARGUMENTS_MAX_BYTES {
        caller.memory.check(arguments, abi::Access::Read)?;
        return Err(Errno::ArgumentsTooLong);
    }
    let mut block = Vec::new();
    block.try_reserve_exact(len as usize).map_err(|_| Errno::OutOfMemory)?;
    block.resize(len as usize, 0);
    caller.memory.read(arguments, &mut block)?;
    let arguments = Arguments::new(name.as_str(), &block)?;
    let streams = match streams {
        0 => None,
        at => Some(caller.memory.read_record::<Streams>(at)?),
    };
    let opened = Opened::of_child(streams.map(|Streams { input, output, errors }| [input, output, errors]))?;
    Ok(process::create(Some(caller.process.pid), name.as_str(), arguments, opened)?.number())
}

/// Finds a process by its program's name.
pub(super) fn find(caller: Caller, name: u32, name_len: u32) -> Result<u32, Errno> {
    let name = FileName::read(caller, name, name_len)?;
    process::find(name.as_str()).map(Pid::number).ok_or(Errno::NoSuchProcess)
}

/// Waits for a child. The child stays until its status has arrived in the caller's memory, so that none is lost.
pub(super) fn wait(caller: Caller, pid: u32, status: u32) -> Result<u32, Errno> {
    caller.memory.check_record::<ExitStatus>(status)?;
    let choice = if pid == 0 { ChildChoice::Any } else { ChildChoice::Only(Pid::new(pid)) };
    let ended = process::wait_for_child(choice)?;
    caller.memory.write_record(status, &ended)?;
    process::bury_child(Pid::new(ended.pid));
    Ok(ended.pid)
}

/// Lets others run.
pub(super) fn yield_now() -> Result<u32, Errno> {
    scheduler::yield_now();
    Ok(0)
}

/// Sleeps for at least the given time.
pub(super) fn sleep(milliseconds: u32) -> Result<u32, Errno> {
    scheduler::sleep(milliseconds)?;
    Ok(0)
}

/// Ends a process.
pub(super) fn kill(caller: Caller, pid: u32) -> Result<u32, Errno> {
    process::kill(caller.process, Pid::new(pid)).map(|()| 0).map_err(refusal)
}

/// Says whom Ctrl-C ends.
pub(super) fn set_foreground(caller: Caller, pid: u32) -> Result<u32, Errno> {
    let process = (pid != 0).then_some(Pid::new(pid));
    process::set_foreground(caller.process, process).map_err(refusal)?;
    console::foreground_changed();
    Ok(0)
}

/// Changes a process's class.
pub(super) fn set_priority(caller: Caller, pid: u32, class: u32) -> Result<u32, Errno> {
    let class = Class::from_number(class).ok_or(Errno::InvalidArgument)?;
    process::set_class(caller.process, Pid::new(pid), class).map(|()| 0).map_err(refusal)
}

const fn refusal(denied: Denied) -> Errno {
    match denied {
        Denied::NoSuchProcess => Errno::NoSuchProcess,
        Denied::NotPermitted => Errno::NotPermitted,
    }
}

/// Ends the machine.
pub(super) fn shutdown(caller: Caller, status: u32) -> Result<u32, Errno> {
    if !process::may_shut_down(caller.process) {
        return Err(Errno::NotPermitted);
    }
    start::shut_down(status)
}
