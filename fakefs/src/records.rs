//! On-disk records: bytes in, values out, in one place.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use crc::{CRC_32_ISO_HDLC, Crc};

use crate::block::{BLOCK_BYTES, BlockIndex, Extent};
use crate::error::Damage;
use crate::layout::{ENTRIES_MAX_BYTES, SUPERBLOCK_MAGIC, TABLE_HEADER_BYTES, TABLE_MAGIC, VERSION};
use crate::table::{File, Name, State};

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// A reader that takes fields off the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn word(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*word))
    }

    fn wide(&mut self) -> Option<u64> {
        Some(u64::from(self.word()?) | u64::from(self.word()?) << 32)
    }
}

/// The superblock of a file system of `block_count` blocks.
pub fn encode_superblock(block_count: u32) -> [u8; BLOCK_BYTES] {
    let mut block = [0; BLOCK_BYTES];
    block[0..8].copy_from_slice(&SUPERBLOCK_MAGIC);
    block[8..12].copy_from_slice(&VERSION.to_le_bytes());
    block[12..16].copy_from_slice(&block_count.to_le_bytes());
    let checksum = CRC.checksum(&block[..16]);
    block[16..20].copy_from_slice(&checksum.to_le_bytes());
    block
}

/// Reads a superblock; returns how many blocks the file system has.
pub fn decode_superblock(block: &[u8]) -> Result<u32, Damage> {
    let mut fields = Fields(block);
    if fields.take(8) != Some(&SUPERBLOCK_MAGIC) {
        return Err(Damage::NoSuperblock);
    }
    let (Some(version), Some(block_count), Some(checksum)) = (fields.word(), fields.word(), fields.word()) else {
        return Err(Damage::NoSuperblock);
    };
    if checksum != CRC.checksum(&block[..16]) {
        return Err(Damage::Checksum);
    }
    if version == VERSION { Ok(block_count) } else { Err(Damage::Version(version)) }
}

/// What the first bytes of a copy of the table say.
#[derive(Clone, Copy)]
pub struct TableHeader {
    /// The copy with the higher one counts.
    pub sequence: u64,
    /// Bytes of entries.
    pub len: usize,
    checksum: u32,
}

impl TableHeader {
    /// Reads the first bytes of a copy; `None` if it is none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.take(8)? != TABLE_MAGIC {
            return None;
        }
        let (sequence, len, checksum) = (fields.wide()?, fields.word()? as usize, fields.word()?);
        (len <= ENTRIES_MAX_BYTES).then_some(Self { sequence, len, checksum })
    }

    /// The checksum fits the copy's bytes, of which the first are this header.
    pub fn matches(&self, copy: &[u8]) -> bool {
        copy.get(TABLE_HEADER_BYTES..TABLE_HEADER_BYTES + self.len)
            .is_some_and(|entries| self.checksum == table_checksum(&copy[8..20], entries))
    }
}

fn table_checksum(header: &[u8], entries: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(header);
    digest.update(entries);
    digest.finalize()
}

/// A copy of the table, padded to whole blocks; `None` if the entries do not fit.
pub fn encode_table<'a>(
    sequence: u64,
    files: impl Iterator<Item = &'a File>,
) -> Result<Option<Vec<u8>>, TryReserveError> {
    let mut copy = Vec::new();
    copy.try_reserve(BLOCK_BYTES)?;
    copy.extend_from_slice(&TABLE_MAGIC);
    copy.extend_from_slice(&sequence.to_le_bytes());
    copy.extend_from_slice(&[0; 8]);
    for file in files {
        copy.try_reserve(256 + EXTENT_BYTES * file.extents.len())?;
        encode_file(file, &mut copy);
    }
    let len = copy.len() - TABLE_HEADER_BYTES;
    let Some(len_word) = u32::try_from(len).ok().filter(|_| len <= ENTRIES_MAX_BYTES) else { return Ok(None) };
    copy[16..20].copy_from_slice(&len_word.to_le_bytes());
    let checksum = table_checksum(&copy[8..20], &copy[TABLE_HEADER_BYTES..]);
    copy[20..24].copy_from_slice(&checksum.to_le_bytes());
    let padded = copy.len().next_multiple_of(BLOCK_BYTES);
    copy.try_reserve(padded - copy.len())?;
    copy.resize(padded, 0);
    Ok(Some(copy))
}

