//! `cargo xtask debug`: a machine that waits for gdb.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::build::Guest;
use crate::cli::DebugOptions;
use crate::console::step;
use crate::kernel_options::KernelOptions;
use crate::machine::{self, Console, End};
use crate::{project, run, setup};

/// The program whose symbols are loaded if none is named.
const SHELL: &str = "shell";

/// Boots a machine that waits, and attaches gdb.
///
/// # Errors
/// If something is missing, does not compile or does not fit, or there is no such program.
pub fn command(options: &DebugOptions) -> Result<ExitCode> {
    let emulator = setup::emulator()?;
    let guest = Guest::build()?;
    let first = options.program.first().map_or(SHELL, String::as_str);
    let names = std::iter::once(first).chain(options.symbols.iter().map(String::as_str));
    let programs = names.map(|name| guest.program(name)).collect::<Result<Vec<&PathBuf>>>()?;
    let kernel_options = KernelOptions::new(&options.machine, &options.program);
    let (mut machine, _image) = run::prepare(&guest, &options.machine, &kernel_options, emulator)?;
    let port = free_port()?;
    machine.further = vec!["-S".into(), "-gdb".into(), format!("tcp:127.0.0.1:{port}")];
    let arguments = gdb_arguments(port, &guest.kernel, &programs);
    match setup::in_path("gdb") {
        Some(gdb) => with_gdb(&machine, &gdb, &arguments),
        None => without_gdb(&machine, &arguments),
    }
}

/// gdb has the terminal; the guest's console goes to a file.
fn with_gdb(machine: &machine::Machine, gdb: &Path, arguments: &[String]) -> Result<ExitCode> {
    let log = project::target().join("debug-console.log");
    step(&format!("the guest's console goes to {}", log.display()));
    step("gdb: `continue` starts the machine, `break main` or `hbreak kernel_main` stops it, `quit` ends it");
    let console = std::fs::File::create(&log).context("cannot create the log of the console")?;
    let host = project::target().join("debug-host.log");
    let mut qemu = machine.command(&host).stdin(Stdio::null()).stdout(console).spawn().context("cannot start QEMU")?;
    machine::listen_for_interrupts(); // Ctrl-C is gdb's
    let status = Command::new(gdb).arg("-quiet").args(arguments).status();
    machine::stop(&mut qemu);
    status.context("cannot run gdb")?;
    Ok(ExitCode::SUCCESS)
}

/// The guest has the terminal; the user attaches a gdb from elsewhere.
fn without_gdb(machine: &machine::Machine, arguments: &[String]) -> Result<ExitCode> {
    let quoted: Vec<String> = arguments.iter().map(|argument| format!("'{argument}'")).collect();
    step("gdb is not installed here. The machine waits; attach one from another terminal:\n");
    step(&format!("    gdb {}\n", quoted.join(" ")));
    match machine.run(&Console::Attached, None)? {
        (End::Status(_) | End::Interrupted, _) => Ok(ExitCode::SUCCESS),
        (end, _) => anyhow::bail!("the machine ended: {end:?}"),
    }
}

fn gdb_arguments(port: u16, kernel: &Path, programs: &[&PathBuf]) -> Vec<String> {
    let mut commands = vec!["set confirm off".to_string(), format!("file {}", kernel.display())];
    commands.extend(programs.iter().map(|program| format!("add-symbol-file {}", program.display())));
    commands.push(format!("target remote 127.0.0.1:{port}"));
    commands.into_iter().flat_map(|command| ["-ex".to_string(), command]).collect()
}

/// A port that nobody listens at.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free for gdb")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::gdb_arguments;

    #[test]
    fn gdb_loads_symbols_before_it_attaches() {
        let arguments = gdb_arguments(1234, Path::new("k"), &[&PathBuf::from("p")]);
        let commands: Vec<&str> = arguments.iter().skip(1).step_by(2).map(String::as_str).collect();
        assert_eq!(commands, ["set confirm off", "file k", "add-symbol-file p", "target remote 127.0.0.1:1234"]);
    }
}
