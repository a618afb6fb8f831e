//! QEMU as a machine: how it is started, watched and ended.

use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use abi::image::{HOST_CONSOLE_PORT, HOST_EXIT_PORT, HOST_EXIT_STATUS, HOST_UNSAVED_LINE};
use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::cli::Accelerator;
use crate::dialogue::Dialogue;
use crate::qmp::Qmp;
use crate::size::Size;
use crate::typist::{self, Ears, Shown};

/// How often a running machine is looked at.
const POLL: Duration = Duration::from_millis(5);
/// How long QEMU gets to end in good order.
const GRACE: Duration = Duration::from_secs(2);
/// The display of a machine whose screen nobody looks at.
pub const NO_DISPLAY: &str = "none";

/// Set when the user presses Ctrl-C, this process is asked to end, or nobody sees its output any more.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// A machine with a disk.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The emulator.
    pub emulator: PathBuf,
    /// The disk image.
    pub image: PathBuf,
    /// Where its disk fails, in the form of QEMU's `blkdebug` driver.
    pub disk_faults: Option<PathBuf>,
    /// Its memory.
    pub ram: Size,
    /// What executes its instructions.
    pub accelerator: Accelerator,
    /// How its screen is shown, in QEMU's words.
    pub display: String,
    /// What Ctrl-C on this process's terminal does.
    pub control_c: ControlC,
    /// What becomes of QEMU when the machine switches itself off.
    pub power_off: PowerOff,
    /// Further arguments for QEMU.
    pub further: Vec<String>,
}

/// What Ctrl-C does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlC {
    /// It ends the machine.
    EndsMachine,
    /// It is typed at the machine's console. `Ctrl-] x` ends the machine.
    IsTyped,
}

/// What becomes of QEMU when the machine switches itself off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerOff {
    /// It ends.
    EndsQemu,
    /// It ends, and tells a debugger so. After a failure of the kernel it does not: there is something to look at.
    TellsDebugger,
    /// It goes on, and with it what the screen shows.
    KeepsScreen,
}

/// How a machine ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was shut down with this status.
    Status(u32),
    /// It was shut down, but could not save all files: its disk does not take them.
    Unsaved,
    /// It ended without an orderly shutdown: the kernel failed, or QEMU did. The text is QEMU's exit status.
    Broken(String),
    /// Its time was up.
    TimedOut,
    /// The user ended it, here or in QEMU.
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
}

impl Machine {
    /// The command that starts it, its serial console at QEMU's standard input and output.
    pub fn command(&self, host_console: &Path) -> Command {
        let mut qemu = Command::new(&self.emulator);
        let (accelerator, cpu) = match self.accelerator {
            Accelerator::Tcg => ("tcg", "qemu32"),
            Accelerator::Kvm => ("kvm", "host"),
        };
        qemu.args(["-machine", "pc-i440fx-7.2", "-cpu", cpu, "-smp", "1", "-accel", accelerator]);
        qemu.args(["-name", "BorrowOS"]);
        qemu.args(["-display", self.display.as_str(), "-vga", "std", "-nic", "none", "-no-reboot"]);
        qemu.args(["-m", &format!("{}K", self.ram.in_bytes() >> 10)]);
        let image = comma_escaped(&self.image);
        let file = match &self.disk_faults {
            Some(faults) => format!("blkdebug:{}:{image}", comma_escaped(faults)),
            None => image,
        };
        qemu.arg("-drive").arg(format!("file={file},format=raw,if=ide,cache=writeback"));
        match self.control_c {
            ControlC::EndsMachine => qemu.args(["-chardev", "stdio,id=console,signal=on"]),
            // 29 is Ctrl-].
            ControlC::IsTyped => qemu.args(["-chardev", "stdio,id=console,signal=off,mux=on", "-echr", "29"]),
        };
        qemu.args(["-serial", "chardev:console"]);
        match self.power_off {
            PowerOff::EndsQemu => {
                qemu.args(["-device", &format!("isa-debug-exit,iobase={HOST_EXIT_PORT:#x},iosize=0x04")]);
            }
            PowerOff::TellsDebugger => {}
            PowerOff::KeepsScreen => {
                qemu.arg("-no-shutdown");
            }
        }
        qemu.arg("-chardev").arg(format!("file,id=host,path={}", comma_escaped(host_console)));
        qemu.args(["-device", &format!("isa-debugcon,iobase={HOST_CONSOLE_PORT:#x},chardev=host")]);
        qemu.args(&self.further);
        end_with_parent(&mut qemu);
        qemu
    }

    /// Runs it to its end; returns how it ended and what its console showed.
    ///
    /// # Errors
    /// If QEMU cannot be started.
    pub fn run(&self, console: &Console, timeout: Option<Duration>) -> Result<(End, Shown)> {
        let folder = tempfile::tempdir().context("cannot make a folder for temporary files")?;
        let host_console = folder.path().join("host");
        let mut qemu = self.command(&host_console);
        let socket = folder.path().join("qmp");
        if matches!(console, Console::AtKeyboard(_)) {
            qemu.args(Qmp::arguments(&socket));
        }
        let ends = folder.path().join("ends");
        if self.user_may_end_it() {
            qemu.args(Qmp::arguments(&ends));
        }
        let types = matches!(console, Console::Attached) && io::stdin().is_terminal();
        qemu.stdin(if types { Stdio::inherit() } else { Stdio::piped() }).stdout(Stdio::piped());
        let started = Instant::now();
        let mut child = qemu.spawn().context("cannot start QEMU")?;
        let witness = self.user_may_end_it().then(|| thread::spawn(move || Qmp::connect(&ends)?.ended_by_guest()));
        let stdout = child.stdout.take().context("QEMU has no output")?;
        let ears = Ears { input: child.stdin.take(), host_console: host_console.clone() };
        let output = typist::attach(stdout, ears, console, socket, self.display == NO_DISPLAY);
        let ended = watch(&mut child, started, timeout)?;
        let shown = shown(output, matches!(ended, Some(End::Interrupted)));
        Ok((ended.unwrap_or_else(|| End::of(&mut child, &host_console, witness)), shown))
    }