/// How many bytes of a table these files take.
pub fn entries_len<'a>(files: impl Iterator<Item = &'a File>) -> usize {
    files.map(|file| ENTRY_BYTES + file.name.as_str().len() + EXTENT_BYTES * file.extents.len()).sum()
}

/// Bytes of an entry without its name and extents.
const ENTRY_BYTES: usize = 10;
/// Bytes of an extent in an entry.
pub const EXTENT_BYTES: usize = 8;

fn encode_file(file: &File, into: &mut Vec<u8>) {
    let name = file.name.as_str().as_bytes();
    into.push(match file.state {
        State::Named => 1,
        State::Removed => 2,
    });
    into.push(u8::try_from(name.len()).unwrap_or(0));
    into.extend_from_slice(name);
    into.extend_from_slice(&file.len_bytes.to_le_bytes());
    into.extend_from_slice(&u32::try_from(file.extents.len()).unwrap_or(0).to_le_bytes());
    for extent in &file.extents {
        into.extend_from_slice(&extent.first.number().to_le_bytes());
        into.extend_from_slice(&extent.block_count.to_le_bytes());
    }
}

/// Reads the entries of a table one by one.
pub struct Entries<'a>(Fields<'a>);

impl<'a> Entries<'a> {
    /// A reader of these bytes.
    pub const fn new(entries: &'a [u8]) -> Self {
        Self(Fields(entries))
    }

    /// The next entry; `None` at the end.
    pub fn next_file(&mut self) -> Option<Result<File, Damage>> {
        if self.0.0.is_empty() { None } else { Some(self.decode().ok_or(Damage::BadEntry)) }
    }

    fn decode(&mut self) -> Option<File> {
        let fields = &mut self.0;
        let state = match fields.byte()? {
            1 => State::Named,
            2 => State::Removed,
            _ => return None,
        };
        let name_len = usize::from(fields.byte()?);
        let name = Name::new(core::str::from_utf8(fields.take(name_len)?).ok()?)?;
        let len_bytes = fields.word()?;
        let count = fields.word()? as usize;
        let mut extents = Vec::new();
        extents.try_reserve_exact(count.min(fields.0.len() / 8)).ok()?;
        for _ in 0..count {
            extents.push(Extent { first: BlockIndex::new(fields.word()?), block_count: fields.word()? });
        }
        Some(File { name, state, len_bytes, extents, openers: 0, has_losses: false })
    }
}

#[cfg(test)]
mod tests {
    use super::{encode_table, entries_len};
    use crate::block::{BlockIndex, Extent};
    use crate::layout::TABLE_HEADER_BYTES;
    use crate::table::{File, Name, State};

    #[test]
    fn entries_are_as_long_as_is_said() {
        let extent = Extent { first: BlockIndex::new(40), block_count: 1 };
        let file = |name, count| File {
            name: Name::new(name).unwrap(),
            state: State::Named,
            len_bytes: 0,
            extents: vec![extent; count],
            openers: 0,
            has_losses: false,
        };
        let files = [file("a", 0), file("a longer name", 1), file("ü", 300)];
        let copy = encode_table(1, files.iter()).unwrap().unwrap();
        let end = copy.iter().rposition(|&byte| byte != 0).unwrap();
        let len = entries_len(files.iter());
        // The last extent ends with the three upper bytes of 1.
        assert_eq!(TABLE_HEADER_BYTES + len, end + 4);
    }
}
