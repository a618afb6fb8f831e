//! What people can ask for.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::bench::catalogue::{self, Mode};
use crate::fuzz::Kind;
use crate::guide::Course;
use crate::image::Extra;
use crate::size::Size;

mod limits;
mod tip;

/// Builds, runs and tests BorrowOS. Whatever is missing is set up by itself.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads this process's arguments. With `--help`, or after a mistake, it prints a text and ends the process.
    pub fn read() -> Self {
        let words: Vec<String> = std::env::args().collect();
        Self::try_parse_from(&words).unwrap_or_else(|error| tip::with_tip(error, &words).exit())
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Gets what is needed to build and run: the standard library's source for i386, QEMU, and Bochs
    ///
    /// The other commands do this by themselves. Nothing that is there already is fetched again. If the right to install QEMU is
    /// missing, the command to run is printed and the exit status is 1. Without Bochs, a second machine to try things on, all else works.
    Setup,
    /// Builds everything, puts it on a disk image and boots it in QEMU or Bochs
    ///
    /// Without PROGRAM, a prompt appears on this terminal. With PROGRAM, that program is run; then the machine is switched off, and
    /// the exit status is the program's: its exit code, 139 if it broke a rule, 127 if it could not be started. It is 126 if the
    /// machine could not start, 125 if the kernel failed, 124 if the time was up, and 123 if the disk did not take
    /// all files. Ctrl-C ends the machine; at the prompt it ends the
    /// program that runs there, and Ctrl-] x ends the machine. So does closing its window. The exit status is 130 then.
    Run(RunOptions),
    /// Makes userland/programs/src/bin/NAME.rs: a program to start from, with a help text and a test
    ///
    /// It is `hello` under another name. Nothing that is there already is changed.
    New(NewOptions),
    /// Checks format and lints, then runs the host's tests, then the guest's in QEMU and Bochs
    Test(TestOptions),
    /// Runs the tests of a course's rubric, and prints the rubric with points
    ///
    /// The rubrics are in the guides, docs/course/icsi-412.md and docs/course/csce-410.md. A line
    /// has all of its points if all of its tests pass, and none otherwise. The exit status is 1 if
    /// a line has none.
    Rubric(RubricOptions),
    /// Boots machines that measure the system, and compares the results with Linux's
    ///
    /// Each benchmark is booted several times, in turn with the others: on a machine whose clock counts executed instructions, which
    /// repeats almost exactly without I/O, and on one with the host's clock, which varies from boot to boot by a quarter or more. The table has the median,
    /// smallest and largest value for one operation; Linux's median on the same machine; and two bars: what is to be reached, and what
    /// is aimed at. docs/performance.md says more.
    ///
    /// All that was measured is in target/bench.json afterwards. The exit status is 1 if a boot failed, and 130 after Ctrl-C.
    #[command(after_help = BENCH_EXAMPLES)]
    Bench(BenchOptions),
    /// Boots machines that run random calls, machine code and program files, or boot damaged disks, and looks whether they stay in order
    ///
    /// `calls` are calls of the kernel with wild arguments, by several programs at once; `code` are programs of random machine code; `elf`
    /// are program files with mistakes in them. Beside them run programs that look whether their memory, files and registers stay what
    /// they were. After each part, the machine must hold what it held before. `disk` are damaged disk images, and disks as they are
    /// after a power cut. Most of them are mounted on the host alone, and some are booted. docs/testing.md says more.
    ///
    /// All cases follow from the seed. For what is found, the command that boots it again is printed. The log is in target/fuzz, and
    /// the disk image, too, if the case is a disk.
    /// The exit status is 1 then, and 130 after Ctrl-C.
    #[command(after_help = FUZZ_EXAMPLES)]
    Fuzz(FuzzOptions),
    /// Takes a picture of a machine's screen
    ///
    /// The machine is one of its own and needs no display: it is booted, and switched off once the picture is taken. Without PROGRAM the
    /// shell runs; with PROGRAM, that program. What is to be typed is typed at the machine's keyboard, a line at a time, each when
    /// the screen has come to rest after the one before. The picture is taken when it has come to rest after the last, or when
    /// the time is up.
    #[command(after_help = SCREENSHOT_EXAMPLES)]
    Screenshot(ScreenshotOptions),
    /// Builds the disk image and prints where it is and what is on it
    Image(ImageOptions),
    /// Makes a folder with what a C program needs: header, library, linker script, an example and how to compile it
    Sdk(SdkOptions),
    /// Writes docs/abi.md anew from the tables of calls, errors and records
    Docs,
    /// Boots a machine that waits for gdb, and attaches gdb to it if it is installed
    ///
    /// The symbols of the kernel and of PROGRAM (the shell if none is given) are loaded. Without gdb, the command to attach one is
    /// printed. docs/debugging.md shows a session.
    Debug(DebugOptions),
}

