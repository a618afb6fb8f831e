//! Machines that write with their power about to be cut, and machines that boot what is left.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use abi::image::{PARTITION_SECTOR, SWAP_FILE};
use anyhow::{Context, Result};
use fuzz_core::Random;
use tempfile::NamedTempFile;

use super::super::judge::{Judged, found, judge};
use super::super::machines::{MachineSpec, Machines};
use super::super::plan::{Batch, Kind};
use super::super::progress::Progress;
use super::super::watch::Watch;
use super::damage::damage;
use super::log::{self, Entry};
use super::picture::{Picture, SECTORS_PER_BLOCK};
use super::reference::expected;
use super::witness::{Begun, Witness};
use super::{CUTS, DAMAGED};
use crate::cli::Emulator;
use crate::image;
use crate::kernel_options::KernelOptions;
use crate::machine::{Console, End};
use crate::project;

/// The number of steps of each writer.
pub const STEPS: u32 = 240;
/// The swap file of machines that boot damaged images, in MiB.
const SWAP_MEBIBYTES: u64 = 4;
/// The largest number of empty files on the disk of a machine whose power is cut: they make its table long.
const BALLAST_MAX: u32 = 400;
/// No machine that boots what is left takes longer.
const DEADLINE: Duration = Duration::from_secs(120);

/// A machine whose power is cut.
pub struct Cutting {
    seed: u64,
    /// What became of the machine, which itself ran to its end.
    pub judged: Judged,
    /// The disk before.
    pub before: Picture,
    /// All that was written to it.
    pub log: Vec<Entry>,
}

impl Cutting {
    /// Boots the machine of a batch.
    ///
    /// # Errors
    /// If the image cannot be made, the emulator cannot be started, or its log cannot be read.
    pub fn boot(machines: &Machines<'_>, batch: &Batch, progress: &Progress) -> Result<Self> {
        let seed = batch.seed;
        let spec = MachineSpec::of(Kind::Disk, seed, Emulator::Qemu);
        let program = ["fuzz".into(), "writers".into(), seed.to_string(), STEPS.to_string()].into();
        let ballast = Random::new(seed, 0).below(BALLAST_MAX);
        let names: Vec<String> =
            (0..ballast).map(|number| format!("nobody writes to the file with the number {number}")).collect();
        let files: Vec<(&str, Vec<u8>)> = names.iter().map(|name| (name.as_str(), Vec::new())).collect();
        let image = machines.image(spec.words.clone(), program, spec.swap_mebibytes, &files)?;
        let before = picture_of(&image)?;
        let written = NamedTempFile::new().context("cannot make a file for a log")?;
        let watch = Arc::new(Watch::new(batch, progress.clone()));
        let machine = machines.logged_machine(image.path(), spec.cpu, written.path())?;
        let (end, shown) = machine.run(&Console::Watched(watch.clone()), None)?;
        let judged = judge(&end, &String::from_utf8_lossy(&shown.bytes), &watch);
        let log = log::parse(&fs::read(written.path()).context("cannot read the log of a disk")?)?;
        Ok(Self { seed, judged, before, log })
    }

    /// What is known of the machine.
    ///
    /// # Errors
    /// What is wrong with the log itself.
    pub fn witness(&self) -> Result<Witness, String> {
        Witness::new(self.seed, STEPS, &self.before, &self.log)
    }
}

/// The contents of an image.
fn picture_of(image: &NamedTempFile) -> Result<Picture> {
    let bytes = fs::read(image.path()).context("cannot read an image")?;
    Ok(Picture::new(bytes.into(), PARTITION_SECTOR))
}

/// Boots a disk after a power cut, and has a program judge it; returns what was found.
///
/// # Errors
/// As [`Cutting::boot`].
pub fn verify(
    machines: &Machines<'_>,
    batch: &Batch,
    disk: &Picture,
    begun: &Begun,
    case: u64,
) -> Result<Option<Judged>> {
    let numbers = [batch.seed, STEPS.into()].into_iter().chain(begun.iter().copied().map(u64::from));
    let program = ["fuzz", "verify"].map(String::from).into_iter().chain(numbers.map(|number| number.to_string()));
    let words = MachineSpec::of(Kind::Disk, batch.seed, batch.emulator).words;
    let mut image = disk.to_file(&project::guest_target())?;
    image::change_options(image.as_file_mut(), &KernelOptions { words, program: program.collect() }.plain())?;
    let (end, output) = run(machines, &image)?;
    let what = found(&end, &output, true);
    Ok(what.map(|what| Judged { output, ..Judged::finding(CUTS, case, what, disk.clone()) }))
}

