//! What a writer has done, and which of it must be on a disk after the power was cut.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::pattern::{Mark, pattern};
use super::steps::{Step, made_by, name, steps};

/// The files that were found on a disk: names and contents.
pub type Found = BTreeMap<String, Vec<u8>>;

/// All that one writer does to its files.
#[derive(Clone, Debug)]
pub struct History {
    writer: u32,
    /// Number of steps.
    len: u32,
    /// The files, by the step that makes each.
    files: BTreeMap<u32, FileHistory>,
}

/// All that happens to one file.
#[derive(Clone, Debug, Default)]
struct FileHistory {
    /// The step that removes the file.
    removed: Option<u32>,
    writes: Vec<Written>,
    syncs: Vec<Synced>,
    /// The contents after all steps so far.
    now: Vec<u8>,
}

/// Bytes that a step has written, with the zeros of a gap before them.
#[derive(Clone, Debug)]
struct Written {
    step: u32,
    offset: usize,
    bytes: Vec<u8>,
}

/// The contents of a file when a step has synced it.
#[derive(Clone, Debug)]
struct Synced {
    step: u32,
    bytes: Vec<u8>,
}

impl History {
    /// What this writer does in `count` steps.
    pub fn new(seed: u64, writer: u32, count: u32) -> Self {
        let mut files: BTreeMap<u32, FileHistory> = BTreeMap::new();
        let all = steps(seed, writer, count);
        for (step, what) in (0..).zip(&all) {
            match *what {
                Step::Create => drop(files.insert(step, FileHistory::default())),
                Step::Write { made, offset, len } => {
                    let bytes = pattern(seed, Mark { writer, step }, made, offset, len);
                    files.entry(made).or_default().write(step, offset as usize, bytes);
                }
                Step::Sync { made } => {
                    let file = files.entry(made).or_default();
                    file.syncs.push(Synced { step, bytes: file.now.clone() });
                }
                Step::Remove { made } => files.entry(made).or_default().removed = Some(step),
            }
        }
        Self { writer, len: u32::try_from(all.len()).unwrap_or(u32::MAX), files }
    }

    /// The number of steps.
    pub const fn step_count(&self) -> u32 {
        self.len
    }

    /// The step that removes the file that was made in step `made`.
    pub fn removal_of(&self, made: u32) -> Option<u32> {
        self.files.get(&made)?.removed
    }

    /// Judges the files that were found after the power was cut. The writer had begun step `begun`, so all steps before it were
    /// acknowledged. Files of other writers are left out of account.
    ///
    /// # Errors
    /// What is wrong: something acknowledged is lost, or there is something that the writer has not written.
    pub fn judge(&self, begun: u32, found: &Found) -> Result<(), String> {
        for name in found.keys() {
            let made = made_by(name).filter(|&(writer, _)| writer == self.writer);
            if made.is_some_and(|(_, made)| !self.files.contains_key(&made)) {
                return Err(format!("nobody made `{name}`"));
            }
        }
        for (&made, file) in &self.files {
            let name = name(self.writer, made);
            let judged = file.judge_name(made, begun, found.contains_key(&name));
            let judged =
                judged.and_then(|()| found.get(&name).map_or(Ok(()), |bytes| file.judge_contents(begun, bytes)));
            judged.map_err(|what| format!("`{name}` {what}; its writer had begun step {begun}"))?;
        }
        Ok(())
    }
}

impl FileHistory {
    fn write(&mut self, step: u32, offset: usize, data: Vec<u8>) {
        let start = offset.min(self.now.len());
        let mut bytes = alloc::vec![0; offset - start];
        bytes.extend(data);
        let end = start + bytes.len();
        self.now.resize(self.now.len().max(end), 0);
        self.now[start..end].copy_from_slice(&bytes);
        self.writes.push(Written { step, offset: start, bytes });
    }

    fn judge_name(&self, made: u32, begun: u32, is_found: bool) -> Result<(), String> {
        let is_removed = self.removed.is_some_and(|step| step < begun);
        let may_be_removed = self.removed.is_some_and(|step| step <= begun);
        match is_found {
            true if is_removed => Err("is there, and its removal was acknowledged".into()),
            true if made > begun => Err("is there, and was not made yet".into()),
            false if made < begun && !may_be_removed => Err("is lost".into()),
            _ => Ok(()),
        }
    }

    /// The file has the length of its last acknowledged Sync, or of a later one. Each byte is that of the acknowledged Sync, or one that
    /// was written later.
    fn judge_contents(&self, begun: u32, found: &[u8]) -> Result<(), String> {
        let synced = self.syncs.iter().rfind(|sync| sync.step < begun);
        let (since, known) = synced.map_or((0, &[][..]), |sync| (sync.step, sync.bytes.as_slice()));
        let later = self.syncs.iter().filter(|sync| sync.step >= begun).map(|sync| sync.bytes.len());
        if !later.chain([known.len()]).any(|len| len == found.len()) {
            return Err(format!("has {} bytes, and the last Sync saved {}", found.len(), known.len()));
        }
        let mut is_known: Vec<bool> = found.iter().zip(known).map(|(one, other)| one == other).collect();
        is_known.resize(found.len(), false);
        for write in self.writes.iter().filter(|write| write.step >= since) {
            let range = write.offset.min(found.len())..(write.offset + write.bytes.len()).min(found.len());
            let bytes = found[range.clone()].iter().zip(&write.bytes);
            for (is_known, (one, other)) in is_known[range].iter_mut().zip(bytes) {
                *is_known |= one == other;
            }
        }
        match is_known.iter().position(|is_known| !is_known) {
            Some(at) => Err(format!("has a wrong byte at {at} of {}: {:#x}", found.len(), found[at])),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
