//! What was found, written down with the command that boots it again.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::judge::Judged;
use super::machines::MachineSpec;
use super::plan::{Batch, Kind};
use crate::project;

/// Something that is wrong.
#[derive(Clone, Debug)]
pub struct Finding {
    what: String,
    /// The commands that boot it again: the whole batch, and the group of cases in which it was found.
    commands: Vec<String>,
    log: PathBuf,
}

impl Finding {
    /// Writes a finding to `target/fuzz`, with all that the console has shown and the disk on which it was found; `None` if nothing was
    /// found.
    ///
    /// # Errors
    /// If that cannot be written.
    pub fn save(batch: &Batch, judged: &Judged) -> Result<Option<Self>> {
        let Some(what) = &judged.what else { return Ok(None) };
        let commands = match judged.case {
            Some(case) => vec![batch.command(case, 1), batch.command(batch.first, batch.count)],
            None => commands(batch, &judged.output),
        };
        let folder = project::target().join("fuzz");
        let log = folder.join(format!("{}-{}-{}.log", batch.kind, batch.seed, judged.case.unwrap_or(batch.first)));
        let MachineSpec { words, swap_mebibytes, cpu } = MachineSpec::of(batch.kind, batch.seed, batch.emulator);
        let cpu = cpu.unwrap_or("the usual one");
        let machine = format!("{}, {swap_mebibytes} MiB of swap, cpu {cpu}", words.join(" "));
        let again = commands.join("\n    or:  ");
        let text = format!("{what}\n\nmachine: {machine}\nagain:   {again}\n\n{}", judged.output);
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&log, text))
            .with_context(|| format!("cannot write {}", log.display()))?;
        if let Some(disk) = &judged.disk {
            disk.to_file(&folder)?.persist(log.with_extension("img")).context("cannot keep a disk image")?;
        }
        Ok(Some(Self { what: what.clone(), commands, log }))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "FOUND:")?;
        self.what.lines().try_for_each(|line| writeln!(f, "    {line}"))?;
        writeln!(f, "  again: {}", self.commands.join("\n     or: "))?;
        write!(f, "  log:   {}", self.log.display())
    }
}

/// The commands that boot the batch again. Machine code and program files do not depend on what ran before them, so the last group of
/// them is enough.
fn commands(batch: &Batch, output: &str) -> Vec<String> {
    let whole = batch.command(batch.first, batch.count);
    let last =
        |start: &str| output.lines().filter_map(|line| line.strip_prefix(start)?.parse::<u64>().ok()).next_back();
    let group = match batch.kind {
        Kind::Calls => None,
        _ => last("fuzz: at ").map(|first| batch.command(first, (batch.first + batch.count - first).min(GROUP_MAX))),
    };
    group.into_iter().filter(|group| *group != whole).chain([whole.clone()]).collect()
}

/// The largest group of cases that run side by side.
const GROUP_MAX: u64 = 24;

#[cfg(test)]
mod tests {
    use super::commands;
    use crate::cli::Emulator;
    use crate::fuzz::plan::{Batch, Kind};

    #[test]
    fn group_in_which_something_was_found_can_be_booted_alone() {
        let batch = Batch { kind: Kind::Code, seed: 5, first: 0, count: 9600, until: None, emulator: Emulator::Qemu };
        let output = "fuzz: from 0\nfuzz: at 0\nfuzz: at 24\nkernel: panicked";
        let expected =
            ["cargo xtask fuzz code --seed 5 --first 24 --calls 24", "cargo xtask fuzz code --seed 5 --calls 9600"];
        assert_eq!(commands(&batch, output), expected);
        let calls = Batch { kind: Kind::Calls, ..batch };
        assert_eq!(commands(&calls, output), ["cargo xtask fuzz calls --seed 5 --calls 9600"]);
    }
}