/// The machine, and what the kernel is told.
#[derive(Args, Clone, Debug)]
pub struct MachineOptions {
    /// The machine's memory, from 1M to 3583M
    #[arg(long, value_name = "SIZE", default_value = "32M", value_parser = limits::ram)]
    pub ram: Size,
    /// Let programs have at most this many frames (4 KiB each), so that pages must be borrowed; at least 20
    #[arg(long, value_name = "N", value_parser = limits::frames)]
    pub frames: Option<u32>,
    /// Make the choice of victims repeatable
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Let each program be promised at most this many pages
    #[arg(long, value_name = "PAGES")]
    pub limit: Option<u32>,
    /// Who gives up a frame when none is free
    #[arg(long, value_name = "NAME", ignore_case = true, value_parser = PossibleValuesParser::new(abi::POLICY_NAMES))]
    pub policy: Option<String>,
    /// Borrow frames in the assignments' order: only when none is free, one page at a time, from a
    /// random process before the files; no read-ahead
    #[arg(long)]
    pub textbook: bool,
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
    /// What the machine runs in
    #[arg(long, value_enum, default_value_t)]
    pub emulator: Emulator,
    /// The machine's CPU, by the emulator's name for it [default: qemu32 in QEMU, p4_willamette in Bochs, the host's with kvm].
    /// In Bochs, `pentium` has no `sysenter`, `p3_katmai` and `p4_willamette` have it. An unknown MODEL is answered with
    /// the list of all
    #[arg(long, value_name = "MODEL")]
    pub cpu: Option<String>,
    /// What executes the guest's instructions in QEMU [default: tcg]
    #[arg(long, value_enum)]
    pub accel: Option<Accelerator>,
}

impl MachineOptions {
    /// Refuses a machine in Bochs.
    ///
    /// # Errors
    /// If that was asked for. `why` is what the command needs of QEMU.
    pub fn only_in_qemu(&self, why: &str) -> Result<()> {
        self.emulator.only_qemu(why)
    }
}

/// What is on the disk.
#[derive(Args, Clone, Debug)]
pub struct DiskOptions {
    /// The swap file's size, less than 4G; 0 is none. On an image that is there already, the
    /// machine makes the file or makes it longer [default: 64M]
    #[arg(long, value_name = "SIZE", value_parser = limits::swap)]
    pub swap: Option<Size>,
    /// Put a further file on the disk, under its own name or NAME; can be given several times
    #[arg(long = "with", value_name = "FILE[:NAME]")]
    pub extras: Vec<Extra>,
}

impl DiskOptions {
    /// The swap file's size, whether it was given or not.
    pub fn swap_size(&self) -> Size {
        self.swap.unwrap_or(Size::bytes(64 << 20))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Emulator {
    /// Fast, but checks less than CPUs do
    #[default]
    Qemu,
    /// Slow, and checks segments, limits and x87 exceptions as CPUs do
    Bochs,
}

impl Emulator {
    /// Refuses Bochs.
    ///
    /// # Errors
    /// If it was asked for. `why` is what the command needs of QEMU.
    pub fn only_qemu(self, why: &str) -> Result<()> {
        match self {
            Self::Qemu => Ok(()),
            Self::Bochs => bail!("this needs QEMU: {why}; leave `--emulator bochs` out"),
        }
    }
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
    /// Boot FILE and keep what programs write to it. It is made if it is not there; if it is, it is booted with the kernel and the
    /// programs it was made with
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// Open a window that shows the machine's screen
    #[arg(long)]
    pub window: bool,
    /// Build kernel and programs with debug assertions; the memory system's books are compared after every page fault
    #[arg(long)]
    pub debug_build: bool,
    /// End the machine after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// The program to run and its arguments
    #[arg(last = true, value_name = "PROGRAM [ARGS]")]
    pub program: Vec<String>,
}

#[derive(Args, Debug)]
pub struct NewOptions {
    /// What the program is called: lower-case letters, digits and dashes
    pub name: String,
}

#[derive(Args, Debug)]
pub struct SdkOptions {
    /// The folder; made if it is not there [default: target/sdk]
    pub folder: Option<PathBuf>,
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
pub struct RubricOptions {
    /// The course; all courses if none is given
    #[arg(value_enum, value_name = "COURSE")]
    pub course: Option<Course>,
}

const BENCH_EXAMPLES: &str = "Examples:
  cargo xtask bench                                   measures everything, in half a minute
  cargo xtask bench --save before.json swap           keeps what `swap` needs today
  cargo xtask bench --against before.json swap        says what has changed since";

#[derive(Args, Debug)]
pub struct BenchOptions {
    /// Benchmarks to run; all if there is none
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(catalogue::names()))]
    pub names: Vec<String>,
    /// How often each is booted under each clock
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: u32,
    /// What to measure: instructions, real time, or both
    #[arg(long, value_enum, default_value_t)]
    pub clock: ClockChoice,
    /// Show also what has changed since FILE was saved
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Write what was measured to FILE, too
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Given as elsewhere, and refused: only QEMU can count executed instructions
    #[arg(long, value_enum, default_value_t, hide = true)]
    pub emulator: Emulator,
    /// Put the table of all benchmarks into FILE, such as docs/performance.md
    #[arg(long, value_name = "FILE", conflicts_with_all = ["names", "clock"])]
    pub markdown: Option<PathBuf>,
}

/// Which clocks are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ClockChoice {
    /// Executed instructions
    Icount,
    /// Real time
    Wall,
    /// One after the other
    #[default]
    Both,
}

