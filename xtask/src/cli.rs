//! What people can ask for.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::image::Extra;
use crate::size::Size;

/// Builds, runs and tests BorrowOS. Whatever is missing is set up by itself.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Gets what is needed to build and run: the standard library's source for i386, and QEMU
    ///
    /// The other commands do this by themselves. Nothing that is there already is fetched again. If the right to install QEMU is
    /// missing, the command to run is printed and the exit status is 1.
    Setup,
    /// Builds everything, puts it on a disk image and boots it in QEMU
    ///
    /// Without PROGRAM, a prompt appears on this terminal. With PROGRAM, that program is run; then the machine is switched off, and
    /// the exit status is the program's: its exit code, 139 if it broke a rule, 127 if it could not be started. It is 126 if the
    /// machine could not start, 125 if the kernel failed, 124 if the time was up. Ctrl-C ends the machine.
    Run(RunOptions),
    /// Checks format and lints, then runs the host's tests, then the guest's in QEMU
    Test(TestOptions),
    /// Builds the disk image and prints where it is and what is on it
    Image(ImageOptions),
    /// Boots a machine that waits for gdb, and attaches gdb to it if it is installed
    ///
    /// The symbols of the kernel and of PROGRAM (the shell if none is given) are loaded. Without gdb, the command to attach one is
    /// printed.
    Debug(DebugOptions),
}

/// The machine, and what the kernel is told.
#[derive(Args, Clone, Debug)]
pub struct MachineOptions {
    /// The machine's memory
    #[arg(long, value_name = "SIZE", default_value = "32M")]
    pub ram: Size,
    /// Let programs have at most this many frames (4 KiB each), so that pages must be borrowed
    #[arg(long, value_name = "N")]
    pub frames: Option<u32>,
    /// Make the choice of victims repeatable
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Who gives up a frame when none is free
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(abi::POLICY_NAMES))]
    pub policy: Option<String>,
    /// Borrow frames one at a time, and only when somebody needs one
    #[arg(long)]
    pub no_cleaner: bool,
    /// Read only the page that was missed
    #[arg(long)]
    pub no_readahead: bool,
    /// Compare the memory system's books every N page faults; the kernel stops at the first difference
    #[arg(long, value_name = "N")]
    pub check: Option<u32>,
    /// Move disk data by programmed I/O instead of DMA
    #[arg(long)]
    pub pio: bool,
    #[command(flatten)]
    pub disk: DiskOptions,
    /// What executes the guest's instructions
    #[arg(long, value_enum, default_value_t)]
    pub accel: Accelerator,
}

/// What is on the disk.
#[derive(Args, Clone, Debug)]
pub struct DiskOptions {
    /// The swap file's size
    #[arg(long, value_name = "SIZE", default_value = "64M")]
    pub swap: Size,
    /// Put a further file on the disk, under its own name or NAME; can be given several times
    #[arg(long = "with", value_name = "FILE[:NAME]")]
    pub extras: Vec<Extra>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Accelerator {
    /// QEMU's translator: works everywhere
    #[default]
    Tcg,
    /// Linux's hardware virtualization: fast, if the host can run 32-bit guests with it
    Kvm,
}

#[derive(Args, Debug)]
pub struct RunOptions {
    #[command(flatten)]
    pub machine: MachineOptions,
    /// Open a window that shows the machine's screen
    #[arg(long)]
    pub window: bool,
    /// End the machine after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// The program to run and its arguments
    #[arg(last = true, value_name = "PROGRAM [ARGS]")]
    pub program: Vec<String>,
}

#[derive(Args, Debug)]
pub struct TestOptions {
    /// Run only the tests whose name contains this
    pub filter: Option<String>,
    /// Print the tests' names instead of running them
    #[arg(long)]
    pub list: bool,
}

#[derive(Args, Debug)]
pub struct ImageOptions {
    #[command(flatten)]
    pub disk: DiskOptions,
    /// Where to write the image
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Options for the kernel, such as frames=256
    #[arg(long, value_name = "WORD")]
    pub option: Vec<String>,
    /// The program to run and its arguments
    #[arg(last = true, value_name = "PROGRAM [ARGS]")]
    pub program: Vec<String>,
}

#[derive(Args, Debug)]
pub struct DebugOptions {
    #[command(flatten)]
    pub machine: MachineOptions,
    /// Load the symbols of a further program; can be given several times
    #[arg(long, value_name = "PROGRAM")]
    pub symbols: Vec<String>,
    /// The program to run and its arguments
    #[arg(last = true, value_name = "PROGRAM [ARGS]")]
    pub program: Vec<String>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: u64 = text.parse().map_err(|_| "give a whole number of seconds".to_string())?;
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, Command};

    #[test]
    fn the_interface_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_follows_the_dashes_is_the_programs() {
        let cli = Cli::parse_from(["xtask", "run", "--frames", "256", "--", "piggies", "--help"]);
        let Command::Run(options) = cli.command else { panic!("not a run") };
        assert_eq!(options.machine.frames, Some(256));
        assert_eq!(options.program, ["piggies", "--help"]);
    }
}
