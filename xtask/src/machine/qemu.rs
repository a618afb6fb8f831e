//! Machines in QEMU.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use abi::image::{QEMU_EXIT_PORT, QEMU_EXIT_STATUS};
use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::{Console, ControlC, End, HOST_LINES, Hardware, Running, end_with_parent, stop, told_end};
use crate::cli::Accelerator;
use crate::qmp::Qmp;
use crate::typist::Wires;

/// The display of a machine whose screen nobody looks at.
pub const NO_DISPLAY: &str = "none";

/// A machine in QEMU.
#[derive(Clone, Debug)]
pub struct Qemu {
    /// The emulator.
    pub program: PathBuf,
    /// What every machine has.
    pub hardware: Hardware,
    /// Where its disk fails, in the form of QEMU's `blkdebug` driver.
    pub disk_faults: Option<PathBuf>,
    /// The file that all writes to the disk are logged to, in the form of QEMU's `blklogwrites` driver.
    pub write_log: Option<PathBuf>,
    /// What executes its instructions.
    pub accelerator: Accelerator,
    /// How its screen is shown, in QEMU's words.
    pub display: String,
    /// What becomes of QEMU when the machine switches itself off.
    pub power_off: PowerOff,
    /// Further arguments for QEMU.
    pub further: Vec<String>,
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

impl Qemu {
    /// A machine without a display that QEMU's translator runs.
    pub fn new(program: PathBuf, hardware: Hardware) -> Self {
        Self {
            program,
            hardware,
            disk_faults: None,
            write_log: None,
            accelerator: Accelerator::Tcg,
            display: NO_DISPLAY.into(),
            power_off: PowerOff::EndsQemu,
            further: Vec::new(),
        }
    }

    /// The command that starts it, its serial console at QEMU's standard input and output. What the kernel prints for its host gets
    /// into the file `host_lines`.
    pub fn command(&self, host_lines: &Path) -> Command {
        let mut qemu = Command::new(&self.program);
        let (accelerator, cpu) = match self.accelerator {
            Accelerator::Tcg => ("tcg", "qemu32"),
            Accelerator::Kvm => ("kvm", "host"),
        };
        let cpu = self.hardware.cpu.as_deref().unwrap_or(cpu);
        qemu.args(["-machine", "pc-i440fx-7.2", "-cpu", cpu, "-smp", "1", "-accel", accelerator]);
        qemu.args(["-name", "BorrowOS"]);
        qemu.args(["-display", self.display.as_str(), "-vga", "std", "-nic", "none", "-no-reboot"]);
        qemu.args(["-m", &format!("{}K", self.hardware.ram.in_bytes() >> 10)]);
        let image = comma_escaped(&self.hardware.image);
        let drive = match (&self.disk_faults, &self.write_log) {
            (Some(faults), _) => format!("file=blkdebug:{}:{image},format=raw", comma_escaped(faults)),
            (None, Some(log)) => logged(&image, &comma_escaped(log)),
            (None, None) => format!("file={image},format=raw"),
        };
        qemu.arg("-drive").arg(format!("{drive},if=ide,cache=writeback"));
        match self.hardware.control_c {
            ControlC::EndsMachine => qemu.args(["-chardev", "stdio,id=console,signal=on"]),
            // 29 is Ctrl-].
            ControlC::IsTyped => qemu.args(["-chardev", "stdio,id=console,signal=off,mux=on", "-echr", "29"]),
        };
        qemu.args(["-serial", "chardev:console"]);
        qemu.arg("-chardev").arg(format!("file,id=host,path={}", comma_escaped(host_lines)));
        qemu.args(["-parallel", "chardev:host"]);
        match self.power_off {
            PowerOff::EndsQemu => {
                qemu.args(["-device", &format!("isa-debug-exit,iobase={QEMU_EXIT_PORT:#x},iosize=0x04")]);
            }
            PowerOff::TellsDebugger => {}
            PowerOff::KeepsScreen => {
                qemu.arg("-no-shutdown");
            }
        }
        qemu.args(&self.further);
        end_with_parent(&mut qemu, Signal::TERM);
        qemu
    }

