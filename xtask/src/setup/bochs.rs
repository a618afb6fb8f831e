//! Bochs, from the system's package manager, and what this one can do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::packages::{self, Wanted};

const BOCHS: Wanted = Wanted {
    name: "Bochs",
    program: "bochs",
    packages: &[
        // A display that needs no window, and the two BIOSes.
        ("apt-get", &["bochs", "bochs-term", "bochsbios", "vgabios"]),
        ("dnf", &["bochs"]),
        ("pacman", &["bochs"]),
        ("zypper", &["bochs"]),
        ("brew", &["bochs"]),
    ],
    home: "https://bochs.sourceforge.io",
};

/// Displays that open no window, the best first.
const DISPLAYS: [&str; 2] = ["nogui", "term"];

/// A Bochs that can run machines without a window.
#[derive(Clone, Debug)]
pub struct BochsProgram {
    /// The emulator.
    pub path: PathBuf,
    /// What it calls a display that opens no window.
    pub display: &'static str,
    /// Its debugger waits for commands before the machine starts.
    pub has_debugger: bool,
}

impl BochsProgram {
    /// Finds Bochs, or installs it where that needs no password.
    ///
    /// # Errors
    /// If it is missing and may not be installed, or it can only run machines in a window: the text has what to do.
    pub fn ready() -> Result<Self> {
        let path = packages::ready(&BOCHS)?;
        let said = output_of(Command::new(&path).arg("--help"))?;
        let Some(display) = display_of(&path)? else {
            bail!(
                "this Bochs cannot run a machine without a window: it has none of the display libraries {}; \
                 on Debian, install `bochs-term`",
                DISPLAYS.join(" and ")
            )
        };
        Ok(Self { path, display, has_debugger: said.contains("\n  -rc ") })
    }

    /// Refuses a CPU that this Bochs does not have.
    ///
    /// # Errors
    /// If it has none of this name: the text has the names.
    pub fn check_cpu(&self, cpu: &str) -> Result<()> {
        let known = cpus_in(&output_of(Command::new(&self.path).args(["--help", "cpu"]))?);
        if known.is_empty() || known.iter().any(|known| known == cpu) {
            return Ok(());
        }
        bail!("Bochs has no CPU `{cpu}`; it has {}", known.join(", "))
    }
}

/// The first of [`DISPLAYS`] that this Bochs has. It says so when it reads a configuration that it then does not understand.
fn display_of(program: &Path) -> Result<Option<&'static str>> {
    let folder = tempfile::tempdir().context("cannot make a folder for temporary files")?;
    for display in DISPLAYS {
        fs::write(folder.path().join("configuration"), format!("display_library: {display}\nno_such_option: 1\n"))?;
        let mut bochs = Command::new(program);
        bochs.current_dir(folder.path()).args(["-q", "-f", "configuration"]);
        if !output_of(&mut bochs)?.contains("not available") {
            return Ok(Some(display));
        }
    }
    Ok(None)
}

/// All that Bochs says, which is on both outputs.
fn output_of(bochs: &mut Command) -> Result<String> {
    let output = bochs.stdin(std::process::Stdio::null()).output().context("cannot start Bochs")?;
    Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// The names in a list that follows a heading and ends with an empty line.
fn cpus_in(said: &str) -> Vec<String> {
    let list = said.lines().skip_while(|line| !line.starts_with("Supported CPU models")).skip(2);
    list.take_while(|line| !line.trim().is_empty()).map(|line| line.trim().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::cpus_in;

    #[test]
    fn cpus_are_read_from_the_list() {
        let said = "0i[ ] LTDL\nSupported CPU models:\n\nbx_generic\npentium\n\n0i[SIM   ] quit_sim called\n";
        assert_eq!(cpus_in(said), ["bx_generic", "pentium"]);
        assert!(cpus_in("").is_empty());
    }
}
