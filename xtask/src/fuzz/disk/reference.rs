//! A second reader of the file system's form on disk, written from its description (`fakefs::layout`) and independent of `fakefs`. It says
//! what mounting must make of a disk, and writes tables that no file system would write.

use std::collections::BTreeSet;

use abi::layout::NAME_MAX_BYTES;
use crc::{CRC_32_ISO_HDLC, Crc};
use fakefs::layout::{
    DATA_START, ENTRIES_MAX_BYTES, MAX_FILES, SUPERBLOCK_MAGIC, TABLE_HEADER_BYTES, TABLE_MAGIC, TABLE_STARTS, VERSION,
};
use fakefs::{BLOCK_SIZE, BlockDevice};

use super::picture::Picture;

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
/// States of an entry.
const NAMED: u8 = 1;
const REMOVED: u8 = 2;

/// An entry of a table, as its bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEntry {
    /// Named, or removed by an older kernel.
    pub state: u8,
    /// The name, which may be none.
    pub name: Vec<u8>,
    /// Length of the file in bytes.
    pub len_bytes: u32,
    /// First block and number of blocks.
    pub extents: Vec<(u32, u32)>,
}

/// A copy of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawTable {
    /// The newer whole copy counts; 0 follows the highest number.
    pub sequence: u64,
    /// The bytes of the entries.
    pub entries: Vec<u8>,
}

/// A file as it must be after mounting: its name, its length, and the blocks that the length needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The name.
    pub name: String,
    /// Length in bytes.
    pub len_bytes: u32,
    /// The blocks, in order.
    pub blocks: Vec<u32>,
}

impl RawTable {
    /// Reads a copy; `None` if it is not whole.
    pub fn decode(copy: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_le_bytes(*copy.get(at..)?.first_chunk()?));
        let len = word(16)? as usize;
        if copy.get(..8)? != TABLE_MAGIC || len > ENTRIES_MAX_BYTES {
            return None;
        }
        let entries = copy.get(TABLE_HEADER_BYTES..TABLE_HEADER_BYTES + len)?;
        let sequence = u64::from_le_bytes(*copy.get(8..)?.first_chunk()?);
        let table = Self { sequence, entries: entries.to_vec() };
        (word(20)? == table.checksum()).then_some(table)
    }

    fn checksum(&self) -> u32 {
        let mut digest = CRC.digest();
        digest.update(&self.sequence.to_le_bytes());
        digest.update(&self.len_word().to_le_bytes());
        digest.update(&self.entries);
        digest.finalize()
    }

    fn len_word(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    /// The bytes of the copy, with the right checksum.
    pub fn encode(&self) -> Vec<u8> {
        let mut copy = TABLE_MAGIC.to_vec();
        copy.extend(self.sequence.to_le_bytes());
        copy.extend(self.len_word().to_le_bytes());
        copy.extend(self.checksum().to_le_bytes());
        copy.extend(&self.entries);
        copy
    }

    /// The entries; `None` if they make no sense.
    pub fn parsed(&self) -> Option<Vec<RawEntry>> {
        let (mut rest, mut entries) = (self.entries.as_slice(), Vec::new());
        while !rest.is_empty() {
            entries.push(take_entry(&mut rest)?);
        }
        Some(entries)
    }
}

fn take_entry(rest: &mut &[u8]) -> Option<RawEntry> {
    let state = *rest.split_off_first()?;
    let name_len = usize::from(*rest.split_off_first()?);
    let name = rest.split_off(..name_len)?.to_vec();
    let len_bytes = take_word(rest)?;
    let count = take_word(rest)? as usize;
    // A count that the bytes do not have is not believed.
    let mut words = rest.split_off(..count.checked_mul(8)?)?;
    let extents = (0..count).map(|_| Some((take_word(&mut words)?, take_word(&mut words)?))).collect::<Option<_>>()?;
    Some(RawEntry { state, name, len_bytes, extents })
}

fn take_word(rest: &mut &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(*rest.split_off(..4)?.first_chunk()?))
}

