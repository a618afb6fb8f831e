//! The machines: which one a seed means, and how it is booted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use tempfile::NamedTempFile;

use super::judge::{Judged, judge};
use super::plan::{Batch, Kind};
use super::progress::Progress;
use super::watch::Watch;
use crate::build::Guest;
use crate::cli::{DiskOptions, Emulator};
use crate::image::{self, ImageSpec};
use crate::kernel_options::KernelOptions;
use crate::machine::{Bochs, Console, Hardware, Machine, Pace, Qemu};
use crate::project;
use crate::setup::{self, BochsProgram};
use crate::size::Size;

/// A machine, and what its kernel is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineSpec {
    /// Words for the kernel.
    pub words: Vec<String>,
    /// The swap file's size, in MiB.
    pub swap_mebibytes: u64,
    /// Another CPU than the emulator's usual one, by its name for it.
    pub cpu: Option<&'static str>,
}

impl MachineSpec {
    /// The machine on which the cases of this seed run. One in eight has few frames, so that pages are borrowed all the time; others have
    /// another policy, no cleaner, programmed I/O, or another CPU.
    pub fn of(kind: Kind, seed: u64, emulator: Emulator) -> Self {
        let mut bits = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
        let mut draw = |count: u64| {
            let drawn = bits % count;
            bits = (bits / count).wrapping_mul(0xD134_2543_DE82_EF95) ^ bits >> 7;
            usize::try_from(drawn).unwrap_or(0)
        };
        let mut words = vec![format!("seed={seed}"), format!("policy={}", abi::POLICY_NAMES[draw(7)])];
        let frames = if draw(8) == 0 { Some([192, 256, 384][draw(3)]) } else { None };
        words.extend(frames.map(|frames| format!("frames={frames}")));
        words.push(format!("check={}", if frames.is_some() { 5000 } else { 1000 }));
        words.extend((draw(6) == 0).then(|| "cleaner=off".into()));
        words.extend((draw(6) == 0).then(|| "readahead=off".into()));
        words.extend((draw(8) == 0 && kind != Kind::Elf).then(|| "pio".into()));
        let cpu = match draw(6) {
            0 => Some("pentium"),
            1 => Some(newest_cpu(emulator)),
            _ => None,
        };
        // Many copies are made of such a disk, so it is small.
        let swap_mebibytes = if kind == Kind::Disk { 8 } else { [8, 64][draw(2)] };
        Self { words, swap_mebibytes, cpu }
    }
}

/// A CPU with all that the kernel uses.
const fn newest_cpu(emulator: Emulator) -> &'static str {
    match emulator {
        Emulator::Qemu => "max",
        Emulator::Bochs => "corei7_skylake_x",
    }
}

/// The words with which the guest's program is started.
pub fn words(batch: &Batch) -> Vec<String> {
    let Batch { kind, seed, first, count, .. } = batch;
    vec!["fuzz".into(), kind.word().into(), seed.to_string(), first.to_string(), count.to_string()]
}

/// The machine's memory.
const RAM: Size = Size::bytes(32 << 20);

/// The emulator's program.
#[derive(Debug)]
pub enum Program {
    Qemu(PathBuf),
    Bochs(BochsProgram),
}

impl Program {
    /// Finds the emulator, or installs it where that needs no password.
    ///
    /// # Errors
    /// If it is missing and may not be installed.
    pub fn ready(emulator: Emulator) -> Result<Self> {
        Ok(match emulator {
            Emulator::Qemu => Self::Qemu(setup::qemu()?),
            Emulator::Bochs => Self::Bochs(BochsProgram::ready()?),
        })
    }

    fn machine(&self, hardware: Hardware) -> Machine {
        match self {
            Self::Qemu(program) => Machine::Qemu(Qemu::new(program.clone(), hardware)),
            Self::Bochs(program) => {
                Machine::Bochs(Bochs { program: program.clone(), hardware, pace: Pace::Instructions })
            }
        }
    }
}

/// What all machines have in common.
#[derive(Debug)]
pub struct Machines<'a> {
    guest: &'a Guest,
    program: Program,
    has_assertions: bool,
}

