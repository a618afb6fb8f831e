//! Writers on the host, with a disk that writes a log: what the fuzzer finds if the disk, or the file system, forgets a flush.

use std::collections::{BTreeMap, VecDeque};

use fakefs::{BLOCK_SIZE, Block, BlockDevice, BlockIndex, CommitStep, FileId, FileSystem};
use fuzz_core::Random;
use fuzz_core::disk::{Mark, Step, WRITERS, name, pattern, steps};

use super::super::cut::Replay;
use super::super::log::{Entry, without_flushes};
use super::super::picture::{OutOfRange, Picture};
use super::Witness;

const COUNT: u32 = 40;

/// A disk that keeps a log.
struct Logged {
    disk: Picture,
    log: Vec<Entry>,
}

impl BlockDevice for Logged {
    type Error = OutOfRange;

    fn block_count(&self) -> u32 {
        self.disk.block_count()
    }

    fn read(&mut self, first: BlockIndex, blocks: &mut [Block]) -> Result<(), OutOfRange> {
        self.disk.read(first, blocks)
    }

    fn write(&mut self, first: BlockIndex, blocks: &[Block]) -> Result<(), OutOfRange> {
        let sectors = blocks.iter().flat_map(|block| block.0.as_chunks().0).copied().collect();
        self.log.push(Entry::Write { first: first.number() * 8, sectors });
        self.disk.write(first, blocks)
    }

    fn flush(&mut self) -> Result<(), OutOfRange> {
        self.log.push(Entry::Flush);
        Ok(())
    }
}

/// The writers of a seed, with pages in memory as the kernel has them.
struct Machine {
    files: FileSystem,
    disk: Logged,
    /// By writer and step: the file, and its contents in memory.
    open: BTreeMap<(u32, u32), (FileId, Vec<u8>)>,
}

impl Machine {
    fn commit(&mut self, id: FileId) {
        if let CommitStep::Write(commit) = self.files.begin_commit(self.files.change_of(id)) {
            let written = commit.write_to(&mut self.disk);
            self.files.committed(commit, written).unwrap();
        } else {
            self.disk.flush().unwrap();
        }
    }

    fn step(&mut self, seed: u64, mark: Mark, what: &Step) {
        let Mark { writer, step } = mark;
        match *what {
            Step::Create => {
                let id = self.files.create(&name(writer, step)).unwrap();
                self.commit(id);
                self.open.insert((writer, step), (id, Vec::new()));
            }
            Step::Write { made, offset, len } => {
                let (id, bytes) = self.open.get_mut(&(writer, made)).unwrap();
                self.files.reserve(*id, offset + len).unwrap();
                self.files.grow(*id, offset + len);
                self.files.end_reservation(*id);
                let end = (offset + len) as usize;
                bytes.resize(bytes.len().max(end), 0);
                bytes[offset as usize..end].copy_from_slice(&pattern(seed, mark, made, offset, len));
            }
            Step::Sync { made } => {
                let (id, bytes) = self.open[&(writer, made)].clone();
                for (page, part) in (0..).zip(bytes.chunks(BLOCK_SIZE as usize)) {
                    let mut block = Block::ZERO;
                    block.0[..part.len()].copy_from_slice(part);
                    self.disk.write(self.files.block_of(id, page).unwrap(), &[block]).unwrap();
                }
                self.files.contents_saved(id, u32::try_from(bytes.len()).unwrap());
                self.commit(id);
            }
            Step::Remove { made } => {
                let (id, _) = self.open.remove(&(writer, made)).unwrap();
                self.files.remove(id).unwrap();
                self.files.close(id).unwrap();
                self.commit(id);
            }
        }
    }
}

