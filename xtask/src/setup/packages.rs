//! Programs from the system's package manager.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::console::step;

/// A program that is installed as a package, and what it is called where.
pub struct Wanted {
    /// What people call it.
    pub name: &'static str,
    /// The file of the program.
    pub program: &'static str,
    /// The packages that it needs, for each package manager that has it.
    pub packages: &'static [(&'static str, &'static [&'static str])],
    /// Where to get it if the system has no package of it.
    pub home: &'static str,
}

/// A package manager: its tool, and the commands that install packages; the packages' names follow the last one.
struct Manager {
    tool: &'static str,
    commands: &'static [&'static [&'static str]],
    needs_root: bool,
}

const MANAGERS: [Manager; 5] = [
    Manager {
        tool: "apt-get",
        commands: &[&["apt-get", "update"], &["apt-get", "install", "-y", "--no-install-recommends"]],
        needs_root: true,
    },
    Manager { tool: "dnf", commands: &[&["dnf", "install", "-y"]], needs_root: true },
    Manager { tool: "pacman", commands: &[&["pacman", "-S", "--noconfirm"]], needs_root: true },
    Manager { tool: "zypper", commands: &[&["zypper", "install", "-y"]], needs_root: true },
    Manager { tool: "brew", commands: &[&["brew", "install"]], needs_root: false },
];

/// The path of a program, if it is installed.
pub fn in_path(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Finds the program, or installs it where that needs no password.
///
/// # Errors
/// If it is missing and may not be installed: the text has the command to run.
pub fn ready(wanted: &Wanted) -> Result<PathBuf> {
    if let Some(path) = in_path(wanted.program) {
        return Ok(path);
    }
    let Some((manager, lines)) = how_to_install(wanted, |tool| in_path(tool).is_some()) else {
        bail!("{} is missing; install {} from {} and start again", wanted.program, wanted.name, wanted.home)
    };
    let Some(prefix) = prefix(manager) else {
        bail!(
            "{} is missing, and installing it takes rights that this user lacks. Run:\n\n    {}\n",
            wanted.program,
            advice(manager, &lines)
        )
    };
    step(&format!("{} is missing; installing it", wanted.name));
    for words in &lines {
        let line: Vec<&str> = prefix.iter().chain(words).copied().collect();
        step(&format!("  {}", line.join(" ")));
        let status = Command::new(line[0]).args(&line[1..]).env("DEBIAN_FRONTEND", "noninteractive").status()?;
        if !status.success() {
            bail!("`{}` failed. Install {} by hand:\n\n    {}\n", line.join(" "), wanted.name, advice(manager, &lines));
        }
    }
    match in_path(wanted.program) {
        Some(path) => Ok(path),
        None => bail!("{} was installed, but {} is still not in PATH", wanted.name, wanted.program),
    }
}

/// The first package manager that is there and has the program, and the command lines that install it.
fn how_to_install(
    wanted: &Wanted,
    is_there: impl Fn(&str) -> bool,
) -> Option<(&'static Manager, Vec<Vec<&'static str>>)> {
    let manager = MANAGERS.iter().find(|manager| is_there(manager.tool))?;
    let (_, packages) = wanted.packages.iter().find(|(tool, _)| *tool == manager.tool)?;
    let mut lines: Vec<Vec<&str>> = manager.commands.iter().map(|words| words.to_vec()).collect();
    lines.last_mut()?.extend(*packages);
    Some((manager, lines))
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
fn advice(manager: &Manager, lines: &[Vec<&str>]) -> String {
    let sudo = if manager.needs_root { "sudo " } else { "" };
    lines.iter().map(|words| format!("{sudo}{}", words.join(" "))).collect::<Vec<_>>().join(" && ")
}

#[cfg(test)]
mod tests {
    use super::{Wanted, advice, how_to_install};

    const WANTED: Wanted = Wanted {
        name: "It",
        program: "it",
        packages: &[("apt-get", &["it", "it-data"]), ("brew", &["it"])],
        home: "https://example.org",
    };

    #[test]
    fn each_system_has_its_own_command() {
        let command = |tools: &[&str]| {
            let (manager, lines) = how_to_install(&WANTED, |tool| tools.contains(&tool))?;
            Some(advice(manager, &lines))
        };
        let debian = "sudo apt-get update && sudo apt-get install -y --no-install-recommends it it-data";
        assert_eq!(command(&["apt-get", "brew"]).as_deref(), Some(debian));
        assert_eq!(command(&["brew"]).as_deref(), Some("brew install it"));
        assert_eq!(command(&["dnf"]), None, "its packages are not known there");
        assert_eq!(command(&[]), None);
    }
}
