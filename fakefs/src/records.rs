//! Records on the device: bytes in, values out, in one place.

use alloc::vec::Vec;

use crc::{CRC_32_ISO_HDLC, Crc, Table};

use crate::block::{BLOCK_BYTES, Block, BlockIndex, Extent};
use crate::error::Damage;
use crate::layout::{ENTRIES_MAX_BYTES, SUPERBLOCK_MAGIC, TABLE_HEADER_BYTES, TABLE_MAGIC, VERSION};
use crate::table::{File, Name, State};

static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

/// Where a header has the sequence number and the length of the entries.
const SEQUENCE_AND_LEN: core::ops::Range<usize> = 8..20;
/// Where a header has the checksum.
const CHECKSUM: core::ops::Range<usize> = 20..TABLE_HEADER_BYTES;

/// Bytes of an entry without its name and extents.
const ENTRY_BYTES: usize = 10;
/// Bytes of an extent in an entry.
const EXTENT_BYTES: usize = 8;

/// State of a named file in an entry.
const NAMED: u8 = 1;
/// State of a removed file in an entry that an older kernel wrote.
const REMOVED: u8 = 2;

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
pub fn encode_superblock(block_count: u32) -> Block {
    let mut block = Block::ZERO;
    let bytes = &mut block.0;
    bytes[0..8].copy_from_slice(&SUPERBLOCK_MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&block_count.to_le_bytes());
    let checksum = CRC.checksum(&bytes[..16]);
    bytes[16..20].copy_from_slice(&checksum.to_le_bytes());
    block
}

/// Reads a superblock; returns the number of blocks of the file system.
pub fn decode_superblock(block: &Block) -> Result<u32, Damage> {
    let mut fields = Fields(&block.0);
    if fields.take(8) != Some(&SUPERBLOCK_MAGIC) {
        return Err(Damage::NoSuperblock);
    }
    let (Some(version), Some(block_count), Some(checksum)) = (fields.word(), fields.word(), fields.word()) else {
        return Err(Damage::NoSuperblock);
    };
    if checksum != CRC.checksum(&block.0[..16]) {
        return Err(Damage::Checksum);
    }
    if version == VERSION { Ok(block_count) } else { Err(Damage::Version(version)) }
}

/// The header of a copy of the table.
#[derive(Clone, Copy)]
pub struct TableHeader {
    /// The number of the commit that has written the copy.
    pub sequence: u64,
    /// Bytes of entries.
    pub len: usize,
    checksum: u32,
}

impl TableHeader {
    /// Reads the header from a copy's first block; `None` if there is none.
    pub fn decode(block: &Block) -> Option<Self> {
        let mut fields = Fields(&block.0);
        if fields.take(8)? != TABLE_MAGIC {
            return None;
        }
        let (sequence, len, checksum) = (fields.wide()?, fields.word()? as usize, fields.word()?);
        (len <= ENTRIES_MAX_BYTES).then_some(Self { sequence, len, checksum })
    }

    /// The copy was written after the other one. The number 0 follows the highest one, so it is the distance that decides.
    pub const fn is_newer_than(&self, other: &Self) -> bool {
        self.sequence.wrapping_sub(other.sequence).cast_signed() > 0
    }

    /// Number of blocks of the copy.
    pub const fn block_count(&self) -> usize {
        (TABLE_HEADER_BYTES + self.len).div_ceil(BLOCK_BYTES)
    }

    /// The copy's header and entries match the checksum. `copy` is all of it.
    pub fn matches(&self, copy: &[u8]) -> bool {
        copy.get(TABLE_HEADER_BYTES..TABLE_HEADER_BYTES + self.len).is_some_and(|entries| {
            let mut digest = CRC.digest();
            digest.update(&copy[SEQUENCE_AND_LEN]);
            digest.update(entries);
            digest.finalize() == self.checksum
        })
    }
}

/// Writes bytes one after the other into blocks.
struct BlockWriter<'a> {
    blocks: &'a mut [Block],
    len: usize,
}

impl BlockWriter<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (index, within) = (self.len / BLOCK_BYTES, self.len % BLOCK_BYTES);
            let (part, others) = rest.split_at(rest.len().min(BLOCK_BYTES - within));
            self.blocks[index].0[within..within + part.len()].copy_from_slice(part);
            self.len += part.len();
            rest = others;
        }
    }

    /// Fills the last block with zeros; returns the number of blocks.
    fn finish(self) -> usize {
        let count = self.len.div_ceil(BLOCK_BYTES);
        if !self.len.is_multiple_of(BLOCK_BYTES) {
            self.blocks[count - 1].0[self.len % BLOCK_BYTES..].fill(0);
        }
        count
    }
}

