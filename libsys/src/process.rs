//! Starting programs and learning how they ended.

use alloc::vec::Vec;
use core::time::Duration;

use crate::Error;
use abi::device::Streams;
pub use abi::process::{ProcessInfo, ProcessName, ProcessState};
use abi::record::ExitStatus;
use abi::{Class, Wire, Writer};

use crate::memory::{address, filled, length};
use crate::{call, console};

/// A child process. Dropping it does not end it.
///
/// ```no_run
/// use libsys::process::Process;
///
/// let ended = Process::spawn("piggy", ["25", "3"])?.wait()?;
/// libsys::println!("{}, with {} page faults", ended.reason, ended.account.faults);
/// # Ok::<(), libsys::Error>(())
/// ```
#[derive(Debug)]
pub struct Process {
    pid: u32,
}

impl Process {
    /// Starts the program in the file of this name.
    ///
    /// ```no_run
    /// use libsys::process::Process;
    ///
    /// let children = [Process::spawn("hello", ["first"])?, Process::spawn("hello", ["second"])?];
    /// for child in children {
    ///     child.wait()?;
    /// }
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NoSuchFile`, `NotExecutable`, `NotPermitted`, `Busy`, `OutOfMemory`, `TooManyProcesses`, `ArgumentsTooLong`, `BadName`, `Io`; `InvalidArgument` if
    /// an argument has a zero byte in it, which is where it would end.
    pub fn spawn<A: AsRef<str>>(program: &str, arguments: impl IntoIterator<Item = A>) -> Result<Self, Error> {
        Self::start(program, arguments, 0)
    }

    /// Starts the program with these handles of this process as its standard input, its output and for its errors.
    ///
    /// ```no_run
    /// use libsys::abi::device::Streams;
    /// use libsys::files::File;
    /// use libsys::process::Process;
    ///
    /// let list = File::create("list")?;
    /// let streams = Streams { output: list.handle(), ..Streams::default() };
    /// Process::spawn_with("ls", [""; 0], streams)?.wait()?;
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Process::spawn`]; `BadHandle`.
    pub fn spawn_with<A: AsRef<str>>(
        program: &str,
        arguments: impl IntoIterator<Item = A>,
        streams: Streams,
    ) -> Result<Self, Error> {
        let mut record = [0; Streams::SIZE_BYTES as usize];
        streams.encode(&mut Writer::new(&mut record));
        Self::start(program, arguments, address(record.as_ptr()))
    }

    /// Starts the program with the streams of which a record lies at address `streams`; with this process's own, if that is 0.
    fn start<A: AsRef<str>>(
        program: &str,
        arguments: impl IntoIterator<Item = A>,
        streams: u32,
    ) -> Result<Self, Error> {
        let mut block = Vec::new();
        for argument in arguments {
            let bytes = argument.as_ref().as_bytes();
            if bytes.contains(&0) {
                return Err(Error::InvalidArgument);
            }
            block.extend_from_slice(bytes);
            block.push(0);
        }
        let (name, words) = (program.as_bytes(), block.as_slice());
        console::flush();
        let pid = call::create_process(
            address(name.as_ptr()),
            length(name.len()),
            address(words.as_ptr()),
            length(words.len()),
            streams,
        )?;
        Ok(Self { pid })
    }

    /// Its pid.
    ///
    /// ```no_run
    /// let child = libsys::process::Process::spawn("hello", [""; 0])?;
    /// libsys::println!("process {} is on its way", child.pid());
    /// # Ok::<(), libsys::Error>(())
    /// ```
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until it has ended.
    ///
    /// ```no_run
    /// use libsys::{ExitReason, process::Process};
    ///
    /// match Process::spawn("hello", ["you"])?.wait()?.reason {
    ///     ExitReason::Exited(0) => {}
    ///     other => libsys::eprintln!("hello {other}"),
    /// }
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NoSuchProcess` if it was waited for already.
    pub fn wait(self) -> Result<ExitStatus, Error> {
        wait_for(self.pid)
    }
}

/// Waits until the child with this pid has ended.
///
/// ```no_run
/// let pid = libsys::process::Process::spawn("hello", [""; 0])?.pid();
/// libsys::process::wait_for(pid)?;
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// `NoSuchProcess` if it is no child of this process, `NoChild`.
pub fn wait_for(pid: u32) -> Result<ExitStatus, Error> {
    console::flush();
    filled(|status| call::wait(pid, status))
}

/// Waits until any child has ended.
///
/// ```no_run
/// while let Ok(ended) = libsys::process::wait_any() {
///     libsys::println!("{} {}", ended.pid, ended.reason);
/// }
/// ```
///
/// # Errors
/// `NoChild` if there is none.
pub fn wait_any() -> Result<ExitStatus, Error> {
    wait_for(0)
}

/// Ends this process.
///
/// ```no_run
/// libsys::process::exit(3)
/// ```
pub fn exit(code: u32) -> ! {
    console::flush();
    loop {
        // It does not return.
        let _ = call::exit(code);
    }
}

/// This process's pid.
///
/// ```no_run
/// libsys::println!("I am {}", libsys::process::pid());
/// ```
pub fn pid() -> u32 {
    call::get_pid().unwrap_or(0)
}

/// The pid of the process that runs the program in this file; of several, the lowest.
///
/// ```no_run
/// let init = libsys::process::find("init")?;
/// assert_eq!(init, 1);
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// `NoSuchProcess`, `BadName`.
pub fn find(program: &str) -> Result<u32, Error> {
    call::get_pid_by_name(address(program.as_ptr()), length(program.len()))
}

/// Gives way to other processes, if the draw for the CPU is theirs.
///
/// ```no_run
/// # let is_ready = || true;
/// while !is_ready() {
///     libsys::process::yield_now();
/// }
/// ```
pub fn yield_now() {
    // It cannot fail.
    let _ = call::yield_now();
}

/// Sleeps for at least `time`, in whole milliseconds.
///
/// ```no_run
/// libsys::process::sleep(core::time::Duration::from_millis(100));
/// ```
pub fn sleep(time: Duration) {
    // It cannot fail.
    let _ = call::sleep(u32::try_from(time.as_micros().div_ceil(1000)).unwrap_or(u32::MAX));
}

/// Ends the process with this pid, whatever it is doing. It is gone for good once [`wait_for`] says so.
///
/// ```no_run
/// use libsys::process::{Process, kill};
///
/// let child = Process::spawn("piggy", ["100"])?;
/// kill(child.pid())?;
/// libsys::println!("{}", child.wait()?.reason);
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// `NoSuchProcess`, `NotPermitted` if it is none of this process's descendants, nor of the process that started this one.
pub fn kill(pid: u32) -> Result<(), Error> {
    call::kill(pid).map(|_| ())
}

/// Says whom Ctrl-C on the console ends: this process, a descendant of the caller, and all that descend from it; or nobody. That is the
/// shell's to say, as long as there is one.
///
/// ```no_run
/// use libsys::process::{Process, set_foreground};
///
/// let child = Process::spawn("piggy", ["100"])?;
/// set_foreground(Some(child.pid()))?;
/// child.wait()?;
/// set_foreground(None)?;
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// `NotPermitted` if a shell says it, or the process is no descendant; `NoSuchProcess`.
pub fn set_foreground(pid: Option<u32>) -> Result<(), Error> {
    call::set_foreground(pid.unwrap_or(0)).map(|_| ())
}

/// Puts this process or a child into a class.
///
/// ```no_run
/// use libsys::{Class, process};
///
/// process::set_priority(process::pid(), Class::Background)?;
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// `NoSuchProcess`, `NotPermitted` if it is neither, or the class is a higher one and this process has no right to it.
pub fn set_priority(pid: u32, class: Class) -> Result<(), Error> {
    call::set_priority(pid, class.number()).map(|_| ())
}

/// What the kernel knows of the process with this pid.
///
/// ```no_run
/// let init = libsys::process::info(1)?;
/// libsys::println!("{} is {}", init.name.as_str(), init.state);
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// `NoSuchProcess`.
pub fn info(pid: u32) -> Result<ProcessInfo, Error> {
    info_from(pid).filter(|info| info.pid == pid).ok_or(Error::NoSuchProcess)
}

/// All processes, by pid. Those that come or go meanwhile may or may not be among them.
///
/// ```no_run
/// for process in libsys::process::all() {
///     libsys::println!("{} {}", process.pid, process.name.as_str());
/// }
/// ```
pub fn all() -> impl Iterator<Item = ProcessInfo> {
    let mut next = Some(0);
    core::iter::from_fn(move || {
        let found = info_from(next?);
        next = found.and_then(|info| info.pid.checked_add(1));
        found
    })
}

/// The process with the lowest pid that is not below this one.
fn info_from(pid: u32) -> Option<ProcessInfo> {
    filled(|info| call::process_info(pid, info)).ok()
}
