//! The computer that measures.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde::{Deserialize, Serialize};

use crate::project;

/// What of the host a result depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// What it calls its processor, if it says.
    pub cpu: Option<String>,
    /// How many programs run at the same time.
    pub cores: usize,
    /// Its operating system.
    pub system: String,
    /// The emulator and its version.
    pub emulator: String,
}

impl Host {
    /// This one, with this emulator.
    pub fn here(emulator: &Path) -> Self {
        let name = rustix::system::uname();
        let said = first_line(Command::new(emulator).arg("--version"));
        Self {
            cpu: fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| cpu_in(&text)),
            cores: thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", name.sysname().to_string_lossy(), version_in(&name.release().to_string_lossy())),
            emulator: said.unwrap_or_else(|| "an emulator that does not say its version".into()),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = self.cpu.as_deref().unwrap_or("unknown processor");
        write!(f, "{cpu}, {} cores; {}; {}", self.cores, self.system, self.emulator)
    }
}

/// The commit that is checked out, and whether something was changed since. `None` without git.
pub fn revision() -> Option<String> {
    first_line(Command::new("git").current_dir(project::root()).args(["describe", "--always", "--dirty"]))
}

/// What a command says first, if it succeeds.
fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().map(|line| line.trim().to_string()).filter(|line| !line.is_empty())
}

/// The processor's name as Linux gives it.
fn cpu_in(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'))?;
    Some(line.1.trim().into())
}

/// A release without what its packagers have added: `6.1.0` of `6.1.0-18-amd64`.
fn version_in(release: &str) -> &str {
    release.split('-').next().unwrap_or(release)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Host, cpu_in, first_line, version_in};

    #[test]
    fn of_a_release_the_version_is_kept() {
        assert_eq!((version_in("6.1.0-18-amd64"), version_in("23.4.0")), ("6.1.0", "23.4.0"));
    }

    #[test]
    fn the_processor_is_found_in_what_linux_says() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\nflags\t\t: fpu\nmodel name\t: Other\n";
        assert_eq!(cpu_in(text).as_deref(), Some("Some CPU @ 2.00GHz"));
        assert_eq!(cpu_in("processor : 0\n"), None);
    }

    #[test]
    fn a_command_that_fails_or_is_missing_says_nothing() {
        assert_eq!(first_line(&mut Command::new("no-such-command-anywhere")), None);
        assert_eq!(first_line(Command::new("sh").args(["-c", "echo one; exit 1"])), None);
        assert_eq!(first_line(Command::new("sh").args(["-c", "echo; echo two"])), None);
        assert_eq!(first_line(Command::new("sh").args(["-c", "echo ' one'; echo two"])).as_deref(), Some("one"));
    }

    #[test]
    fn it_is_described_in_a_line() {
        let host = Host { cpu: None, cores: 4, system: "Linux 6.1".into(), emulator: "QEMU 7".into() };
        assert_eq!(host.to_string(), "unknown processor, 4 cores; Linux 6.1; QEMU 7");
    }
}