fn run(machines: &Machines<'_>, image: &NamedTempFile) -> Result<(End, String)> {
    let (end, shown) = machines.machine(image.path(), None).run(&Console::Scripted(Vec::new()), Some(DEADLINE))?;
    Ok((end, String::from_utf8_lossy(&shown.bytes).into_owned()))
}

/// An image that is damaged and booted: its program reads all files.
///
/// # Errors
/// If it cannot be made.
pub fn whole_image(machines: &Machines<'_>) -> Result<Picture> {
    let program = ["fuzz", "survey"].map(String::from).into();
    let files = [("empty", Vec::new()), ("short", b"short".to_vec()), ("long", vec![0xA5; 300_000])];
    let image = machines.image(vec!["seed=1".into(), "check=1000".into()], program, SWAP_MEBIBYTES, &files)?;
    picture_of(&image)
}

/// Damages an image and boots it; returns what was found.
///
/// # Errors
/// As [`Cutting::boot`].
pub fn damaged(machines: &Machines<'_>, whole: &Picture, random: &mut Random, case: u64) -> Result<Option<Judged>> {
    let mut disk = whole.clone();
    damage(random, &mut disk);
    let must = Must::of(whole, &disk);
    let (end, output) = run(machines, &disk.to_file(&project::guest_target())?)?;
    let what = must.judge(&end, &output);
    Ok(what.map(|what| Judged { output, ..Judged::finding(DAMAGED, case, what, disk) }))
}

/// What a machine must do that boots a damaged image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Must {
    /// Everything works.
    Work,
    /// The kernel says why it cannot start.
    Refuse,
    /// The machine ends in good order, and its kernel does not fail.
    End,
    /// A program may have become another one, and may go on for ever. The kernel does not fail.
    NotFail,
}

impl Must {
    fn of(whole: &Picture, disk: &Picture) -> Self {
        let different: Vec<u32> = disk.different_sectors().collect();
        let first = disk.first_sector();
        let files = expected(disk);
        if different.iter().any(|&sector| sector < first) {
            return Self::End;
        }
        let Some(files) = files.filter(|_| !disk.is_cut_short()) else { return Self::Refuse };
        let is_hit = |block: &u32| {
            let start = first + block * SECTORS_PER_BLOCK;
            different.iter().any(|sector| (start..start + SECTORS_PER_BLOCK).contains(sector))
        };
        // No slot of the swap file is read before it was written.
        let are_contents_hit =
            files.iter().filter(|file| file.name != SWAP_FILE).any(|file| file.blocks.iter().any(is_hit));
        match (are_contents_hit, expected(whole).is_some_and(|before| before == files)) {
            (false, true) => Self::Work,
            _ => Self::NotFail,
        }
    }

    /// What is wrong with a machine that ended so.
    fn judge(self, end: &End, output: &str) -> Option<String> {
        let says = |text: &str| output.lines().any(|line| line.starts_with(text));
        let is_right = match (self, end) {
            (_, End::Interrupted) => true,
            (Self::Work, _) => return found(end, output, true),
            (Self::Refuse, End::Status(status)) => *status == CANNOT_START && says("kernel: cannot start: "),
            (Self::End | Self::NotFail, End::Status(_)) => !says("kernel: panicked"),
            (Self::NotFail, End::TimedOut) => !says("kernel: "),
            _ => false,
        };
        (!is_right).then(|| format!("the machine must {self:?}, and ended with {end:?}"))
    }
}

/// The status of a machine that cannot start.
const CANNOT_START: u32 = 126;

#[cfg(test)]
mod tests {
    use super::{End, Must};

    #[test]
    fn machine_that_boots_a_damaged_image_may_refuse_it_and_must_not_fail() {
        let refusal = "kernel: cannot start: the file system cannot be used: there is no file system\n";
        let well = "fuzz: a survey of 40 files done, nothing found\n";
        let rows = [
            (Must::Work, End::Status(0), well, true),
            (Must::Work, End::Status(126), refusal, false),
            (Must::Work, End::Status(0), "", false),
            (Must::Refuse, End::Status(126), refusal, true),
            (Must::Refuse, End::Status(126), "", false),
            (Must::Refuse, End::Status(0), well, false),
            (Must::End, End::Status(126), "boot: sector 1 is wrong", true),
            (Must::End, End::TimedOut, "", false),
            (Must::NotFail, End::Status(1), "fuzz: FOUND: out of memory", true),
            (Must::NotFail, End::TimedOut, "", true),
            (Must::NotFail, End::Broken("QEMU".into()), "kernel: panicked at x", false),
            (Must::NotFail, End::Unsaved, "", false),
        ];
        for (must, end, output, is_right) in rows {
            assert_eq!(must.judge(&end, output).is_none(), is_right, "{must:?} {end:?} {output}");
        }
    }
}
