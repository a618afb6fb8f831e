//! Disks as they are after the power was cut, made from a log of writes.
//!
//! A disk keeps what was written before its last flush. Of what was written later it keeps any sectors: a write may be lost, torn, or
//! overtaken by a later one.

use std::collections::BTreeMap;

use fuzz_core::Random;

use super::log::Entry;
use super::picture::{Picture, SECTOR};

/// A write: its first sector, and its contents.
type Write<'a> = (u32, &'a [[u8; SECTOR]]);

/// Goes through a log, from one moment to a later one.
#[derive(Clone, Debug)]
pub struct Replay<'a> {
    log: &'a [Entry],
    /// Number of entries that the machine has begun.
    begun: usize,
    /// What the disk keeps for sure.
    kept: Picture,
    /// The writes that it may lose, in order.
    unflushed: Vec<Write<'a>>,
}

/// What becomes of the writes that a disk may lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Each sector has any of its versions.
    Torn,
    /// Each write is kept or lost, and they arrive in any order.
    Reordered,
    /// The first ones are kept, and some sectors of the next one.
    InOrder,
    /// All but one are kept.
    OneLost,
    /// One alone is kept.
    OneKept,
    /// None is kept.
    AllLost,
}

const WAYS: [Way; 6] = [Way::Torn, Way::Reordered, Way::InOrder, Way::OneLost, Way::OneKept, Way::AllLost];

impl<'a> Replay<'a> {
    /// The beginning of a log, and the disk as it was then.
    pub const fn new(log: &'a [Entry], disk: Picture) -> Self {
        Self { log, begun: 0, kept: disk, unflushed: Vec::new() }
    }

    /// Goes on until the machine has begun this number of entries.
    pub fn advance(&mut self, begun: usize) {
        for entry in self.log.get(self.begun..begun).unwrap_or_default() {
            match entry {
                Entry::Write { first, sectors } => self.unflushed.push((*first, sectors)),
                Entry::Flush => {
                    for (first, sectors) in std::mem::take(&mut self.unflushed) {
                        put(&mut self.kept, first, sectors);
                    }
                }
            }
        }
        self.begun = self.begun.max(begun);
    }

    /// The disk after the power was cut now.
    pub fn cut(&self, random: &mut Random) -> Picture {
        let mut disk = self.kept.clone();
        let count = self.unflushed.len();
        let one = random.place_in(count);
        let mut all: Vec<(usize, Write<'_>)> = self.unflushed.iter().copied().enumerate().collect();
        match random.one_of(&WAYS) {
            Way::AllLost => {}
            Way::Torn => tear(random, &mut disk, &self.unflushed),
            Way::OneLost => all.iter().filter(|(at, _)| *at != one).for_each(|(_, write)| put_write(&mut disk, write)),
            Way::OneKept => all.iter().filter(|(at, _)| *at == one).for_each(|(_, write)| put_write(&mut disk, write)),
            Way::InOrder => {
                all.iter().filter(|(at, _)| *at < one).for_each(|(_, write)| put_write(&mut disk, write));
                tear(random, &mut disk, self.unflushed.get(one..=one).unwrap_or_default());
            }
            Way::Reordered => {
                for at in (1..count).rev() {
                    all.swap(at, random.place_in(at + 1));
                }
                all.iter().filter(|_| random.once_in(2)).for_each(|(_, write)| put_write(&mut disk, write));
            }
        }
        disk
    }
}

fn put_write(disk: &mut Picture, (first, sectors): &Write<'_>) {
    put(disk, *first, sectors);
}

fn put(disk: &mut Picture, first: u32, sectors: &[[u8; SECTOR]]) {
    for (number, sector) in (first..).zip(sectors) {
        disk.set_sector(number, *sector);
    }
}

/// Gives each sector any of the versions that were written, or leaves the old one.
fn tear(random: &mut Random, disk: &mut Picture, writes: &[Write<'_>]) {
    let mut versions: BTreeMap<u32, Vec<[u8; SECTOR]>> = BTreeMap::new();
    for (first, sectors) in writes {
        for (number, sector) in (*first..).zip(*sectors) {
            versions.entry(number).or_default().push(*sector);
        }
    }
    for (number, versions) in versions {
        if let Some(version) = random.place_in(versions.len() + 1).checked_sub(1) {
            disk.set_sector(number, versions[version]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fuzz_core::Random;

    use super::super::log::Entry;
    use super::super::picture::{Picture, SECTOR};
    use super::Replay;

    fn write(first: u32, values: &[u8]) -> Entry {
        Entry::Write { first, sectors: values.iter().map(|&value| [value; SECTOR]).collect() }
    }

    /// The first bytes of eight sectors, after each of many cuts at this place.
    fn outcomes(log: &[Entry], begun: usize) -> BTreeSet<Vec<u8>> {
        let mut replay = Replay::new(log, Picture::empty(1));
        replay.advance(begun);
        let cut = |case| replay.cut(&mut Random::new(1, case));
        (0..2000).map(cut).map(|disk| (0..8).map(|number| disk.sector(number)[0]).collect()).collect()
    }

    #[test]
    fn sectors_before_the_last_flush_are_kept_and_later_ones_have_any_version() {
        let log = [write(0, &[1, 2]), Entry::Flush, write(1, &[3, 4]), write(1, &[5]), write(7, &[6])];
        assert_eq!(outcomes(&log, 0).len(), 1);
        assert_eq!(outcomes(&log, 1).len(), 4, "each of two sectors may be lost");
        assert_eq!(outcomes(&log, 2), BTreeSet::from([vec![1, 2, 0, 0, 0, 0, 0, 0]]));
        let all = outcomes(&log, 5);
        assert!(all.iter().all(|found| found[0] == 1 && found[3..7] == [0; 4]));
        let second: BTreeSet<u8> = all.iter().map(|found| found[1]).collect();
        assert_eq!(second, BTreeSet::from([2, 3, 5]), "a later write may be overtaken");
        assert_eq!(all.len(), 3 * 2 * 2);
    }

    #[test]
    fn cut_follows_from_its_numbers() {
        let log = [write(0, &[1, 2, 3]), write(2, &[4])];
        let mut replay = Replay::new(&log, Picture::empty(1));
        replay.advance(2);
        let sectors = |disk: Picture| (0..8).map(|number| disk.sector(number)).collect::<Vec<_>>();
        for case in 0..50 {
            let cut = || sectors(replay.cut(&mut Random::new(3, case)));
            assert_eq!(cut(), cut());
        }
    }
}