impl<'a> Machines<'a> {
    /// Machines with these programs.
    pub const fn new(guest: &'a Guest, program: Program, has_assertions: bool) -> Self {
        Self { guest, program, has_assertions }
    }

    /// Boots a batch and judges it.
    ///
    /// # Errors
    /// If the image cannot be made or the emulator cannot be started.
    pub fn boot(&self, batch: &Batch, progress: &Progress) -> Result<Judged> {
        let MachineSpec { words: mut kernel_words, swap_mebibytes, cpu } =
            MachineSpec::of(batch.kind, batch.seed, batch.emulator);
        if self.has_assertions {
            // By itself such a kernel would compare its books at every fault.
            kernel_words.retain(|word| !word.starts_with("check="));
            kernel_words.push("check=500".into());
        }
        let image = self.image(kernel_words, words(batch), swap_mebibytes, &[])?;
        let watch = Arc::new(Watch::new(batch, progress.clone()));
        let (end, shown) = self.machine(image.path(), cpu).run(&Console::Watched(watch.clone()), None)?;
        Ok(judge(&end, &String::from_utf8_lossy(&shown.bytes), &watch))
    }

    /// An image with a program to be run, and further files.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn image(
        &self,
        words: Vec<String>,
        program: Vec<String>,
        swap_mebibytes: u64,
        files: &[(&str, Vec<u8>)],
    ) -> Result<NamedTempFile> {
        let options = KernelOptions { words, program }.plain();
        let disk = DiskOptions { swap: Some(Size::bytes(swap_mebibytes << 20)), extras: Vec::new() };
        let spec = ImageSpec { guest: self.guest, disk: &disk, options: &options, made_up: files, sparse: &[] };
        image::temporary(&project::guest_target(), &spec)
    }

    /// A machine with this image.
    pub fn machine(&self, image: &Path, cpu: Option<&str>) -> Machine {
        self.program.machine(hardware(image, cpu))
    }

    /// A machine with this image. All writes to its disk are logged to a file. Only QEMU can do that, so the machine is always in QEMU.
    ///
    /// # Errors
    /// If QEMU is missing and may not be installed.
    pub fn logged_machine(&self, image: &Path, cpu: Option<&str>, write_log: &Path) -> Result<Machine> {
        let program = match &self.program {
            Program::Qemu(program) => program.clone(),
            Program::Bochs(_) => setup::qemu()?,
        };
        let write_log = Some(write_log.to_path_buf());
        Ok(Machine::Qemu(Qemu { write_log, ..Qemu::new(program, hardware(image, cpu)) }))
    }
}

fn hardware(image: &Path, cpu: Option<&str>) -> Hardware {
    Hardware { cpu: cpu.map(String::from), ..Hardware::new(image.to_path_buf(), RAM) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Emulator, Kind, MachineSpec};

    #[test]
    fn seeds_that_follow_each_other_have_machines_of_all_sorts() {
        let specs: Vec<MachineSpec> =
            (1000..1400).map(|seed| MachineSpec::of(Kind::Calls, seed, Emulator::Qemu)).collect();
        let words: BTreeSet<&str> = specs
            .iter()
            .flat_map(|spec| &spec.words)
            .map(String::as_str)
            .filter(|word| !word.starts_with("seed"))
            .collect();
        for word in ["frames=192", "frames=256", "policy=random", "policy=sieve", "cleaner=off", "readahead=off", "pio"]
        {
            assert!(words.contains(word), "{word}: {words:?}");
        }
        let few = specs.iter().filter(|spec| spec.words.iter().any(|word| word.starts_with("frames="))).count();
        assert!((25..80).contains(&few), "{few} of 400 have few frames");
        let cpus: BTreeSet<_> = specs.iter().map(|spec| spec.cpu).collect();
        assert_eq!(cpus.len(), 3);
    }

    #[test]
    fn the_same_seed_means_the_same_machine() {
        for emulator in [Emulator::Qemu, Emulator::Bochs] {
            assert_eq!(MachineSpec::of(Kind::Code, 5, emulator), MachineSpec::of(Kind::Code, 5, emulator));
        }
    }
}