    /// QEMU itself has something that the user can end it with: a window, or its escape key on the console.
    fn user_may_end_it(&self) -> bool {
        self.display != NO_DISPLAY || self.control_c == ControlC::IsTyped
    }
}

/// What the console has shown. Whoever wants an end does not wait for one who takes no output and does not go either (`| less`).
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

/// The name of a display of this emulator that opens a window.
///
/// # Errors
/// If it has none.
pub fn window_display(emulator: &Path) -> Result<String> {
    let output = Command::new(emulator).args(["-display", "help"]).output().context("cannot start QEMU")?;
    let offered = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = ["gtk", "sdl", "cocoa"].into_iter().find(|name| offered.lines().any(|line| line.trim() == *name));
    found.map(String::from).context("this QEMU cannot open a window; on Debian, install `qemu-system-gui`")
}

impl End {
    /// Reads how an ended QEMU ended. The witness, if there is one, tells whether the guest was the cause.
    fn of(child: &mut Child, host_console: &Path, witness: Option<JoinHandle<Result<bool>>>) -> Self {
        let status = match child.wait() {
            Ok(status) => status,
            Err(error) => return Self::Broken(error.to_string()),
        };
        let lines = fs::read_to_string(host_console).unwrap_or_default();
        let told = lines.lines().filter_map(|line| line.strip_prefix("status ")?.parse().ok()).next_back();
        let has_ended = status.code() == Some(HOST_EXIT_STATUS);
        match told {
            Some(_) if has_ended && lines.lines().any(|line| line == HOST_UNSAVED_LINE) => Self::Unsaved,
            Some(told) if has_ended => Self::Status(told),
            // So it ends for its user, and when the CPU has given up. Before it was up, there is no witness to wait for.
            _ if status.success() && witness.is_some_and(|told| matches!(told.join(), Ok(Ok(false)))) => {
                Self::Interrupted
            }
            _ => Self::Broken(status.to_string()),
        }
    }
}

/// Waits until QEMU has ended by itself (`None`), or ends it.
fn watch(child: &mut Child, started: Instant, timeout: Option<Duration>) -> Result<Option<End>> {
    listen_for_interrupts();
    loop {
        if child.try_wait()?.is_some() {
            return Ok(INTERRUPTED.load(Ordering::Relaxed).then_some(End::Interrupted));
        }
        let end = if INTERRUPTED.load(Ordering::Relaxed) {
            End::Interrupted
        } else if timeout.is_some_and(|timeout| started.elapsed() >= timeout) {
            End::TimedOut
        } else {
            thread::sleep(POLL);
            continue;
        };
        stop(child);
        return Ok(Some(end));
    }
}

/// Ends QEMU: with a request, so that it can set the terminal back, and by force if it does not listen.
pub fn stop(child: &mut Child) {
    let asked = i32::try_from(child.id()).ok().and_then(Pid::from_raw).map(|pid| kill_process(pid, Signal::TERM));
    let deadline = Instant::now() + GRACE;
    while asked.is_some() && Instant::now() < deadline {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        thread::sleep(POLL);
    }
    // It may have ended in this very moment.
    let _ = child.kill();
    let _ = child.wait();
}

/// From now on an interrupt is only noted: whoever waits for a machine ends it.
pub fn listen_for_interrupts() {
    static LISTENING: Mutex<bool> = Mutex::new(false);
    let Ok(mut listening) = LISTENING.lock() else { return };
    if !*listening {
        *listening = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed)).is_ok();
    }
}

/// As if the user had pressed Ctrl-C: nobody sees what the machine shows any more.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// The user wants an end.
pub fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Has the kernel end the child when the thread that starts it ends, in whatever way.
#[cfg(target_os = "linux")]
fn end_with_parent(command: &mut Command) {
    use rustix::process::set_parent_process_death_signal;
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; this one is a single system call (prctl) and
    // allocates nothing.
    unsafe {
        command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::TERM))?));
    }
}

#[cfg(not(target_os = "linux"))]
fn end_with_parent(_: &mut Command) {}

/// A path as QEMU's options take it.
pub fn comma_escaped(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::{Shown, shown};

    fn text(text: &str) -> Shown {
        Shown { bytes: text.into(), ..Shown::default() }
    }

    #[test]
    fn whoever_interrupts_does_not_wait_for_one_who_takes_no_output() {
        let (sender, receiver) = mpsc::channel();
        let stuck = thread::spawn(move || receiver.recv().unwrap_or_default());
        assert_eq!(shown(stuck, true).bytes, b"");
        sender.send(text("late")).unwrap_or_default();
        for is_interrupted in [false, true] {
            assert_eq!(shown(thread::spawn(|| text("all")), is_interrupted).bytes, b"all");
        }
    }
}
