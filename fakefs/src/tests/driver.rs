//! The file system as the kernel drives it. Processes change names and lengths while a commit is under way, and the pager writes
//! pages. The power goes at any moment.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::{ProptestConfig, any, proptest};

use super::disk::{Disk, DiskError};
use super::{BALLAST, add_ballast, fresh, is_ballast};
use crate::block::{BLOCK_BYTES, BLOCK_SIZE, Block, BlockDevice, BlockIndex};
use crate::commit::{Change, Commit, CommitStep};
use crate::{FileId, FileSystem, Volume};

const BLOCKS: u32 = 12;
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// The name of a file, as its processes know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Creating,
    Named,
    Removing,
    Gone,
}

/// A file that some process has made.
struct Made {
    id: FileId,
    name: &'static str,
    state: Name,
    /// The commit that is under way makes or removes the name.
    is_in_ticket: bool,
    is_open: bool,
    /// Version of each page in memory; `true` if the page must be written.
    pages: Vec<(u16, bool)>,
    /// Versions of the pages that the next table speaks of.
    saved: Vec<u16>,
    /// Versions of the pages that an acknowledged Sync has saved.
    acknowledged: Vec<u16>,
    /// Syncs that wait for a commit: the change, and the versions that they have saved.
    syncing: Vec<(Change, Vec<u16>)>,
}

/// A table that the disk may have: for each name the file, and the versions of the pages that were saved before.
type Snapshot = BTreeMap<&'static str, (usize, Vec<u16>)>;

/// What the kernel has in memory, and its disk.
struct Machine {
    files: FileSystem,
    disk: Disk,
    ticket: Option<Commit>,
    made: Vec<Made>,
    /// The last table that was committed, and those that were begun since.
    possible: Vec<Snapshot>,
}

/// The contents of a page: file, page number and version, in each sector.
fn page_of(file: usize, page: usize, version: u16) -> Block {
    let mut block = Block::ZERO;
    for word in block.0.chunks_exact_mut(4) {
        word[0] = u8::try_from(file + 1).unwrap();
        word[1] = u8::try_from(page).unwrap();
        word[2..].copy_from_slice(&version.to_le_bytes());
    }
    block
}

/// The disk, on which other processes write pages between the operations of a commit.
struct Shared<'a> {
    disk: &'a mut Disk,
    others: VecDeque<(BlockIndex, Block)>,
}

impl Shared<'_> {
    fn let_others_write(&mut self) {
        if let Some((place, block)) = self.others.pop_front() {
            // The page counts as changed still, so that a failure does not matter.
            let _ = self.disk.write(place, &[block]);
        }
    }
}

impl BlockDevice for Shared<'_> {
    type Error = DiskError;

    fn block_count(&self) -> u32 {
        self.disk.block_count()
    }

    fn read(&mut self, first: BlockIndex, blocks: &mut [Block]) -> Result<(), DiskError> {
        self.disk.read(first, blocks)
    }

    fn write(&mut self, first: BlockIndex, blocks: &[Block]) -> Result<(), DiskError> {
        self.let_others_write();
        self.disk.write(first, blocks)
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        self.let_others_write();
        self.disk.flush()
    }
}

impl Machine {
    fn new() -> Self {
        let mut volume = fresh(BLOCKS);
        add_ballast(&mut volume);
        let Volume { files, device: mut disk } = volume;
        disk.operations = 0;
        Self { files, disk, ticket: None, made: Vec::new(), possible: vec![Snapshot::new()] }
    }

    /// Does something that a process may do, or the disk.
    fn step(&mut self, (action, choice, amount): (u8, u8, u8)) {
        let file = usize::from(choice) % self.made.len().max(1);
        match action % 11 {
            10 => self.give_up(),
            0 => self.create(NAMES[usize::from(choice) % NAMES.len()]),
            8 => self.begin(),
            9 => self.carry_out(amount),
            _ if self.made.is_empty() => {}
            1 => self.remove(file),
            2 | 3 => self.append(file, u32::from(amount) % 4 + 1),
            4 => self.change(file, amount),
            5 => self.write_some_page(file, amount),
            6 => self.sync(file),
            _ => self.close(file),
        }
        self.files.check().unwrap();
    }

    fn create(&mut self, name: &'static str) {
        let is_taken = self.made.iter().any(|made| made.name == name && made.state != Name::Gone);
        let Ok(id) = self.files.create(name) else { return assert!(is_taken) };
        assert!(!is_taken);
        let (pages, saved, acknowledged, syncing) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (state, is_in_ticket, is_open) = (Name::Creating, false, true);
        self.made.push(Made { id, name, state, is_in_ticket, is_open, pages, saved, acknowledged, syncing });
    }

    fn remove(&mut self, file: usize) {
        let made = &mut self.made[file];
        let can_be_removed = matches!(made.state, Name::Named | Name::Removing);
        assert_eq!(self.files.remove(made.id).is_ok(), can_be_removed);
        if can_be_removed {
            made.state = Name::Removing;
        }
    }

