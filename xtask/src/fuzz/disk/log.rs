//! The log of all writes to a disk, as QEMU's driver `blklogwrites` writes it, in the format of Linux's `dm-log-writes`
//! (QEMU's `block/blklogwrites.c`; the Linux kernel's "dm-log-writes"). All numbers are little-endian.
//!
//! ```text
//! sector 0      magic (8), version 1 (8), number of entries (8), bytes of a sector (4)
//! each entry    a sector: first sector (8), number of sectors (8), flags (8), length of a mark (8);
//!               then, unless it is a discard, the sectors that are written
//! ```

use std::collections::HashSet;

use anyhow::{Result, bail};

use super::picture::SECTOR;

/// The number that Linux gives the format: "hswfsj", and a zero byte in "j".
const MAGIC: u64 = 0x6A_7366_7773_6872;
const VERSION: u64 = 1;

/// Everything that was written before is kept.
const FLUSH: u64 = 1;
/// The write itself is kept when it has ended.
const FORCED: u64 = 2;
/// Nothing is written: contents are no longer needed.
const DISCARD: u64 = 4;

/// Something that a machine had its disk do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Sectors are written. They are kept from the next flush on.
    Write {
        /// The first sector.
        first: u32,
        /// What is written.
        sectors: Vec<[u8; SECTOR]>,
    },
    /// Everything that was written before is kept.
    Flush,
}

/// Reads a log. The header is written at times only, so it is the length that tells the number of entries.
///
/// # Errors
/// If it is no log.
pub fn parse(log: &[u8]) -> Result<Vec<Entry>> {
    let (sectors, _) = log.as_chunks::<SECTOR>();
    let Some((header, mut rest)) = sectors.split_first() else { bail!("the log of the disk's writes is empty") };
    let sector_bytes = u32::from_le_bytes([header[24], header[25], header[26], header[27]]);
    if words(header)[..2] != [MAGIC, VERSION] || sector_bytes as usize != SECTOR {
        bail!("the log of the disk's writes has another format");
    }
    let mut entries = Vec::new();
    while let Some((header, after)) = rest.split_first() {
        let [first, count, flags, _] = words(header);
        let count = if flags & DISCARD == 0 { usize::try_from(count)? } else { 0 };
        let Some((written, after)) = after.split_at_checked(count) else { break };
        rest = after;
        entries.extend((flags & FLUSH != 0).then_some(Entry::Flush));
        if count > 0 {
            entries.push(Entry::Write { first: u32::try_from(first)?, sectors: written.to_vec() });
        }
        // Stricter than the flag, which keeps no other write. Guests of ours do not set it.
        entries.extend((flags & FORCED != 0).then_some(Entry::Flush));
    }
    Ok(entries)
}

/// The first four numbers of a sector.
fn words(sector: &[u8; SECTOR]) -> [u64; 4] {
    let (words, _) = sector.as_chunks::<8>();
    [0, 1, 2, 3].map(|at| u64::from_le_bytes(words[at]))
}

/// The same log of a disk that does not do these flushes, by their number: they are left out.
#[cfg(test)]
pub fn without_flushes(entries: &[Entry], left_out: impl Fn(usize) -> bool) -> Vec<Entry> {
    let mut number = 0;
    let stays = |entry: &&Entry| {
        let is_flush = **entry == Entry::Flush;
        number += usize::from(is_flush);
        !is_flush || !left_out(number - 1)
    };
    entries.iter().filter(stays).cloned().collect()
}

/// The sectors that a log writes to.
pub fn written(entries: &[Entry]) -> HashSet<u32> {
    let sectors = |entry: &Entry| match entry {
        Entry::Write { first, sectors } => (*first..).take(sectors.len()).collect(),
        Entry::Flush => Vec::new(),
    };
    entries.iter().flat_map(sectors).collect()
}

#[cfg(test)]
mod tests {
    use super::{Entry, MAGIC, SECTOR, parse};

    fn sector(words: &[u64]) -> Vec<u8> {
        let mut sector: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        sector.resize(SECTOR, 0);
        sector
    }

    #[test]
    fn entries_are_read_in_order_and_one_that_is_cut_short_is_none() {
        let mut log = sector(&[MAGIC, 1, 99, 512]);
        log.extend(sector(&[2056, 2, 0, 0]));
        log.extend([[7; SECTOR], [8; SECTOR]].concat());
        log.extend(sector(&[0, 0, 1, 0]));
        log.extend(sector(&[5, 1000, 4, 0]));
        log.extend(sector(&[9, 2, 0, 0]));
        log.extend([1; SECTOR]);
        let write = Entry::Write { first: 2056, sectors: vec![[7; SECTOR], [8; SECTOR]] };
        assert_eq!(parse(&log).unwrap(), [write, Entry::Flush]);
    }

    #[test]
    fn other_formats_are_refused() {
        for log in [Vec::new(), vec![0; 100], sector(&[MAGIC, 2, 0, 512]), sector(&[MAGIC, 1, 0, 4096]), sector(&[1])] {
            assert!(parse(&log).is_err());
        }
    }
}
