//! Tests in emulators: each boots a machine of its own, several at a time.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::disk_faults::{self, DiskFault};
use super::report::{Report, Verdict};
use super::{Filter, c_programs, disk_errors, files, fuzz, guides, programs, scenarios, sessions, window};
use crate::build::Guest;
use crate::cli::{DiskOptions, Emulator};
use crate::console::step;
use crate::dialogue::Dialogue;
use crate::image::{self, Extra, ImageSpec};
use crate::kernel_options::KernelOptions;
use crate::machine::{self, Bochs, Console, ControlC, End, Hardware, Machine, Pace, Qemu};
use crate::setup::BochsProgram;
use crate::size::Size;
use crate::{project, setup};

/// No test takes longer, even on a slow host with others at its side.
const DEADLINE: Duration = Duration::from_secs(300);

/// Makes files in an empty folder; returns their names, which are those on the disk too.
pub type MakeFiles = fn(&Guest, &Path) -> Result<Vec<String>>;

/// A machine to boot, and what it is told.
#[derive(Clone, Debug)]
pub struct Boot {
    /// What the log is called.
    pub name: String,
    /// Memory.
    pub ram: Size,
    /// What it runs in.
    pub emulator: Emulator,
    /// Another CPU than the usual one, by the emulator's name for it.
    pub cpu: Option<&'static str>,
    /// Its clocks count executed instructions, 4 ns each: what is measured does not depend on the host.
    pub counts_instructions: bool,
    /// The swap file's size.
    pub swap: Size,
    /// Options for the kernel.
    pub options: Vec<String>,
    /// The program and its arguments.
    pub program: Vec<String>,
    /// Files on the disk besides the programs.
    pub files: Vec<(&'static str, Vec<u8>)>,
    /// Files that nothing was ever written to: name and length. They take no room on the host.
    pub sparse: Vec<(&'static str, u32)>,
    /// Makes further files for the disk.
    pub make: Option<MakeFiles>,
    /// What is typed at the console.
    pub typed: Vec<u8>,
    /// What is typed instead at its console, which is a terminal then: each text once the console has shown the one before it.
    pub dialogue: Option<&'static [(&'static str, &'static [u8])]>,
    /// The dialogue is typed at the machine's own keyboard instead of the serial port's far end.
    pub at_keyboard: bool,
    /// Done to the image before the machine starts.
    pub spoil: Option<fn(&fs::File) -> std::io::Result<()>>,
    /// The kernel is started by QEMU's own Multiboot loader.
    pub by_qemu: bool,
    /// Booted once more afterwards, with the same disk, to run this program.
    pub again: Vec<String>,
    /// Where the disk fails.
    pub disk_faults: Vec<DiskFault>,
    /// The files whose changes the disk does not take at the end, in the order of the directory.
    pub lost_files: Vec<&'static str>,
    /// What the host finds on the disk at the end.
    pub inspect: Option<Inspect>,
}

/// Looks at a disk image.
pub type Inspect = fn(&mut fs::File) -> Verdict;

impl Boot {
    /// A machine of 32 MiB with 64 MiB of swap file that runs a program.
    pub fn new(name: &str, program: &[&str]) -> Self {
        Self {
            name: name.into(),
            ram: Size::bytes(32 << 20),
            emulator: Emulator::Qemu,
            cpu: None,
            counts_instructions: false,
            swap: Size::bytes(64 << 20),
            options: vec!["seed=1".into()],
            program: program.iter().map(ToString::to_string).collect(),
            files: Vec::new(),
            sparse: Vec::new(),
            make: None,
            typed: Vec::new(),
            dialogue: None,
            at_keyboard: false,
            spoil: None,
            by_qemu: false,
            again: Vec::new(),
            disk_faults: Vec::new(),
            lost_files: Vec::new(),
            inspect: None,
        }
    }

    /// Booted once more afterwards, with the same disk, to run this program.
    pub fn again(mut self, program: &[&str]) -> Self {
        self.again = program.iter().map(ToString::to_string).collect();
        self
    }

    /// In Bochs, with this CPU.
    pub const fn in_bochs(mut self, cpu: &'static str) -> Self {
        self.emulator = Emulator::Bochs;
        self.cpu = Some(cpu);
        self
    }

    /// With so many frames for programs.
    pub fn frames(mut self, frames: u32) -> Self {
        self.options.push(format!("frames={frames}"));
        self
    }

    /// With a further option for the kernel.
    pub fn option(mut self, word: &str) -> Self {
        self.options.push(word.into());
        self
    }

    /// With so much memory.
    pub const fn ram(mut self, mebibytes: u64) -> Self {
        self.ram = Size::bytes(mebibytes << 20);
        self
    }

    /// With a swap file of so many MiB.
    pub const fn swap(mut self, mebibytes: u64) -> Self {
        self.swap = Size::bytes(mebibytes << 20);
        self
    }
}

/// What a machine did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// What its console showed.
    pub output: String,
    /// For how long each step of its dialogue has waited.
    pub waits: Vec<Duration>,
    /// What the host thinks of its disk.
    pub disk: Verdict,
}

impl Outcome {
    /// It was shut down with this status.
    pub fn expect_status(&self, status: u32) -> Verdict {
        if self.end == End::Status(status) { Ok(()) } else { Err(format!("the machine ended with {:?}", self.end)) }
    }