    /// Writes some pages past the end. Of four, a killed writer leaves one.
    fn append(&mut self, file: usize, pages: u32) {
        let made = &mut self.made[file];
        let Ok(len) = self.files.len_bytes(made.id) else { return };
        if made.state == Name::Creating || self.files.reserve(made.id, len + pages * BLOCK_SIZE).is_err() {
            return;
        }
        let written = if pages == 4 { 1 } else { pages };
        self.files.grow(made.id, len + written * BLOCK_SIZE);
        made.pages.extend((0..written).map(|_| (1, true)));
        self.files.end_reservation(made.id);
        self.files.trim(made.id);
    }

    fn change(&mut self, file: usize, amount: u8) {
        let pages = &mut self.made[file].pages;
        let count = pages.len().max(1);
        if let Some(page) = pages.get_mut(usize::from(amount) % count) {
            *page = (page.0 + 1, true);
        }
    }

    /// The block and the contents of a page, if it must be written.
    fn dirty_page(&self, file: usize, page: usize) -> Option<(BlockIndex, Block)> {
        let &(version, is_dirty) = self.made[file].pages.get(page)?;
        let place = self.files.block_of(self.made[file].id, u32::try_from(page).ok()?)?;
        is_dirty.then(|| (place, page_of(file, page, version)))
    }

    /// The pager pushes a page out.
    fn write_some_page(&mut self, file: usize, amount: u8) {
        let page = usize::from(amount) % self.made[file].pages.len().max(1);
        if let Some((place, block)) = self.dirty_page(file, page) {
            self.made[file].pages[page].1 = self.disk.write(place, &[block]).is_err();
        }
    }

    /// `Sync`, until it waits for a commit.
    fn sync(&mut self, file: usize) {
        if !self.made[file].is_open {
            return;
        }
        for page in 0..self.made[file].pages.len() {
            if let Some((place, block)) = self.dirty_page(file, page) {
                if self.disk.write(place, &[block]).is_err() {
                    return;
                }
                self.made[file].pages[page].1 = false;
            }
        }
        let made = &mut self.made[file];
        let versions: Vec<u16> = made.pages.iter().map(|&(version, _)| version).collect();
        made.saved.clone_from(&versions);
        self.files.contents_saved(made.id, u32::try_from(versions.len() * BLOCK_BYTES).unwrap());
        let change = self.files.change_of(made.id);
        if !self.files.is_saved(change) {
            made.syncing.push((change, versions));
        } else if self.disk.flush().is_ok() {
            self.acknowledge_sync(file, versions);
        }
    }

    /// What a Sync has saved, the last table that was committed speaks of.
    fn acknowledge_sync(&mut self, file: usize, versions: Vec<u16>) {
        let made = &mut self.made[file];
        if made.state == Name::Named {
            let saved = self.possible[0].get(made.name).filter(|entry| entry.0 == file);
            assert!(saved.is_some_and(|(_, saved)| saved.len() >= versions.len()));
        }
        made.acknowledged = versions;
    }

    fn close(&mut self, file: usize) {
        let made = &mut self.made[file];
        // Processes that wait for a commit have the file open.
        if made.is_open && made.state != Name::Creating && made.syncing.is_empty() {
            made.is_open = false;
            self.files.close(made.id).unwrap();
        }
    }

    fn begin(&mut self) {
        match self.files.begin_commit(self.files.last_change()) {
            CommitStep::Write(commit) => {
                assert!(self.ticket.replace(commit).is_none());
                for made in &mut self.made {
                    made.is_in_ticket = matches!(made.state, Name::Creating | Name::Removing);
                }
                let is_written = |made: &Made| matches!(made.state, Name::Creating | Name::Named);
                let made = self.made.iter().enumerate().filter(|(_, made)| is_written(made));
                self.possible.push(made.map(|(file, made)| (made.name, (file, made.saved.clone()))).collect());
            }
            CommitStep::UnderWay => assert!(self.ticket.is_some()),
            CommitStep::Saved => {}
        }
    }

    /// The commit that is under way ends, and the processes go on that waited for it.
    fn carry_out(&mut self, amount: u8) {
        let Some(commit) = self.ticket.take() else { return };
        let all = (0..self.made.len()).flat_map(|file| (0..self.made[file].pages.len()).map(move |page| (file, page)));
        let pages = all.filter_map(|(file, page)| self.dirty_page(file, page)).take(usize::from(amount) % 5);
        let mut device = Shared { others: pages.collect(), disk: &mut self.disk };
        let result = commit.write_to(&mut device);
        if self.files.committed(commit, result).is_ok() {
            self.possible.drain(..self.possible.len() - 1);
            self.acknowledge();
        } else if amount >= 128 {
            self.give_up();
        }
    }

