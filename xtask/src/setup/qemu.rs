//! QEMU, from the system's package manager.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::console::step;

/// The emulator of a PC with a 32-bit CPU.
const EMULATOR: &str = "qemu-system-i386";

/// A package manager: its tool, and the commands that install QEMU with it.
struct Manager {
    tool: &'static str,
    commands: &'static [&'static [&'static str]],
    needs_root: bool,
}

const MANAGERS: [Manager; 5] = [
    Manager {
        tool: "apt-get",
        commands: &[
            &["apt-get", "update"],
            &["apt-get", "install", "-y", "--no-install-recommends", "qemu-system-x86"],
        ],
        needs_root: true,
    },
    Manager { tool: "dnf", commands: &[&["dnf", "install", "-y", "qemu-system-x86-core"]], needs_root: true },
    Manager { tool: "pacman", commands: &[&["pacman", "-S", "--noconfirm", "qemu-system-x86"]], needs_root: true },
    Manager { tool: "zypper", commands: &[&["zypper", "install", "-y", "qemu-x86"]], needs_root: true },
    Manager { tool: "brew", commands: &[&["brew", "install", "qemu"]], needs_root: false },
];

/// The path of a program, if it is installed.
pub fn in_path(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Finds the emulator, or installs it where that needs no password.
///
/// # Errors
/// If it is missing and may not be installed: the text has the command to run.
pub fn ready() -> Result<PathBuf> {
    if let Some(path) = in_path(EMULATOR) {
        return Ok(path);
    }
    let Some(manager) = MANAGERS.iter().find(|manager| in_path(manager.tool).is_some()) else {
        bail!("{EMULATOR} is missing; install QEMU from https://www.qemu.org/download and start again")
    };
    let Some(prefix) = prefix(manager) else {
        bail!(
            "{EMULATOR} is missing, and installing it takes rights that this user lacks. Run:\n\n    {}\n",
            advice(manager)
        )
    };
    step("QEMU is missing; installing it");
    for words in manager.commands {
        let line: Vec<&str> = prefix.iter().chain(*words).copied().collect();
        step(&format!("  {}", line.join(" ")));
        let status = Command::new(line[0]).args(&line[1..]).env("DEBIAN_FRONTEND", "noninteractive").status()?;
        if !status.success() {
            bail!("`{}` failed. Install QEMU by hand:\n\n    {}\n", line.join(" "), advice(manager));
        }
    }
    match in_path(EMULATOR) {
        Some(path) => Ok(path),
        None => bail!("QEMU was installed, but {EMULATOR} is still not in PATH"),
    }
}

/// What goes before the manager's commands; `None` if this user may not install.
fn prefix(manager: &Manager) -> Option<&'static [&'static str]> {
    if !manager.needs_root || rustix::process::geteuid().is_root() {
        return Some(&[]);
    }
    let asks_nothing = Command::new("sudo").args(["-n", "true"]).output().is_ok_and(|output| output.status.success());
    asks_nothing.then_some(&["sudo", "-n"])
}

/// The command for the user to run.
fn advice(manager: &Manager) -> String {
    let sudo = if manager.needs_root { "sudo " } else { "" };
    manager.commands.iter().map(|words| format!("{sudo}{}", words.join(" "))).collect::<Vec<_>>().join(" && ")
}
