//! Machines: what is booted, how it is watched, and how it ended. Each emulator has a file of its own.

mod bochs;
mod qemu;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use abi::image::HOST_UNSAVED_LINE;
use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::dialogue::Dialogue;
use crate::size::Size;
use crate::typist::{self, Shown, Wires};

pub use bochs::{Bochs, Pace, check_ram as check_ram_in_bochs};
pub use qemu::{NO_DISPLAY, PowerOff, Qemu, check_cpu, comma_escaped, window_display};

/// How often a running machine is looked at.
const POLL: Duration = Duration::from_millis(5);
/// How long an emulator gets to end in good order.
const GRACE: Duration = Duration::from_secs(2);
/// The file in a machine's folder with the lines that its kernel prints for the host.
const HOST_LINES: &str = "host";

/// Set when the user presses Ctrl-C, this process is asked to end, or nobody sees its output any more.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// What a machine consists of in every emulator.
#[derive(Clone, Debug)]
pub struct Hardware {
    /// The disk image.
    pub image: PathBuf,
    /// Its memory.
    pub ram: Size,
    /// Its CPU, by the name that the emulator has for it; the emulator's usual one if there is none.
    pub cpu: Option<String>,
    /// What Ctrl-C on this process's terminal does.
    pub control_c: ControlC,
}

impl Hardware {
    /// A machine with the usual CPU, which Ctrl-C ends.
    pub const fn new(image: PathBuf, ram: Size) -> Self {
        Self { image, ram, cpu: None, control_c: ControlC::EndsMachine }
    }
}

/// What Ctrl-C does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlC {
    /// It ends the machine.
    EndsMachine,
    /// It is typed at the machine's console. `Ctrl-] x` ends the machine.
    IsTyped,
}

/// A machine in one of the emulators.
#[derive(Clone, Debug)]
pub enum Machine {
    /// In QEMU.
    Qemu(Qemu),
    /// In Bochs.
    Bochs(Bochs),
}

/// How a machine ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was shut down with this status.
    Status(u32),
    /// It was shut down, but could not save all files: its disk does not take them.
    Unsaved,
    /// It ended without an orderly shutdown: the kernel failed, or the emulator did. The text is what the emulator says.
    Broken(String),
    /// Its time was up.
    TimedOut,
    /// The user ended it, here or in the emulator.
    Interrupted,
}

/// Where a machine's console goes.
pub enum Console {
    /// To this process's terminal or pipes.
    Attached,
    /// Nowhere but to the result; this is typed at it, and then input ends.
    Scripted(Vec<u8>),
    /// Nowhere but to the result; somebody waits for what it shows, and answers.
    Dialogue(Dialogue),
    /// Nowhere but to the result; somebody waits for what it shows, and answers at the machine's own keyboard.
    AtKeyboard(Dialogue),
    /// Nowhere but to the result; a spectator looks at it, and can end the machine. Input ends at once.
    Watched(Arc<dyn Spectator>),
}

/// Looks at a machine's console while the machine runs.
pub trait Spectator: Send + Sync {
    /// The console has shown more: this is all of it.
    fn shown(&self, all: &[u8]);

    /// The machine is to be switched off.
    fn wants_an_end(&self) -> bool;
}

/// An emulator that runs.
struct Running {
    child: Child,
    wires: Wires,
    /// Tells how the machine ended, once the emulator has.
    judge: Judge,
    /// How the emulator is ended before that.
    stop: fn(&mut Child),
}

/// Reads from an ended emulator, and from what it left, how the machine ended.
type Judge = Box<dyn FnOnce(&mut Child) -> End>;

impl Machine {
    /// Runs it to its end; returns how it ended and what its console showed.
    ///
    /// # Errors
    /// If the emulator cannot be started.
    pub fn run(&self, console: &Console, timeout: Option<Duration>) -> Result<(End, Shown)> {
        let folder = tempfile::tempdir().context("cannot make a folder for temporary files")?;
        let started = Instant::now();
        listen_for_interrupts();
        let mut running = match self {
            Self::Qemu(qemu) => qemu.start(console, folder.path())?,
            Self::Bochs(bochs) => bochs.start(console, folder.path())?,
        };
        let output = typist::attach(running.wires, console);
        let is_over = || match console {
            Console::Watched(spectator) => spectator.wants_an_end(),
            _ => timeout.is_some_and(|timeout| started.elapsed() >= timeout),
        };
        let ended = watch(&mut running.child, running.stop, is_over)?;
        let shown = shown(output, matches!(ended, Some(End::Interrupted)));
        Ok((ended.unwrap_or_else(|| (running.judge)(&mut running.child)), shown))
    }
}

