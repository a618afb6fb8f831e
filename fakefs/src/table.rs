//! The table of files, in memory.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use abi::layout::NAME_MAX_BYTES;

use crate::block::{BLOCK_SIZE, BlockIndex, Extent};
use crate::commit::Change;
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

/// The life of a name. A commit changes `Arriving` to `Named`, and `Leaving` to `Removed`: see `commit.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The file was made, and no commit has written its name yet. Nobody can open it by its name.
    Arriving,
    /// The file has its name, in memory and in the table on the device.
    Named,
    /// The removal of the name has begun, and the table on the device still has it. The file can be opened until the commit.
    Leaving,
    /// The table on the device does not have the name. The file lives until its last user closes it.
    Removed,
}

impl State {
    /// The next commit writes an entry of the file.
    pub const fn is_written(self) -> bool {
        matches!(self, Self::Arriving | Self::Named)
    }

    /// The file can be opened by its name.
    pub const fn is_listed(self) -> bool {
        matches!(self, Self::Named | Self::Leaving)
    }

    /// No other file may have the name.
    pub const fn takes_name(self) -> bool {
        !matches!(self, Self::Removed)
    }
}

/// A file, as it is known in memory.
pub struct File {
    pub name: Name,
    pub state: State,
    /// Length of the file for its users.
    pub len_bytes: u32,
    /// Length of the file in the next table on the device: its contents up to here are on the device.
    pub saved_len: u32,
    /// Blocks of the file, in order. There may be more than the length needs.
    pub extents: Vec<Extent>,
    /// Number of users that have the file open. Not on the device.
    pub openers: u32,
    /// Number of writers that have reserved blocks past the length. Not on the device.
    pub reservers: u32,
    /// Changes of the file are lost, and no caller has learned of it yet. Not on the device.
    pub has_losses: bool,
    /// The latest change of the file's entry in the table. Not on the device.
    pub change: Change,
}

impl File {
    /// A file without blocks.
    pub const fn new(name: Name, state: State) -> Self {
        Self {
            name,
            state,
            len_bytes: 0,
            saved_len: 0,
            extents: Vec::new(),
            openers: 0,
            reservers: 0,
            has_losses: false,
            change: Change::NONE,
        }
    }

    /// Returns whether the next close frees the file's blocks.
    pub const fn ends_with_close(&self) -> bool {
        self.openers == 1 && matches!(self.state, State::Removed | State::Arriving)
    }

    /// Number of blocks of the file.
    pub fn block_count(&self) -> u32 {
        self.extents.iter().fold(0, |sum, extent| sum.saturating_add(extent.block_count))
    }

    /// The block that holds page `index` of the file.
    pub fn block_of(&self, index: u32) -> Option<BlockIndex> {
        self.run_at(index).map(|run| run.first)
    }

    /// The blocks that hold this page and those after it which follow it on the device.
    pub fn run_at(&self, index: u32) -> Option<Extent> {
        let mut index = index;
        for extent in &self.extents {
            if index < extent.block_count {
                let first = BlockIndex::new(extent.first.number() + index);
                return Some(Extent { first, block_count: extent.block_count - index });
            }
            index -= extent.block_count;
        }
        None
    }

    /// Number of blocks that the length needs.
    pub const fn blocks_needed(&self) -> u32 {
        self.len_bytes.div_ceil(BLOCK_SIZE)
    }

    /// Takes away all blocks after the first `kept`, and calls `free` for each run of them.
    pub fn truncate(&mut self, kept: u32, mut free: impl FnMut(Extent)) {
        let mut before = 0;
        self.extents.retain_mut(|extent| {
            let stays = kept.saturating_sub(before).min(extent.block_count);
            before = before.saturating_add(extent.block_count);
            if stays < extent.block_count {
                let first = BlockIndex::new(extent.first.number().saturating_add(stays));
                free(Extent { first, block_count: extent.block_count - stays });
            }
            extent.block_count = stays;
            stays > 0
        });
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

    /// The file with this id.
    pub fn get(&self, id: FileId) -> Option<&File> {
        self.slots.get(usize::from(id.slot)).filter(|slot| slot.0 == id.generation)?.1.as_ref()
    }

    /// The file with this id.
    pub fn get_mut(&mut self, id: FileId) -> Option<&mut File> {
        self.slots.get_mut(usize::from(id.slot)).filter(|slot| slot.0 == id.generation)?.1.as_mut()
    }

    /// The file in this place.
    pub fn at(&self, place: usize) -> Option<(FileId, &File)> {
        let (generation, file) = self.slots.get(place)?;
        Some((FileId { slot: u16::try_from(place).ok()?, generation: *generation }, file.as_ref()?))
    }

    /// All files, removed ones included.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &File)> + Clone {
        (0..self.slots.len()).filter_map(|place| self.at(place))
    }

    /// All files, removed ones included, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (FileId, &mut File)> {
        (0..)
            .zip(&mut self.slots)
            .filter_map(|(slot, (generation, file))| Some((FileId { slot, generation: *generation }, file.as_mut()?)))
    }

    /// The file that has this name, in a state that `counts`.
    pub fn find(&self, name: &str, counts: impl Fn(State) -> bool) -> Option<FileId> {
        let mut candidates = self.iter().filter(|(_, file)| counts(file.state));
        candidates.find(|(_, file)| file.name.as_str() == name).map(|(id, _)| id)
    }

    /// The files that the next table on the device has, or may have if a removal fails.
    pub fn with_entries(&self) -> impl Iterator<Item = &File> {
        self.iter().map(|(_, file)| file).filter(|file| file.state.takes_name())
    }
}