/// Runs all writers of a seed, each for some steps at a time; returns the disk before, and the log.
fn run(seed: u64) -> (Picture, Vec<Entry>) {
    let mut empty = Picture::empty(300);
    let mut files = FileSystem::format(&mut empty).unwrap();
    // The table has some sectors, so that it can be torn.
    for number in 0..60 {
        let id = files.create(&format!("a file that nobody writes to {number:03}")).unwrap();
        if let CommitStep::Write(commit) = files.begin_commit(files.change_of(id)) {
            let written = commit.write_to(&mut empty);
            files.committed(commit, written).unwrap();
        }
        files.close(id).unwrap();
    }
    let mut machine = Machine { files, disk: Logged { disk: empty.clone(), log: Vec::new() }, open: BTreeMap::new() };
    let mut random = Random::new(seed, 1000);
    let mut plans: Vec<(u32, VecDeque<(u32, Step)>)> =
        (0..WRITERS).map(|writer| (writer, (0..).zip(steps(seed, writer, COUNT)).collect())).collect();
    while !plans.is_empty() {
        let place = random.place_in(plans.len());
        let (writer, plan) = &mut plans[place];
        for _ in 0..=random.below(8) {
            if let Some((step, what)) = plan.pop_front() {
                machine.step(seed, Mark { writer: *writer, step }, &what);
            }
        }
        plans.retain(|(_, plan)| !plan.is_empty());
    }
    (empty, machine.disk.log)
}

/// Cuts the power many times; returns what is wrong the first time that something is.
fn cut(seed: u64, before: &Picture, log: &[Entry]) -> Result<(), String> {
    let witness = Witness::new(seed, COUNT, before, log)?;
    let mut replay = Replay::new(log, before.clone());
    for begun in 0..=log.len() {
        replay.advance(begun);
        for case in 0..4 {
            let disk = replay.cut(&mut Random::new(begun as u64, case));
            witness.judge(&disk, &witness.begun(begun))?;
        }
    }
    Ok(())
}

#[test]
fn power_cut_of_a_machine_that_flushes_loses_nothing() {
    for seed in 1..4 {
        let (before, log) = run(seed);
        assert_eq!(cut(seed, &before, &log), Ok(()), "{seed}");
    }
}

#[test]
fn power_cut_of_a_disk_that_takes_single_sectors_loses_nothing() {
    let (before, log) = run(1);
    // By programmed I/O each sector is a write of its own.
    let split = |entry: &Entry| match entry {
        Entry::Write { first, sectors } => {
            (*first..).zip(sectors).map(|(first, sector)| Entry::Write { first, sectors: vec![*sector] }).collect()
        }
        Entry::Flush => vec![Entry::Flush],
    };
    let log: Vec<Entry> = log.iter().flat_map(split).collect();
    assert_eq!(cut(1, &before, &log), Ok(()));
}

#[test]
fn disk_that_ignores_flushes_is_found_out() {
    let (before, log) = run(1);
    let log = without_flushes(&log, |_| true);
    assert!(cut(1, &before, &log).is_err());
}

#[test]
fn commit_without_its_first_flush_is_found_out() {
    let (before, log) = run(1);
    // Each commit has two flushes; a Sync of what is saved already has one.
    let is_before_a_table = |at: usize| matches!(log.get(at + 1), Some(Entry::Write { first, .. }) if *first < 33 * 8);
    let flushes: Vec<usize> = (0..log.len()).filter(|&at| log[at] == Entry::Flush).collect();
    let changed = without_flushes(&log, |number| is_before_a_table(flushes[number]));
    assert!(changed.len() < log.len());
    assert!(cut(1, &before, &changed).is_err());
}

#[test]
fn commit_without_its_last_flush_is_found_out() {
    let (before, log) = run(1);
    let is_after_a_table = |at: usize| at > 0 && matches!(log[at - 1], Entry::Write { first, .. } if first < 33 * 8);
    let flushes: Vec<usize> = (0..log.len()).filter(|&at| log[at] == Entry::Flush).collect();
    let changed = without_flushes(&log, |number| is_after_a_table(flushes[number]));
    assert!(changed.len() < log.len());
    assert!(cut(1, &before, &changed).is_err());
}

#[test]
fn write_to_a_file_of_others_is_found_out() {
    let (before, mut log) = run(1);
    log.push(Entry::Write { first: 0, sectors: vec![[0; 512]] });
    assert!(cut(1, &before, &log).unwrap_err().contains("before the tables"));
}