    /// It was shut down, but its disk did not take the changes of these files, and it said so.
    pub fn expect_lost(&self, files: &[&str]) -> Verdict {
        if self.end != End::Unsaved {
            return Err(format!("the machine ended with {:?}", self.end));
        }
        let lost = |line: &str| Some(line.strip_prefix("kernel: changes of `")?.strip_suffix("` are lost")?.to_owned());
        let lost: Vec<String> = self.output.lines().filter_map(|line| lost(line.trim_end())).collect();
        if lost == files { Ok(()) } else { Err(format!("the machine says that it has lost {lost:?}, not {files:?}")) }
    }

    /// Its console showed this.
    pub fn expect_text(&self, text: &str) -> Verdict {
        if self.output.contains(text) { Ok(()) } else { Err(format!("the console did not show `{text}`")) }
    }
}

/// Judges all tests of a boot, in order.
pub type Judge = Box<dyn Fn(&Outcome) -> Vec<Verdict> + Send + Sync>;

/// A boot, and the tests that are judged by it.
pub struct Case {
    /// The machine.
    pub boot: Boot,
    /// The tests' full names.
    pub names: Vec<String>,
    /// Judges them all.
    pub judge: Judge,
}

/// The tests' names.
///
/// # Errors
/// If the guest does not compile: the names are read from its programs.
pub fn names() -> Result<Vec<String>> {
    let guest = Guest::build()?;
    Ok(cases(&guest)?.into_iter().flat_map(|case| case.names).collect())
}

fn cases(guest: &Guest) -> Result<Vec<Case>> {
    let all = programs::cases(guest)?.into_iter().chain(scenarios::cases(guest)?);
    let all = all.chain(sessions::cases()).chain(window::cases()).chain([c_programs::case()]);
    let all = all.chain(files::cases()).chain(disk_errors::cases()).chain(guides::cases()?);
    Ok(all.chain(fuzz::cases()).collect())
}

/// Runs those that are wanted. A boot is made if any test judged by it is wanted.
///
/// # Errors
/// If something is missing or the guest does not compile.
pub fn run(filter: &Filter, report: &mut Report) -> Result<()> {
    let qemu = setup::qemu()?;
    let guest = Guest::build()?;
    let mut cases: Vec<Case> =
        cases(&guest)?.into_iter().filter(|case| case.names.iter().any(|name| filter.wants(name))).collect();
    let emulators = Emulators { qemu, bochs: bochs_for(&mut cases, filter, report) };
    if cases.is_empty() {
        return Ok(());
    }
    let workers = thread::available_parallelism().map_or(1, usize::from).min(cases.len());
    step(&format!("booting {} machines, {workers} at a time", cases.len()));
    let next = AtomicUsize::new(0);
    let (sender, outcomes) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..workers {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = boot(&guest, &case.boot, &emulators);
                    if sender.send((case, outcome)).is_err() || machine::is_interrupted() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (case, outcome) in outcomes {
            judge(case, outcome, filter, report);
        }
    });
    if machine::is_interrupted() {
        anyhow::bail!("interrupted");
    }
    Ok(())
}

/// The emulators of this host.
struct Emulators {
    qemu: PathBuf,
    /// None if no case needs it.
    bochs: Option<BochsProgram>,
}

/// Bochs, if a case needs it. Where it cannot be had, those cases are taken out and reported as skipped.
fn bochs_for(cases: &mut Vec<Case>, filter: &Filter, report: &mut Report) -> Option<BochsProgram> {
    let needs_bochs = |case: &Case| case.boot.emulator == Emulator::Bochs;
    if !cases.iter().any(needs_bochs) {
        return None;
    }
    match BochsProgram::ready() {
        Ok(bochs) => Some(bochs),
        Err(error) => {
            let reason = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
            for case in cases.extract_if(.., |case| needs_bochs(case)) {
                case.names.iter().filter(|name| filter.wants(name)).for_each(|name| report.skip(name, &reason));
            }
            None
        }
    }
}