/// Writes a copy of the table with the entries of these files into `blocks`. Returns the number of blocks it takes.
///
/// # Panics
/// If the entries do not fit. `create` and `reserve` refuse what would make them too long.
pub fn encode_table<'a>(sequence: u64, files: impl Iterator<Item = &'a File> + Clone, blocks: &mut [Block]) -> usize {
    let len = entries_len(files.clone());
    let Some(len_word) = u32::try_from(len).ok().filter(|_| len <= ENTRIES_MAX_BYTES) else {
        panic!("the table of files has {len} bytes of entries; {ENTRIES_MAX_BYTES} fit")
    };
    let mut out = BlockWriter { blocks, len: 0 };
    out.put(&TABLE_MAGIC);
    out.put(&sequence.to_le_bytes());
    out.put(&len_word.to_le_bytes());
    // The checksum comes here, once it is known.
    out.put(&[0; 4]);
    files.for_each(|file| encode_file(file, &mut |bytes| out.put(bytes)));
    let checksum = checksum_of(out.blocks, out.len);
    out.blocks[0].0[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
    out.finish()
}

/// The checksum of a copy of the table that has `len` bytes, header included: one pass over the blocks, since a checksum of many bytes at
/// once takes a third of the time.
fn checksum_of(blocks: &[Block], len: usize) -> u32 {
    let mut digest = CRC.digest();
    digest.update(&blocks[0].0[SEQUENCE_AND_LEN]);
    for (first, block) in (0..len).step_by(BLOCK_BYTES).zip(blocks) {
        let start = if first == 0 { TABLE_HEADER_BYTES } else { 0 };
        digest.update(&block.0[start..BLOCK_BYTES.min(len - first)]);
    }
    digest.finalize()
}

/// Number of bytes that the entries of these files take.
pub fn entries_len<'a>(files: impl Iterator<Item = &'a File>) -> usize {
    files.map(|file| entry_len(&file.name) + EXTENT_BYTES * file.extents.len()).sum()
}

/// Number of bytes of an entry without extents.
pub fn entry_len(name: &Name) -> usize {
    ENTRY_BYTES + name.as_str().len()
}

fn encode_file(file: &File, put: &mut impl FnMut(&[u8])) {
    let name = file.name.as_str().as_bytes();
    put(&[NAMED, u8::try_from(name.len()).unwrap_or(0)]);
    put(name);
    put(&file.saved_len.to_le_bytes());
    put(&u32::try_from(file.extents.len()).unwrap_or(0).to_le_bytes());
    for extent in &file.extents {
        put(&(u64::from(extent.first.number()) | u64::from(extent.block_count) << 32).to_le_bytes());
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
            NAMED => State::Named,
            REMOVED => State::Removed,
            _ => return None,
        };
        let name_len = usize::from(fields.byte()?);
        let name = Name::new(core::str::from_utf8(fields.take(name_len)?).ok()?)?;
        let len_bytes = fields.word()?;
        let count = fields.word()? as usize;
        let mut extents = Vec::new();
        extents.try_reserve_exact(count.min(fields.0.len() / EXTENT_BYTES)).ok()?;
        for _ in 0..count {
            extents.push(Extent { first: BlockIndex::new(fields.word()?), block_count: fields.word()? });
        }
        Some(File { len_bytes, saved_len: len_bytes, extents, ..File::new(name, state) })
    }
}

#[cfg(test)]
mod tests {
    use super::{TableHeader, encode_table, entries_len};
    use crate::block::{Block, BlockIndex, Extent};
    use crate::layout::{TABLE_BLOCKS, TABLE_HEADER_BYTES};
    use crate::table::{File, Name, State};

    #[test]
    fn length_of_entries_is_what_encoding_writes() {
        let extent = Extent { first: BlockIndex::new(40), block_count: 1 };
        let file =
            |name, count| File { extents: vec![extent; count], ..File::new(Name::new(name).unwrap(), State::Named) };
        let files = [file("a", 0), file("a longer name", 1), file("ü", 700)];
        // The blocks held another table before.
        let mut blocks = vec![Block([0xEE; 4096]); TABLE_BLOCKS as usize];
        let count = encode_table(1, files.iter(), &mut blocks);
        let copy: Vec<u8> = blocks[..count].iter().flat_map(|block| block.0).collect();
        let end = copy.iter().rposition(|&byte| byte != 0).unwrap();
        let len = entries_len(files.iter());
        // The last extent ends with the three upper bytes of 1.
        assert_eq!(TABLE_HEADER_BYTES + len, end + 4);
        let header = TableHeader::decode(&blocks[0]).unwrap();
        assert_eq!((header.len, header.block_count(), count), (len, count, 2));
        assert!(header.matches(&copy));
    }
}
