//! `cargo xtask debug`: a machine that waits for gdb.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::build::Guest;
use crate::cli::DebugOptions;
use crate::console::step;
use crate::image::elf;
use crate::kernel_options::KernelOptions;
use crate::machine::{self, Console, End, Machine, PowerOff, Qemu};
use crate::{project, run, setup};

/// The program whose symbols are loaded if none is named.
const SHELL: &str = "shell";
/// `kernel::process::current::PID`, as the compiler mangles it: the pid of the process that runs.
const CURRENT_PID: &str = "6kernel7process7current3PID";

/// Boots a machine that waits, and attaches gdb.
///
/// # Errors
/// If something is missing, does not compile or does not fit, or there is no such program.
pub fn command(options: &DebugOptions) -> Result<ExitCode> {
    options.machine.only_in_qemu("gdb talks to it")?;
    let emulator = run::qemu_program(&options.machine)?;
    let guest = if options.debug_build { Guest::build_with_assertions()? } else { Guest::build()? };
    let first = options.program.first().map_or(SHELL, String::as_str);
    let names = std::iter::once(first).chain(options.symbols.iter().map(String::as_str));
    let programs = names.map(|name| guest.program(name)).collect::<Result<Vec<&PathBuf>>>()?;
    let kernel_options = KernelOptions::new(&options.machine, &options.program);
    let (hardware, _image) = run::prepare(&guest, &options.machine, &kernel_options)?;
    let machine = run::qemu(&options.machine, hardware, emulator);
    let waiting = Waiting::new(machine, &guest.kernel, &programs, &project::target())?;
    match setup::in_path("gdb") {
        Some(gdb) => with_gdb(&waiting, &gdb, &options.execute),
        None => without_gdb(waiting),
    }
}

/// gdb has the terminal; the guest's console goes to a file.
fn with_gdb(waiting: &Waiting, gdb: &Path, execute: &[String]) -> Result<ExitCode> {
    step(&format!("the guest's console goes to {}", waiting.console.display()));
    if execute.is_empty() {
        step(
            "gdb: `continue` starts the machine, `break kernel_main` or `break-in 2 shell::main` stops it, `quit` ends it",
        );
    }
    let mut qemu = waiting.start()?;
    machine::listen_for_interrupts(); // Ctrl-C is gdb's
    let status = waiting.gdb(gdb, execute).status();
    machine::stop(&mut qemu);
    let has_succeeded = status.context("cannot run gdb")?.success();
    Ok(if has_succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The guest has the terminal; the user attaches a gdb from elsewhere.
fn without_gdb(waiting: Waiting) -> Result<ExitCode> {
    step("gdb is not installed here. The machine waits; attach one from another terminal:\n");
    step(&format!("    gdb -x '{}'\n", waiting.script.display()));
    match Machine::Qemu(waiting.machine).run(&Console::Attached, None)? {
        (End::Status(_) | End::Interrupted, _) => Ok(ExitCode::SUCCESS),
        (end, _) => anyhow::bail!("the machine ended: {end:?}"),
    }
}

/// A machine that executes nothing before gdb says so, and what gdb needs to know.
pub struct Waiting {
    machine: Qemu,
    script: PathBuf,
    console: PathBuf,
    host: PathBuf,
}

impl Waiting {
    /// Leaves the files of the session in `folder`.
    ///
    /// # Errors
    /// If that cannot be, or the kernel is not as it should be.
    pub fn new(mut machine: Qemu, kernel: &Path, programs: &[&PathBuf], folder: &Path) -> Result<Self> {
        let port = free_port()?;
        machine.further.extend(["-S".into(), "-gdb".into(), format!("tcp:127.0.0.1:{port}")]);
        let pid = fs::read(kernel).map_err(Into::into).and_then(|file| elf::symbol(&file, CURRENT_PID));
        let pid = pid.with_context(|| format!("cannot read the symbols of {}", kernel.display()))?;
        let file = |name| folder.join(name);
        let waiting = Self {
            machine,
            script: file("debug.gdb"),
            console: file("debug-console.log"),
            host: file("debug-host.log"),
        };
        fs::write(&waiting.script, script(port, kernel, programs, pid)).context("cannot write the script for gdb")?;
        Ok(waiting)
    }

    /// Runs gdb without anybody at its prompt, and the machine with it; returns what gdb said.
    ///
    /// # Errors
    /// If one of the two cannot be started.
    pub fn execute(&self, gdb: &Path, commands: &[String], timeout: Duration) -> Result<String> {
        let mut qemu = self.start()?;
        let mut gdb = self.gdb(gdb, commands);
        // The user's own settings are none of ours.
        let child = gdb.arg("-nx").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let deadline = Instant::now() + timeout;
        let said = child.context("cannot run gdb").and_then(|mut child| {
            while child.try_wait()?.is_none() && Instant::now() < deadline && !machine::is_interrupted() {
                thread::sleep(Duration::from_millis(20));
            }
            // Without a machine gdb comes to its end.
            machine::stop(&mut qemu);
            let output = child.wait_with_output()?;
            Ok([output.stdout, output.stderr].concat())
        });
        machine::stop(&mut qemu);
        Ok(String::from_utf8_lossy(&said?).into_owned())
    }

    fn start(&self) -> Result<Child> {
        let console = File::create(&self.console).context("cannot create the log of the console")?;
        let machine = Qemu { power_off: PowerOff::TellsDebugger, ..self.machine.clone() };
        let mut qemu = machine.command(&self.host);
        qemu.stdin(Stdio::null()).stdout(console).spawn().context("cannot start QEMU")
    }

    fn gdb(&self, gdb: &Path, execute: &[String]) -> Command {
        let mut command = Command::new(gdb);
        command.arg("-quiet").arg("-x").arg(&self.script);
        if !execute.is_empty() {
            command.arg("-batch").args(execute.iter().flat_map(|text| ["-ex", text]));
        }
        command
    }
}

/// What gdb does first: load symbols, learn two commands, attach.
fn script(port: u16, kernel: &Path, programs: &[&PathBuf], pid: u64) -> String {
    let symbols: String = programs.iter().map(|file| format!("add-symbol-file {}\n", file.display())).collect();
    let running = format!("*({pid:#x} as *const u32)");
    format!(
        "set confirm off
set language rust
file {}
{symbols}
define process
  printf \"process %u\\n\", {running}
end
document process
Tells the pid of the process that runs, or has run last.
end

define break-in
  if $argc == 2
    break $arg1 if {running} == $arg0
  else
    help break-in
  end
end
document break-in
Stops at a place of a program, in one process: break-in PID PLACE
All programs lie at the same addresses: a plain `break` stops in whichever comes by.
Process 1 is init; process 2 is the shell, or the program that runs in its place.
end

target remote 127.0.0.1:{port}
",
        kernel.display()
    )
}

/// A port that nobody listens at.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free for gdb")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::script;

    #[test]
    fn gdb_loads_symbols_before_it_attaches() {
        let script = script(1234, Path::new("k"), &[&PathBuf::from("p"), &PathBuf::from("q")], 0xC000_1234);
        let place = |line: &str| script.lines().position(|found| found == line).unwrap();
        assert!(place("file k") < place("add-symbol-file p"));
        assert!(place("add-symbol-file p") < place("add-symbol-file q"));
        assert!(place("add-symbol-file q") < place("target remote 127.0.0.1:1234"));
        assert!(script.contains("if *(0xc0001234 as *const u32) == $arg0"));
    }
}
