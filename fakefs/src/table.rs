//! The table of files, in memory.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use abi::layout::NAME_MAX_BYTES;

use crate::block::{BLOCK_SIZE, BlockIndex, Extent};
use crate::layout::MAX_FILES;

/// Names a file while it exists. An id of a file that is gone never names another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    slot: u16,
    generation: u16,
}

impl FileId {
    /// The id as one word.
    pub const fn to_raw(self) -> u32 {
        self.slot as u32 | (self.generation as u32) << 16
    }

    /// The id that [`to_raw`](Self::to_raw) turned into this word.
    pub const fn from_raw(raw: u32) -> Self {
        let [a, b, c, d] = raw.to_le_bytes();
        Self { slot: u16::from_le_bytes([a, b]), generation: u16::from_le_bytes([c, d]) }
    }
}

const NAME_BYTES: usize = NAME_MAX_BYTES as usize;

/// A valid file name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name {
    bytes: [u8; NAME_BYTES],
    len: usize,
}

impl Name {
    /// Checks a name: 1 to 55 bytes, no `/`, no control characters.
    pub fn new(text: &str) -> Option<Self> {
        if text.is_empty() || text.chars().any(|letter| letter == '/' || letter.is_control()) {
            return None;
        }
        let mut bytes = [0; NAME_BYTES];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, len: text.len() })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.len]).unwrap_or("")
    }
}

/// Whether a file can still be found by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can.
    Named,
    /// It was removed and lives only as long as somebody has it open.
    Removed,
}

/// What is known of a file.
pub struct File {
    pub name: Name,
    pub state: State,
    pub len_bytes: u32,
    /// Its blocks, in order. There may be more than its length needs.
    pub extents: Vec<Extent>,
    /// How often it is open. Not on disk.
    pub openers: u32,
    /// Changes of it are lost, and nobody was told yet. Not on disk.
    pub has_losses: bool,
}

impl File {
    /// How many blocks it has.
    pub fn block_count(&self) -> u32 {
        self.extents.iter().fold(0, |sum, extent| sum.saturating_add(extent.block_count))
    }

    /// The block that holds page `index` of the file.
    pub fn block_of(&self, index: u32) -> Option<BlockIndex> {
        let mut index = index;
        for extent in &self.extents {
            if index < extent.block_count {
                return Some(BlockIndex::new(extent.first.number() + index));
            }
            index -= extent.block_count;
        }
        None
    }

    /// How many blocks its length needs.
    pub const fn blocks_needed(&self) -> u32 {
        self.len_bytes.div_ceil(BLOCK_SIZE)
    }

    pub fn try_clone(&self) -> Result<Self, TryReserveError> {
        let mut extents = Vec::new();
        extents.try_reserve_exact(self.extents.len())?;
        extents.extend_from_slice(&self.extents);
        Ok(Self { extents, ..*self })
    }
}

/// All files, each in a slot of its own.
#[derive(Default)]
pub struct Table {
    slots: Vec<(u16, Option<File>)>,
}

impl Table {
    /// Adds a file; `None` if there are [`MAX_FILES`].
    pub fn add(&mut self, file: File) -> Result<Option<FileId>, TryReserveError> {
        let place = self.slots.iter().position(|(_, file)| file.is_none()).unwrap_or(self.slots.len());
        let Some(slot) = u16::try_from(place).ok().filter(|_| place < MAX_FILES) else { return Ok(None) };
        if place == self.slots.len() {
            self.slots.try_reserve(1)?;
            self.slots.push((0, None));
        }
        let (generation, entry) = &mut self.slots[place];
        *generation = generation.wrapping_add(1);
        *entry = Some(file);
        Ok(Some(FileId { slot, generation: *generation }))
    }

    /// Takes a file out.
    pub fn take(&mut self, id: FileId) -> Option<File> {
        self.slots.get_mut(usize::from(id.slot)).filter(|slot| slot.0 == id.generation)?.1.take()
    }

    /// Puts a file back where [`take`](Self::take) took it from, or another in its place.
    pub fn put(&mut self, id: FileId, file: File) {
        if let Some(slot) = self.slots.get_mut(usize::from(id.slot)) {
            slot.1 = Some(file);
        }
    }

    /// The file with this id.
    pub fn get(&self, id: FileId) -> Option<&File> {
        self.slots.get(usize::from(id.slot)).filter(|slot| slot.0 == id.generation)?.1.as_ref()
    }

    /// The file with this id.
    pub fn get_mut(&mut self, id: FileId) -> Option<&mut File> {
        self.slots.get_mut(usize::from(id.slot)).filter(|slot| slot.0 == id.generation)?.1.as_mut()
    }

    /// All files, removed ones included.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &File)> {
        (0..)
            .zip(&self.slots)
            .filter_map(|(slot, (generation, file))| Some((FileId { slot, generation: *generation }, file.as_ref()?)))
    }

    /// All files, removed ones included, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut File> {
        self.slots.iter_mut().filter_map(|(_, file)| file.as_mut())
    }

    /// The file that has this name.
    pub fn find(&self, name: &str) -> Option<FileId> {
        let mut named = self.iter().filter(|(_, file)| file.state == State::Named);
        named.find(|(_, file)| file.name.as_str() == name).map(|(id, _)| id)
    }
}
