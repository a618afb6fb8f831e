//! The machines that measure: always the same one, so that figures can be compared.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::catalogue::Mode;
use super::plan::{Boot, Trouble};
use crate::build::Guest;
use crate::cli::DiskOptions;
use crate::console::step;
use crate::image::{self, ImageSpec};
use crate::kernel_options::KernelOptions;
use crate::machine::{self, Console, End, Hardware, Machine, Qemu};
use crate::size::Size;

/// The machine's memory.
const RAM: Size = Size::bytes(256 << 20);
/// The swap file.
const SWAP: Size = Size::bytes(64 << 20);
/// No boot takes longer, even on a slow host.
const DEADLINE: Duration = Duration::from_secs(300);
/// Linux's file system in memory: a disk there is as fast as a disk can be, and always as fast.
const SHARED_MEMORY: &str = "/dev/shm";
/// What must be free there: an image, and the same again for whoever else puts something there meanwhile.
const WANTED_BYTES: u64 = 200 << 20;

/// What all machines have in common.
#[derive(Debug)]
pub struct Machines<'a> {
    guest: &'a Guest,
    emulator: PathBuf,
    disks: PathBuf,
}

impl<'a> Machines<'a> {
    /// Machines with these programs, whose disks are in the host's memory if that can be.
    pub fn new(guest: &'a Guest, emulator: PathBuf) -> Self {
        let disks = match usable(Path::new(SHARED_MEMORY), WANTED_BYTES) {
            Ok(()) => SHARED_MEMORY.into(),
            Err(reason) => {
                let other = env::temp_dir();
                step(&format!("{SHARED_MEMORY} cannot be used: {reason:#}; disk images are in {}", other.display()));
                step("what waits for the disk may take longer than elsewhere");
                other
            }
        };
        Self { guest, emulator, disks }
    }

    /// Boots one with a fresh disk; returns what its console showed.
    ///
    /// # Errors
    /// If that fails, the program does, or the user wants an end.
    pub fn boot(&self, boot: &Boot) -> Result<String, Trouble> {
        if machine::is_interrupted() {
            return Err(Trouble::Interrupted);
        }
        let (end, shown) = self.run(boot).map_err(Trouble::Failed)?;
        match end {
            End::Status(0) => Ok(shown),
            End::Interrupted => Err(Trouble::Interrupted),
            other => Err(Trouble::Failed(anyhow!("{}\n{}", explained(&other), last_lines(&shown)))),
        }
    }

    fn run(&self, boot: &Boot) -> Result<(End, String)> {
        let options = KernelOptions { words: boot.options.clone(), program: boot.benchmark.program() };
        let disk = DiskOptions { swap: Some(SWAP), extras: Vec::new() };
        let made_up: Vec<_> = boot.benchmark.made_up().into_iter().collect();
        let spec = ImageSpec { guest: self.guest, disk: &disk, options: &options, made_up: &made_up, sparse: &[] };
        let image = image::temporary(&self.disks, &spec)?;
        let machine = machine(self.emulator.clone(), image.path().to_path_buf(), boot.mode);
        let (end, shown) = Machine::Qemu(machine).run(&Console::Scripted(Vec::new()), Some(DEADLINE))?;
        Ok((end, String::from_utf8_lossy(&shown.bytes).into_owned()))
    }
}

/// The machine, with this clock.
fn machine(emulator: PathBuf, image: PathBuf, mode: Mode) -> Qemu {
    Qemu { further: further(mode), ..Qemu::new(emulator, Hardware::new(image, RAM)) }
}

/// The host finds its frames before the machine starts, not when the guest touches its own; then the clock.
fn further(mode: Mode) -> Vec<String> {
    ["-mem-prealloc"].iter().chain(mode.arguments()).map(ToString::to_string).collect()
}

/// The folder is there and has room. (A disk that fills up would halt the machine without a word.)
fn usable(folder: &Path, wanted_bytes: u64) -> Result<()> {
    fs::metadata(folder)?;
    let system = rustix::fs::statvfs(folder).context("its size is not known")?;
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    if free < wanted_bytes {
        bail!("{} MiB are free there, {} are needed", free >> 20, wanted_bytes >> 20);
    }
    tempfile::tempfile_in(folder).context("no file can be made there")?;
    Ok(())
}

fn explained(end: &End) -> String {
    match end {
        End::Status(status) => format!("the program failed with status {status}"),
        End::Unsaved => "the machine could not save all files".into(),
        End::Broken(status) => format!("the machine stopped without an orderly shutdown ({status})"),
        End::TimedOut => format!("it took longer than {} s", DEADLINE.as_secs()),
        End::Interrupted => "it was interrupted".into(),
    }
}

/// The end of what a console showed.
fn last_lines(shown: &str) -> String {
    const COUNT: usize = 10;
    let lines: Vec<&str> = shown.lines().collect();
    lines[lines.len().saturating_sub(COUNT)..].join("\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Mode, last_lines, machine, usable};

    fn command_line(mode: Mode) -> String {
        let command = machine("qemu".into(), "disk".into(), mode).command(Path::new("host"));
        command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_machine_is_the_one_that_others_are_measured_on() {
        for mode in [Mode::Icount, Mode::Wall] {
            let line = command_line(mode);
            for part in [
                "-machine pc-i440fx-7.2",
                "-cpu qemu32",
                "-smp 1",
                "-accel tcg",
                "-m 262144K",
                "-mem-prealloc",
                "-display none",
                "-vga std",
                "-nic none",
                "-no-reboot",
                "file=disk,format=raw,if=ide,cache=writeback",
            ] {
                assert!(line.contains(part), "{part}: {line}");
            }
            assert_eq!(line.contains("-icount shift=0,sleep=off"), mode == Mode::Icount);
        }
    }

    #[test]
    fn a_folder_that_is_missing_or_full_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        assert!(usable(folder.path(), 1).is_ok());
        assert!(usable(&folder.path().join("none"), 1).is_err());
        assert!(usable(folder.path(), u64::MAX).unwrap_err().to_string().contains("are needed"));
    }

    #[test]
    fn of_a_long_output_the_end_is_shown() {
        let text = (0..30).map(|line| format!("{line}\n")).collect::<String>();
        assert!(last_lines(&text).starts_with("20\n") && last_lines(&text).ends_with("\n29"));
        assert_eq!(last_lines("one\ntwo"), "one\ntwo");
    }
}
