//! Lengths of files, and the blocks that a longer file needs.
//!
//! A writer first reserves blocks, then puts bytes into the file's pages, and then lets the file grow over them. Growing needs no memory
//! and cannot fail. A file has two lengths: one for its users, and one for the next table on the device, which grows only when
//! the contents have been written there. A machine that stops never leaves a file with bytes that were not written to it.

use crate::block::{BLOCK_SIZE, Extent};
use crate::commit::Change;
use crate::error::FsError;
use crate::file_system::FileSystem;
use crate::layout::ENTRIES_MAX_BYTES;
use crate::records::entries_len;
use crate::table::{File, FileId};

impl FileSystem {
    /// Reserves the blocks that a file of `len_bytes` bytes needs, for one writer. The length stays. Blocks that follow each other are
    /// taken if there are such.
    ///
    /// # Errors
    /// `NoSuchFile`, `Full`, `TableFull`, `OutOfMemory`; nothing is reserved then.
    pub fn reserve(&mut self, id: FileId, len_bytes: u32) -> Result<(), FsError> {
        let kept = self.file(id)?.block_count();
        if let Err(error) = self.extend(id, len_bytes.div_ceil(BLOCK_SIZE)) {
            self.shrink(id, kept);
            return Err(error);
        }
        if let Some(file) = self.table.get_mut(id) {
            file.reservers += 1;
        }
        Ok(())
    }

    /// Makes a file `len_bytes` bytes long without writing to it. The contents of its new blocks
    /// are whatever the device has. A file never gets shorter. Returns the change, to be
    /// [committed](Self::begin_commit).
    ///
    /// # Errors
    /// `NoSuchFile`, `Full`, `TableFull`, `OutOfMemory`; nothing has changed then.
    pub fn preallocate(&mut self, id: FileId, len_bytes: u32) -> Result<Change, FsError> {
        self.reserve(id, len_bytes)?;
        self.grow(id, len_bytes);
        self.contents_saved(id, len_bytes);
        self.end_reservation(id);
        Ok(self.change_of(id))
    }

    /// Ends one reservation. Blocks past the length stay the file's until [`trim`](Self::trim).
    pub fn end_reservation(&mut self, id: FileId) {
        if let Some(file) = self.table.get_mut(id) {
            file.reservers = file.reservers.saturating_sub(1);
        }
    }

    /// The first page past the length of a file, if the file has blocks there and no writer has reserved them.
    pub fn surplus(&self, id: FileId) -> Option<u32> {
        let file = self.table.get(id).filter(|file| file.reservers == 0)?;
        (file.block_count() > file.blocks_needed()).then(|| file.blocks_needed())
    }

    /// Frees the [`surplus`](Self::surplus) of a file. No page past the length may be on its way to the device.
    pub fn trim(&mut self, id: FileId) {
        if let Some(kept) = self.surplus(id) {
            self.shrink(id, kept);
        }
    }

    /// Makes a file `len_bytes` bytes long, as far as its blocks reach. A file never gets shorter. The device does not know until
    /// [`contents_saved`](Self::contents_saved).
    pub fn grow(&mut self, id: FileId, len_bytes: u32) {
        if let Some(file) = self.table.get_mut(id) {
            let reach = file.block_count().saturating_mul(BLOCK_SIZE);
            debug_assert!(len_bytes <= reach, "{len_bytes} bytes were not reserved");
            file.len_bytes = file.len_bytes.max(len_bytes.min(reach));
        }
    }

    /// The first `len_bytes` bytes of a file are on the device: the next table may say so.
    pub fn contents_saved(&mut self, id: FileId, len_bytes: u32) {
        let Some(file) = self.table.get_mut(id) else { return };
        let len_bytes = len_bytes.min(file.len_bytes);
        if len_bytes > file.saved_len {
            file.saved_len = len_bytes;
            if file.state.is_written() {
                self.note_change(id);
            }
        }
    }

    /// A file has grown since its contents were [saved](Self::contents_saved).
    pub fn has_unsaved_length(&self, id: FileId) -> bool {
        self.table.get(id).is_some_and(|file| file.len_bytes > file.saved_len)
    }

    fn file(&self, id: FileId) -> Result<&File, FsError> {
        self.table.get(id).ok_or(FsError::NoSuchFile)
    }

    /// Gives a file blocks until it has `wanted`. If that fails some may have been added.
    fn extend(&mut self, id: FileId, wanted: u32) -> Result<(), FsError> {
        let mut missing = wanted.saturating_sub(self.file(id)?.block_count());
        if missing > self.free.free_count() {
            return Err(FsError::Full);
        }
        while missing > 0 {
            let file = self.table.get_mut(id).ok_or(FsError::NoSuchFile)?;
            file.extents.try_reserve(1)?;
            let end = file.extents.last().and_then(Extent::end);
            let extent = self.free.find(missing, end).ok_or(FsError::Full)?;
            missing -= extent.block_count;
            match file.extents.last_mut() {
                Some(last) if end == Some(extent.first.number()) => last.block_count += extent.block_count,
                _ => file.extents.push(extent),
            }
            if end != Some(extent.first.number()) && entries_len(self.table.with_entries()) > ENTRIES_MAX_BYTES {
                return Err(FsError::TableFull);
            }
        }
        Ok(())
    }

    /// Frees the blocks of a file after the first `kept`.
    fn shrink(&mut self, id: FileId, kept: u32) {
        let free = &mut self.free;
        if let Some(file) = self.table.get_mut(id) {
            file.truncate(kept, |extent| free.release(extent));
        }
    }
}