/// What the console has shown. If the user wants an end, a reader that takes no output and does not go either (`| less`) is not waited
/// for.
fn shown(output: JoinHandle<Shown>, is_interrupted: bool) -> Shown {
    let deadline = Instant::now() + GRACE;
    while is_interrupted && !output.is_finished() {
        if Instant::now() >= deadline {
            return Shown::default();
        }
        thread::sleep(POLL);
    }
    output.join().unwrap_or_default()
}

/// The end of the machine as the kernel has told its host, if it has told one.
fn told_end(host_lines: &Path) -> Option<End> {
    let lines = fs::read_to_string(host_lines).unwrap_or_default();
    let status = lines.lines().filter_map(|line| line.strip_prefix("status ")?.parse().ok()).next_back()?;
    Some(if lines.lines().any(|line| line == HOST_UNSAVED_LINE) { End::Unsaved } else { End::Status(status) })
}

/// Waits until the emulator has ended by itself (`None`), or ends it once its time `is_over`.
fn watch(child: &mut Child, stop: fn(&mut Child), is_over: impl Fn() -> bool) -> Result<Option<End>> {
    loop {
        if child.try_wait()?.is_some() {
            return Ok(INTERRUPTED.load(Ordering::Relaxed).then_some(End::Interrupted));
        }
        let end = if INTERRUPTED.load(Ordering::Relaxed) {
            End::Interrupted
        } else if is_over() {
            End::TimedOut
        } else {
            thread::sleep(POLL);
            continue;
        };
        stop(child);
        return Ok(Some(end));
    }
}

/// Ends an emulator: with a request, so that it can set the terminal back, and by force if it does not listen.
pub fn stop(child: &mut Child) {
    let asked = i32::try_from(child.id()).ok().and_then(Pid::from_raw).map(|pid| kill_process(pid, Signal::TERM));
    let deadline = Instant::now() + GRACE;
    while asked.is_some() && Instant::now() < deadline {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        thread::sleep(POLL);
    }
    stop_by_force(child);
}

/// Ends an emulator that has nothing to set in order.
fn stop_by_force(child: &mut Child) {
    // It may have ended in this very moment.
    let _ = child.kill();
    let _ = child.wait();
}

/// From now on an interrupt is only noted: the code that waits for a machine ends it.
pub fn listen_for_interrupts() {
    static LISTENING: Mutex<bool> = Mutex::new(false);
    let Ok(mut listening) = LISTENING.lock() else { return };
    if !*listening {
        *listening = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed)).is_ok();
    }
}

/// As if the user had pressed Ctrl-C: nobody sees what the machine shows any more, or the user has asked for the end otherwise.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// The user wants an end.
pub fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Has the kernel send the child a signal when the thread that starts it ends, in whatever way.
#[cfg(target_os = "linux")]
fn end_with_parent(command: &mut Command, signal: Signal) {
    use rustix::process::set_parent_process_death_signal;
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; this one is a single system call (prctl) and
    // allocates nothing.
    unsafe {
        command.pre_exec(move || Ok(set_parent_process_death_signal(Some(signal))?));
    }
}

#[cfg(not(target_os = "linux"))]
fn end_with_parent(_: &mut Command, _: Signal) {}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::{End, Shown, shown, told_end};

    fn text(text: &str) -> Shown {
        Shown { bytes: text.into(), ..Shown::default() }
    }

    #[test]
    fn an_interrupt_does_not_wait_for_a_reader_that_takes_no_output() {
        let (sender, receiver) = mpsc::channel();
        let stuck = thread::spawn(move || receiver.recv().unwrap_or_default());
        assert_eq!(shown(stuck, true).bytes, b"");
        sender.send(text("late")).unwrap_or_default();
        for is_interrupted in [false, true] {
            assert_eq!(shown(thread::spawn(|| text("all")), is_interrupted).bytes, b"all");
        }
    }

    #[test]
    fn the_last_status_that_was_told_counts() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (lines, end) in [
            ("", None),
            ("ready\n", None),
            ("ready\nstatus 3\n", Some(End::Status(3))),
            ("status 1\nstatus 2\n", Some(End::Status(2))),
            ("ready\nunsaved\nstatus 2\n", Some(End::Unsaved)),
        ] {
            std::fs::write(file.path(), lines).unwrap();
            assert_eq!(told_end(file.path()), end);
        }
        assert_eq!(told_end(&file.path().join("none")), None);
    }
}