impl ClockChoice {
    /// This clock is among them.
    pub const fn includes(self, mode: Mode) -> bool {
        matches!((self, mode), (Self::Both, _) | (Self::Icount, Mode::Icount) | (Self::Wall, Mode::Wall))
    }
}

const FUZZ_EXAMPLES: &str = "Examples:
  cargo xtask fuzz                                          each kind for a minute
  cargo xtask fuzz code elf --minutes 60                    these two, for an hour each
  cargo xtask fuzz calls --calls 10000000 --seed 1          ten million calls
  cargo xtask fuzz disk --calls 20000                       ten thousand damaged images, and as many power cuts
  cargo xtask fuzz --emulator bochs --minutes 20            on machines that check more than QEMU's, and are slower
  cargo xtask fuzz code --seed 7 --first 4704 --calls 24    a part of a batch again";

#[derive(Args, Debug)]
pub struct FuzzOptions {
    /// What is made at random; everything if nothing is named
    #[arg(value_name = "KIND", value_enum)]
    pub kinds: Vec<Kind>,
    /// Go on for this long with each kind [default: 1]
    #[arg(long, value_name = "N", conflicts_with = "calls", value_parser = limits::minutes)]
    pub minutes: Option<f64>,
    /// Make so many cases of each kind: calls, programs, files, disks
    #[arg(long, value_name = "N")]
    pub calls: Option<u64>,
    /// Make the cases that follow from this number
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Begin with this case of the batch that has the seed
    #[arg(long, value_name = "CASE", requires_all = ["seed", "calls"])]
    pub first: Option<u64>,
    /// Run so many machines at a time [default: one for each of the host's processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub jobs: Option<u8>,
    /// What the machines run in
    #[arg(long, value_enum, default_value_t)]
    pub emulator: Emulator,
    /// Build kernel and programs with debug assertions: each result of a call is compared with the table in the kernel, too
    #[arg(long)]
    pub debug_build: bool,
}

impl FuzzOptions {
    /// The number of machines that run at a time.
    pub fn jobs(&self) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        self.jobs.map_or(processors, usize::from)
    }
}

const SCREENSHOT_EXAMPLES: &str = "Examples:
  cargo xtask screenshot help.png --typed help
  cargo xtask screenshot piggies.png --frames 64 --typed 'piggies 5 40 3' --typed free
  cargo xtask screenshot panic.png -- assist panic";

#[derive(Args, Debug)]
pub struct ScreenshotOptions {
    /// Where to write the picture, a PNG file
    pub file: PathBuf,
    /// Replace the file if it is there already
    #[arg(long)]
    pub force: bool,
    /// Type this and then Enter; can be given several times
    #[arg(long, value_name = "TEXT")]
    pub typed: Vec<String>,
    /// Wait no longer than so many seconds for the screen to come to rest
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    pub timeout: Duration,
    #[command(flatten)]
    pub machine: MachineOptions,
    /// The program to run and its arguments
    #[arg(last = true, value_name = "PROGRAM [ARGS]")]
    pub program: Vec<String>,
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
    /// Build kernel and programs so that all variables can be looked at, with debug assertions
    #[arg(long)]
    pub debug_build: bool,
    /// Have gdb run this command instead of asking for one; can be given several times
    #[arg(long, short = 'x', value_name = "COMMAND")]
    pub execute: Vec<String>,
    /// The program to run and its arguments
    #[arg(last = true, value_name = "PROGRAM [ARGS]")]
    pub program: Vec<String>,
}

fn seconds(text: &str) -> std::result::Result<Duration, String> {
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
    #[test]
    fn an_unknown_benchmark_is_answered_with_the_known_ones() {
        let error = Cli::try_parse_from(["xtask", "bench", "syscall", "speed"]).unwrap_err().to_string();
        assert!(error.contains("'speed'") && error.contains("syscall, demand-zero"), "{error}");
    }

    #[test]
    fn a_page_shows_all_benchmarks_or_is_not_written() {
        for option in [["syscall", "--runs=1"], ["--clock", "wall"]] {
            let words = ["xtask", "bench", "--markdown", "page.md"].into_iter().chain(option);
            assert!(Cli::try_parse_from(words).unwrap_err().to_string().contains("cannot be used with"));
        }
        assert!(Cli::try_parse_from(["xtask", "bench", "--markdown", "page.md", "--runs", "3"]).is_ok());
        assert!(Cli::try_parse_from(["xtask", "bench", "--runs", "0"]).is_err());
    }
}