fn judge(case: &Case, outcome: Result<Outcome>, filter: &Filter, report: &mut Report) {
    let verdicts = match &outcome {
        Ok(outcome) => (case.judge)(outcome),
        Err(error) => case.names.iter().map(|_| Err(format!("{error:#}"))).collect(),
    };
    for (name, verdict) in case.names.iter().zip(verdicts).filter(|(name, _)| filter.wants(name)) {
        let verdict = verdict.map_err(|reason| match &outcome {
            Ok(outcome) => format!("{reason}\n{}", log_of(case, outcome)),
            Err(_) => reason,
        });
        report.add(name, verdict);
    }
}

/// Saves the console's output, and returns its end with where the rest is.
fn log_of(case: &Case, outcome: &Outcome) -> String {
    const SHOWN_LINES: usize = 15;
    let folder = project::target().join("guest-logs");
    let path = folder.join(format!("{}.log", case.boot.name));
    let saved = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, &outcome.output));
    let lines: Vec<&str> = outcome.output.lines().collect();
    let tail = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
    let place = saved.map_or_else(|error| error.to_string(), |()| path.display().to_string());
    format!("how it ended: {:?}\n{tail}\nall of it: {place}", outcome.end)
}

/// Makes the image and runs the machine, or runs it twice.
fn boot(guest: &Guest, boot: &Boot, emulators: &Emulators) -> Result<Outcome> {
    let options = KernelOptions { words: boot.options.clone(), program: boot.program.clone() };
    let mut options = if boot.dialogue.is_some() { options } else { options.plain() };
    let folder = tempfile::tempdir().context("cannot make a folder for temporary files")?;
    let made = boot.make.map_or(Ok(Vec::new()), |make| make(guest, folder.path()))?;
    let extras = made.into_iter().map(|name| Extra { path: folder.path().join(&name), name }).collect();
    let disk = DiskOptions { swap: Some(boot.swap), extras };
    let spec = ImageSpec { guest, disk: &disk, options: &options, made_up: &boot.files, sparse: &boot.sparse };
    let mut file = image::temporary(&project::guest_target(), &spec)?;
    if let Some(spoil) = boot.spoil {
        spoil(file.as_file()).context("cannot change the image")?;
    }
    let is_terminal = boot.dialogue.is_some() && !boot.at_keyboard;
    let hardware = Hardware {
        cpu: boot.cpu.map(String::from),
        control_c: if is_terminal { ControlC::IsTyped } else { ControlC::EndsMachine },
        ..Hardware::new(file.path().to_path_buf(), boot.ram)
    };
    let machine = match (boot.emulator, &emulators.bochs) {
        (Emulator::Bochs, Some(program)) => {
            Machine::Bochs(Bochs { program: program.clone(), hardware, pace: Pace::Instructions })
        }
        _ => {
            let kernel = || ["-kernel".into(), guest.kernel.display().to_string(), "-append".into()];
            let mut further: Vec<String> =
                if boot.by_qemu { kernel().into_iter().chain([options.line()?]).collect() } else { Vec::new() };
            if boot.counts_instructions {
                further.extend(["-icount", "shift=2,sleep=off", "-rtc", "clock=vm"].map(String::from));
            }
            let disk_faults = disk_faults::prepare(&boot.disk_faults, file.as_file_mut(), folder.path())?;
            Machine::Qemu(Qemu { disk_faults, further, ..Qemu::new(emulators.qemu.clone(), hardware) })
        }
    };
    let console = || match boot.dialogue {
        Some(steps) if boot.at_keyboard => Console::AtKeyboard(Dialogue::new(steps)),
        Some(steps) => Console::Dialogue(Dialogue::new(steps)),
        None => Console::Scripted(boot.typed.clone()),
    };
    let run = || machine.run(&console(), Some(DEADLINE));
    let (mut end, mut shown) = run()?;
    if !boot.again.is_empty() && end == End::Status(0) {
        options.program.clone_from(&boot.again);
        image::change_options(file.as_file_mut(), &options)?;
        let (second_end, second) = run()?;
        end = second_end;
        shown.bytes.extend(second.bytes);
    }
    let disk = boot.inspect.map_or(Ok(()), |inspect| inspect(file.as_file_mut()));
    Ok(Outcome { end, output: String::from_utf8_lossy(&shown.bytes).into_owned(), waits: shown.waits, disk })
}
