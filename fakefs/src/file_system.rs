//! The file system in memory: names, and who has a file open.

use crate::allocate::FreeMap;
use crate::block::{BlockIndex, Extent};
use crate::commit::Commits;
use crate::error::FsError;
use crate::layout::ENTRIES_MAX_BYTES;
use crate::records::{entries_len, entry_len};
use crate::table::{File, FileId, Name, State, Table};

/// A mounted file system: all that is known of the files, in memory. It does no I/O: a [`Commit`](crate::Commit) gets its changes onto
/// the device.
pub struct FileSystem {
    pub(crate) table: Table,
    pub(crate) free: FreeMap,
    pub(crate) commits: Commits,
}

/// A file as listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Name of the file.
    pub name: &'a str,
    /// Length of the file.
    pub len_bytes: u32,
    /// Id of the file.
    pub id: FileId,
}

impl<'a> Entry<'a> {
    /// The entry of a file, if it has a name.
    fn of(id: FileId, file: &'a File) -> Option<Self> {
        let entry = Self { name: file.name.as_str(), len_bytes: file.len_bytes, id };
        file.state.is_listed().then_some(entry)
    }
}

impl FileSystem {
    /// Makes an empty file and opens it. It has its name once the change is [committed](Self::begin_commit). If that fails, closing the
    /// file takes it back.
    ///
    /// # Errors
    /// `BadName`, `AlreadyExists`, `TableFull`, `OutOfMemory`.
    pub fn create(&mut self, name: &str) -> Result<FileId, FsError> {
        let name = Name::new(name).ok_or(FsError::BadName)?;
        if self.table.find(name.as_str(), State::takes_name).is_some() {
            return Err(FsError::AlreadyExists);
        }
        if entries_len(self.table.with_entries()) + entry_len(&name) > ENTRIES_MAX_BYTES {
            return Err(FsError::TableFull);
        }
        let file = File { openers: 1, ..File::new(name, State::Arriving) };
        let id = self.table.add(file)?.ok_or(FsError::TableFull)?;
        self.note_change(id);
        Ok(id)
    }

    /// Opens a file. Its contents stay until it is closed as often as it was opened, even if its name is removed.
    ///
    /// # Errors
    /// `NoSuchFile`.
    pub fn open(&mut self, name: &str) -> Result<FileId, FsError> {
        let id = self.lookup(name).ok_or(FsError::NoSuchFile)?;
        if let Some(file) = self.table.get_mut(id) {
            file.openers = file.openers.saturating_add(1);
        }
        Ok(id)
    }

    /// Opens a file once more that is open. Its name may be gone.
    ///
    /// # Errors
    /// `NoSuchFile` if the file is not open.
    pub fn open_again(&mut self, id: FileId) -> Result<(), FsError> {
        let file = self.table.get_mut(id).filter(|file| file.openers > 0).ok_or(FsError::NoSuchFile)?;
        file.openers = file.openers.saturating_add(1);
        Ok(())
    }

    /// Closes a file that was opened. The last close of a removed file frees its blocks.
    ///
    /// # Errors
    /// `NoSuchFile` if the file is not open.
    pub fn close(&mut self, id: FileId) -> Result<(), FsError> {
        let file = self.table.get_mut(id).filter(|file| file.openers > 0).ok_or(FsError::NoSuchFile)?;
        let is_last = file.ends_with_close();
        file.openers -= 1;
        if is_last {
            self.forget(id);
        }
        Ok(())
    }

    /// Returns whether the next [`close`](Self::close) of the file frees its blocks: the file has no name and one opener.
    pub fn ends_with_close(&self, id: FileId) -> bool {
        self.table.get(id).is_some_and(File::ends_with_close)
    }

    /// Marks the name of a file for removal. The name is gone once the change is [committed](Self::begin_commit). Until then the file
    /// can be opened, and no other can have its name. The contents go with the last close after that.
    ///
    /// # Errors
    /// `NoSuchFile` if the file has no name any more.
    pub fn remove(&mut self, id: FileId) -> Result<(), FsError> {
        let file = self.table.get_mut(id).filter(|file| file.state.is_listed()).ok_or(FsError::NoSuchFile)?;
        if file.state == State::Named {
            file.state = State::Leaving;
            self.note_change(id);
        }
        Ok(())
    }

    /// Takes a removal back that could not be committed.
    pub fn keep_name(&mut self, id: FileId) {
        if let Some(file) = self.table.get_mut(id).filter(|file| file.state == State::Leaving) {
            file.state = State::Named;
            // The table without the name may be on the device.
            self.note_change(id);
        }
    }

    /// The file has its name, or has it still.
    pub fn has_name(&self, id: FileId) -> bool {
        self.table.get(id).is_some_and(|file| file.state.takes_name())
    }

    /// Frees a file. The table on the device does not have it, or has it only since a commit failed.
    pub(crate) fn forget(&mut self, id: FileId) {
        let Some(file) = self.table.take(id) else { return };
        if file.state == State::Arriving {
            // The table with the name may be on the device.
            self.commits.next_change();
        }
        file.extents.into_iter().for_each(|extent| self.free.release(extent));
    }

    /// The file that has this name.
    pub fn lookup(&self, name: &str) -> Option<FileId> {
        self.table.find(name, State::is_listed)
    }

    /// The files that have names.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.table.iter().filter_map(|(id, file)| Entry::of(id, file))
    }

    /// The file in this place of the table, `0..MAX_FILES`, if it has a name. A file keeps its place.
    pub fn entry_at(&self, place: usize) -> Option<Entry<'_>> {
        self.table.at(place).and_then(|(id, file)| Entry::of(id, file))
    }

    /// Length of a file.
    ///
    /// # Errors
    /// `NoSuchFile`.
    pub fn len_bytes(&self, id: FileId) -> Result<u32, FsError> {
        self.table.get(id).map(|file| file.len_bytes).ok_or(FsError::NoSuchFile)
    }

    /// Runs of blocks that a file has, in the order of the file.
    ///
    /// # Errors
    /// `NoSuchFile`.
    pub fn extents(&self, id: FileId) -> Result<&[Extent], FsError> {
        self.table.get(id).map(|file| file.extents.as_slice()).ok_or(FsError::NoSuchFile)
    }

    /// The block that holds page `page_index` of a file.
    pub fn block_of(&self, id: FileId, page_index: u32) -> Option<BlockIndex> {
        self.table.get(id)?.block_of(page_index)
    }

    /// The blocks that hold page `page_index` of a file and those pages after it which follow it on the device.
    pub fn run_at(&self, id: FileId, page_index: u32) -> Option<Extent> {
        self.table.get(id)?.run_at(page_index)
    }

    /// Number of free blocks.
    pub const fn free_blocks(&self) -> u32 {
        self.free.free_count()
    }
}