    fn acknowledge(&mut self) {
        for file in 0..self.made.len() {
            let made = &mut self.made[file];
            made.state = match made.state {
                Name::Creating if made.is_in_ticket => Name::Named,
                Name::Removing if made.is_in_ticket => Name::Gone,
                other => other,
            };
            let is_listed = matches!(made.state, Name::Named | Name::Removing);
            assert_eq!(self.files.lookup(made.name) == Some(made.id), is_listed);
            let saved: Vec<_> = made.syncing.extract_if(.., |(change, _)| self.files.is_saved(*change)).collect();
            for (_, versions) in saved {
                self.acknowledge_sync(file, versions);
            }
        }
    }

    /// The processes that wait for a commit do so no longer, and return an error.
    fn give_up(&mut self) {
        for made in &mut self.made {
            made.syncing.clear();
            made.is_in_ticket = false;
            match made.state {
                Name::Creating => {
                    self.files.close(made.id).unwrap();
                    (made.state, made.is_open) = (Name::Gone, false);
                }
                Name::Removing => {
                    self.files.keep_name(made.id);
                    made.state = Name::Named;
                }
                Name::Named | Name::Gone => {}
            }
        }
    }

    /// The disk works from now on, and everything is saved.
    fn shut_down(&mut self) {
        self.disk.failing.clear();
        self.disk.power_cut = None;
        self.carry_out(128);
        self.begin();
        self.carry_out(0);
        assert_eq!((self.possible.len(), self.files.is_saved(self.files.last_change())), (1, true));
        for (file, made) in self.made.iter().enumerate() {
            let is_in_table = self.possible[0].get(made.name).is_some_and(|entry| entry.0 == file);
            assert_eq!(is_in_table, made.state == Name::Named, "{} is {:?}", made.name, made.state);
        }
    }

    /// The power goes and comes back. The disk must have one of the tables that it may have, and what that speaks of.
    fn check_after_power_cut(&self, seed: u64) {
        let mut disk = self.disk.after_power_cut(seed);
        let files = FileSystem::mount(&mut disk).unwrap();
        files.check().unwrap();
        let lengths = |table: &Snapshot| -> BTreeMap<String, usize> {
            table.iter().map(|(&name, (_, saved))| (name.to_owned(), saved.len() * BLOCK_BYTES)).collect()
        };
        let (ballast, found): (Vec<_>, Vec<_>) = files.entries().partition(|entry| is_ballast(entry.name));
        assert_eq!(ballast.len(), BALLAST);
        let found = found.iter().map(|entry| (entry.name.to_owned(), entry.len_bytes as usize)).collect();
        let mut candidates = self.possible.iter().filter(|table| lengths(table) == found).peekable();
        assert!(candidates.peek().is_some(), "{found:?} is none of {:?}", self.possible);
        let fits =
            candidates.any(|table| table.iter().all(|(name, entry)| self.has_contents(&files, &disk, name, entry)));
        assert!(fits, "the contents of {found:?} are not those of {:?}", self.possible);
    }

    /// All sectors of a file are its own, and no older than they may be.
    fn has_contents(&self, files: &FileSystem, disk: &Disk, name: &str, (file, saved): &(usize, Vec<u16>)) -> bool {
        let id = files.lookup(name).unwrap();
        let made = &self.made[*file];
        saved.iter().enumerate().all(|(page, &oldest)| {
            let oldest = oldest.max(made.acknowledged.get(page).copied().unwrap_or(0));
            let place = files.block_of(id, u32::try_from(page).unwrap()).unwrap().number() as usize * BLOCK_BYTES;
            let bytes = &disk.bytes[place..place + BLOCK_BYTES];
            bytes.chunks_exact(4).all(|word| {
                let version = u16::from_le_bytes([word[2], word[3]]);
                (usize::from(word[0]), usize::from(word[1])) == (*file + 1, page)
                    && (oldest..=made.pages[page].0).contains(&version)
            })
        })
    }
}

type Steps = Vec<(u8, u8, u8)>;

fn run(machine: &mut Machine, steps: Steps) {
    for step in steps {
        machine.step(step);
        if machine.disk.is_off() {
            break;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn power_cut_leaves_a_table_that_was_begun_and_all_that_was_acknowledged(
        steps in proptest::collection::vec(any::<(u8, u8, u8)>(), 1..120),
        failing in proptest::collection::btree_set(0u32..80, 0..4),
        cut in 0u32..80,
        seed in any::<u64>(),
    ) {
        let mut machine = Machine::new();
        machine.disk.failing = failing;
        machine.disk.power_cut = Some(cut);
        run(&mut machine, steps);
        machine.check_after_power_cut(seed);
    }

    #[test]
    fn shutdown_saves_what_failed_before(
        steps in proptest::collection::vec(any::<(u8, u8, u8)>(), 1..120),
        failing in proptest::collection::btree_set(0u32..80, 0..10),
        seed in any::<u64>(),
    ) {
        let mut machine = Machine::new();
        machine.disk.failing = failing;
        run(&mut machine, steps);
        machine.shut_down();
        machine.check_after_power_cut(seed);
    }
}