impl RawEntry {
    /// Appends the entry's bytes.
    pub fn put(&self, to: &mut Vec<u8>) {
        to.extend([self.state, u8::try_from(self.name.len()).unwrap_or(u8::MAX)]);
        to.extend(&self.name);
        to.extend(self.len_bytes.to_le_bytes());
        to.extend(u32::try_from(self.extents.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.extents.iter().for_each(|(first, count)| to.extend([first.to_le_bytes(), count.to_le_bytes()].concat()));
    }

    /// The name, if it is one that a file may have.
    fn name(&self) -> Option<&str> {
        let name = std::str::from_utf8(&self.name).ok()?;
        let is_bad = name.is_empty() || name.contains('/') || name.chars().any(char::is_control);
        (!is_bad && name.len() <= NAME_MAX_BYTES as usize).then_some(name)
    }

    /// The blocks that the length needs; `None` if there are fewer, or one is not the file's to have.
    fn blocks(&self, block_count: u32) -> Option<Vec<u32>> {
        let mut needed = self.len_bytes.div_ceil(BLOCK_SIZE);
        let mut blocks = Vec::new();
        for &(first, count) in &self.extents {
            let taken = count.min(needed);
            needed -= taken;
            let end = first.checked_add(taken)?;
            if taken > 0 && (first < DATA_START || end > block_count) {
                return None;
            }
            blocks.extend(first..end);
        }
        (needed == 0).then_some(blocks)
    }
}

/// The whole copies of the table on a disk, each with its place. The copy that counts comes first.
pub fn tables(disk: &Picture) -> Vec<(usize, RawTable)> {
    let whole = |(place, start): (usize, u32)| {
        let len = disk.bytes(start, TABLE_HEADER_BYTES).get(16..)?.first_chunk().copied().map(u32::from_le_bytes)?;
        let len = (len as usize).min(ENTRIES_MAX_BYTES);
        Some((place, RawTable::decode(&disk.bytes(start, TABLE_HEADER_BYTES + len))?))
    };
    let mut tables: Vec<_> = TABLE_STARTS.into_iter().enumerate().filter_map(whole).collect();
    if let [(_, first), (_, second)] = tables.as_slice() {
        // The distance, modulo 2^64.
        let ahead = (u128::from(second.sequence) + (1 << 64) - u128::from(first.sequence)) % (1 << 64);
        if (1..1 << 63).contains(&ahead) {
            tables.swap(0, 1);
        }
    }
    tables
}

/// The files that mounting must find, in the order of their names; `None` if it must refuse the disk.
pub fn expected(disk: &Picture) -> Option<Vec<Listed>> {
    let block_count = superblock(disk)?;
    let (_, table) = tables(disk).into_iter().next()?;
    let (mut files, mut owned) = (Vec::new(), BTreeSet::new());
    for entry in table.parsed()? {
        let name = entry.name().filter(|_| matches!(entry.state, NAMED | REMOVED))?;
        if entry.state == REMOVED {
            continue;
        }
        let blocks = entry.blocks(block_count)?;
        if !blocks.iter().all(|&block| owned.insert(block)) {
            return None;
        }
        files.push(Listed { name: name.into(), len_bytes: entry.len_bytes, blocks });
    }
    files.sort();
    let has_twins = files.windows(2).any(|pair| pair[0].name == pair[1].name);
    (!has_twins && files.len() <= MAX_FILES).then_some(files)
}

/// The number of blocks of the file system; `None` if there is none that fits on the disk.
fn superblock(disk: &Picture) -> Option<u32> {
    let device_blocks = disk.block_count();
    if device_blocks == 0 {
        return None;
    }
    let bytes = disk.bytes(0, 20);
    let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let (version, block_count, checksum) = (word(8)?, word(12)?, word(16)?);
    let is_sound = bytes[..8] == SUPERBLOCK_MAGIC && version == VERSION && checksum == CRC.checksum(&bytes[..16]);
    (is_sound && block_count > DATA_START && block_count <= device_blocks).then_some(block_count)
}

/// Makes the superblock's checksum right again.
pub fn repair_superblock(disk: &mut Picture) {
    let mut bytes = disk.bytes(0, 20);
    let checksum = CRC.checksum(&bytes[..16]);
    bytes[16..].copy_from_slice(&checksum.to_le_bytes());
    disk.set_bytes(0, &bytes);
}