    /// Starts it.
    pub(super) fn start(&self, console: &Console, folder: &Path) -> Result<Running> {
        let host_lines = folder.join(HOST_LINES);
        let mut qemu = self.command(&host_lines);
        let socket = folder.join("qmp");
        if matches!(console, Console::AtKeyboard(_)) {
            qemu.args(Qmp::arguments(&socket));
        }
        let ends = folder.join("ends");
        if self.user_may_end_it() {
            qemu.args(Qmp::arguments(&ends));
        }
        let types = matches!(console, Console::Attached) && io::stdin().is_terminal();
        qemu.stdin(if types { Stdio::inherit() } else { Stdio::piped() }).stdout(Stdio::piped());
        let mut child = qemu.spawn().context("cannot start QEMU")?;
        let witness = self.user_may_end_it().then(|| thread::spawn(move || Qmp::connect(&ends)?.ended_by_guest()));
        let stdout = child.stdout.take().context("QEMU has no output")?;
        let wires = Wires {
            output: Box::new(stdout),
            input: child.stdin.take().map(|input| Box::new(input) as Box<dyn Write + Send>),
            host_lines: host_lines.clone(),
            keyboard: socket,
            // With a keyboard of its own the machine goes on.
            input_ends: self.display == NO_DISPLAY,
            has_escape: false,
        };
        Ok(Running { child, wires, judge: Box::new(move |child| judge(child, &host_lines, witness)), stop })
    }

    /// QEMU itself has something that the user can end it with: a window, or its escape key on the console.
    fn user_may_end_it(&self) -> bool {
        self.display != NO_DISPLAY || self.hardware.control_c == ControlC::IsTyped
    }
}

/// Reads how an ended QEMU ended. The witness, if there is one, tells whether the guest was the cause.
fn judge(child: &mut Child, host_lines: &Path, witness: Option<JoinHandle<Result<bool>>>) -> End {
    let status = match child.wait() {
        Ok(status) => status,
        Err(error) => return End::Broken(format!("QEMU: {error}")),
    };
    match told_end(host_lines) {
        Some(end) if status.code() == Some(QEMU_EXIT_STATUS) => end,
        // So it ends for its user, and when the CPU has given up. Before it was up, there is no witness to wait for.
        _ if status.success() && witness.is_some_and(|told| matches!(told.join(), Ok(Ok(false)))) => End::Interrupted,
        _ => End::Broken(format!("QEMU: {status}")),
    }
}

/// A drive with this image that logs all writes (QEMU's "System Emulation", "Block device options", `blklogwrites`).
fn logged(image: &str, log: &str) -> String {
    let file =
        |node: &str, path: &str| format!("{node}.driver=raw,{node}.file.driver=file,{node}.file.filename={path}");
    format!("driver=blklogwrites,{},{}", file("file", image), file("log", log))
}

/// The name of a display of this emulator that opens a window.
///
/// # Errors
/// If it has none.
pub fn window_display(program: &Path) -> Result<String> {
    let output = Command::new(program).args(["-display", "help"]).output().context("cannot start QEMU")?;
    let offered = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = ["gtk", "sdl", "cocoa"].into_iter().find(|name| offered.lines().any(|line| line.trim() == *name));
    found.map(String::from).context("this QEMU cannot open a window; on Debian, install `qemu-system-gui`")
}

/// Refuses a CPU that this QEMU does not have. Features after the name (`qemu32,+smep`) are QEMU's own business.
///
/// # Errors
/// If it has none of this name: the text has the names.
pub fn check_cpu(program: &Path, cpu: &str) -> Result<()> {
    let output = Command::new(program).args(["-cpu", "help"]).output().context("cannot start QEMU")?;
    let known = cpus_in(&String::from_utf8_lossy(&output.stdout));
    let name = cpu.split(',').next().unwrap_or(cpu);
    if known.is_empty() || known.iter().any(|known| known == name) {
        return Ok(());
    }
    bail!("QEMU has no CPU `{name}`; it has {}", known.join(", "))
}

/// The names in a list with lines such as `x86 qemu32  QEMU Virtual CPU version 2.5+`.
fn cpus_in(list: &str) -> Vec<String> {
    let name = |line: &str| Some(line.strip_prefix("x86 ")?.split_whitespace().next()?.to_string());
    list.lines().filter_map(name).collect()
}

/// A path as QEMU's options take it.
pub fn comma_escaped(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::cpus_in;

    #[test]
    fn cpus_are_read_from_the_list() {
        let list = "Available CPUs:\nx86 486                   (alias configured by machine type)\n\
                    x86 max                   Enables all features\n\nRecognized CPUID flags:\n  3dnow abm\n";
        assert_eq!(cpus_in(list), ["486", "max"]);
    }
}
