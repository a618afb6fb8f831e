//! What a log of writes tells of the writers, and what must be on the disk after a cut.

use std::collections::BTreeSet;

use abi::image::SWAP_FILE;
use fakefs::layout::{DATA_START, TABLE_BLOCKS, TABLE_STARTS};
use fakefs::{BLOCK_SIZE, Volume};
use fuzz_core::disk::{Found, History, WRITERS, made_by, marks};

use super::log::{Entry, written};
use super::picture::{Picture, SECTOR, SECTORS_PER_BLOCK};
use super::reference::{Listed, RawTable, expected};

/// The number of the step that each writer had begun.
pub type Begun = [u32; WRITERS as usize];

/// What is known of a machine whose power is cut.
#[derive(Debug)]
pub struct Witness {
    histories: Vec<History>,
    /// The files before the machine was booted.
    before: Vec<Listed>,
    /// What each writer had begun, by the number of entries of the log that the machine had begun.
    begun: Vec<Begun>,
}

impl Witness {
    /// Reads a log of writers of this seed that take `count` steps each.
    ///
    /// # Errors
    /// What is wrong with the log itself: something was written that must not be.
    pub fn new(seed: u64, count: u32, before: &Picture, log: &[Entry]) -> Result<Self, String> {
        let listed = expected(before).ok_or("the image is not sound before it is booted")?;
        let histories: Vec<History> = (0..WRITERS).map(|writer| History::new(seed, writer, count)).collect();
        let mut witness = Self { histories, before: listed, begun: vec![Begun::default()] };
        witness.look_for_strange_writes(before, log)?;
        let mut learner = Learner { seed, latest: before.clone(), begun: Begun::default(), made: Default::default() };
        for entry in log {
            if let Entry::Write { first, sectors } = entry {
                learner.look_at(&witness.histories, *first, sectors);
            }
            witness.begun.push(learner.begun);
        }
        Ok(witness)
    }

    /// What each writer had begun when the machine had begun this number of entries. All steps before were acknowledged.
    pub fn begun(&self, entries: usize) -> Begun {
        self.begun.get(entries).or(self.begun.last()).copied().unwrap_or_default()
    }

    /// No machine writes to programs, or to what lies before the tables.
    fn look_for_strange_writes(&self, before: &Picture, log: &[Entry]) -> Result<(), String> {
        let first_of = |block: u32| before.first_sector() + block * SECTORS_PER_BLOCK;
        let written = written(log);
        if let Some(sector) = written.iter().find(|&&sector| sector < first_of(TABLE_STARTS[0])) {
            return Err(format!("sector {sector} was written, which lies before the tables of files"));
        }
        for file in self.before.iter().filter(|file| file.name != SWAP_FILE) {
            let mut sectors =
                file.blocks.iter().flat_map(|&block| (first_of(block)..).take(SECTORS_PER_BLOCK as usize));
            if let Some(sector) = sectors.find(|sector| written.contains(sector)) {
                return Err(format!("sector {sector} of `{}` was written, which no program writes to", file.name));
            }
        }
        Ok(())
    }

    /// Judges a disk after the power was cut when the writers had begun these steps.
    ///
    /// # Errors
    /// What is wrong.
    pub fn judge(&self, disk: &Picture, begun: &Begun) -> Result<(), String> {
        let mut volume = Volume::mount(disk.clone()).map_err(|error| error.to_string())?;
        volume.files().check().map_err(|error| error.to_string())?;
        let listed = expected(disk).ok_or("an unsound disk is mounted")?;
        let is_old = |file: &&Listed| self.before.binary_search(file).is_ok();
        if listed.iter().filter(is_old).count() != self.before.len() {
            return Err("a file that no program writes to is gone, or lies elsewhere".into());
        }
        let mut found = Found::new();
        for file in listed.iter().filter(|file| !is_old(file)) {
            if made_by(&file.name).is_none() {
                return Err(format!("nobody made `{}`", file.name));
            }
            found.insert(file.name.clone(), contents(&mut volume, file)?);
        }
        self.histories.iter().zip(begun).try_for_each(|(history, &begun)| history.judge(begun, &found))
    }
}

/// Learns from one write after the other how far the writers were.
struct Learner {
    seed: u64,
    /// The disk with all writes so far.
    latest: Picture,
    begun: Begun,
    /// The files of each writer that were in a table.
    made: [BTreeSet<u32>; WRITERS as usize],
}

impl Learner {
    /// Looks at a write: marks in contents name their steps, and so do names in tables that are new, or gone.
    fn look_at(&mut self, histories: &[History], first: u32, sectors: &[[u8; SECTOR]]) {
        for (number, sector) in (first..).zip(sectors) {
            self.latest.set_sector(number, *sector);
        }
        let block = first.saturating_sub(self.latest.first_sector()) / SECTORS_PER_BLOCK;
        if block >= DATA_START {
            marks(self.seed, sectors.as_flattened()).for_each(|mark| self.note(mark.writer, mark.step));
        } else if let Some(start) = TABLE_STARTS.into_iter().rfind(|start| *start <= block) {
            // A table may arrive in several writes. It counts once it is whole.
            let names = names_in(&self.latest.bytes(start, (TABLE_BLOCKS * BLOCK_SIZE) as usize));
            names.into_iter().for_each(|names| self.look_at_names(histories, &names));
        }
    }

    fn look_at_names(&mut self, histories: &[History], names: &BTreeSet<(u32, u32)>) {
        names.iter().for_each(|&(writer, step)| self.note(writer, step));
        for (writer, history) in (0..).zip(histories) {
            let Some(made) = self.made.get_mut(writer as usize) else { continue };
            made.extend(names.iter().filter(|(by, _)| *by == writer).map(|(_, step)| *step));
            let gone = made.iter().filter(|&&step| !names.contains(&(writer, step)));
            let removed = gone.filter_map(|&step| history.removal_of(step)).max();
            removed.into_iter().for_each(|step| self.note(writer, step));
        }
    }

    fn note(&mut self, writer: u32, step: u32) {
        if let Some(begun) = self.begun.get_mut(writer as usize) {
            *begun = step.max(*begun);
        }
    }
}

/// The files of writers in a copy of the table, if the copy is whole: writers and steps.
fn names_in(copy: &[u8]) -> Option<BTreeSet<(u32, u32)>> {
    let entries = RawTable::decode(copy)?.parsed()?;
    Some(entries.iter().filter_map(|entry| made_by(std::str::from_utf8(&entry.name).ok()?)).collect())
}

fn contents(volume: &mut Volume<Picture>, file: &Listed) -> Result<Vec<u8>, String> {
    let id = volume.files().lookup(&file.name).ok_or_else(|| format!("`{}` is not found", file.name))?;
    let mut bytes = vec![0; file.len_bytes as usize];
    volume.read_at(id, 0, &mut bytes).map_err(|error| format!("`{}` cannot be read: {error}", file.name))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
