//! Reading and writing what is in files.

use crate::block::{BLOCK_BYTES, BLOCK_SIZE, BlockDevice, BlockIndex};
use crate::error::FsError;
use crate::file_system::FileSystem;
use crate::layout::ENTRIES_MAX_BYTES;
use crate::records::{EXTENT_BYTES, entries_len};
use crate::table::{File, FileId};

impl<D: BlockDevice> FileSystem<D> {
    /// Reads from byte `offset` on, as many bytes as `buffer` holds; returns how many there were, 0 at the end of the file or behind it.
    ///
    /// # Errors
    /// `NoSuchFile`, `Device`; what is in `buffer` then is not known.
    pub fn read_at(&mut self, id: FileId, offset: u32, buffer: &mut [u8]) -> Result<usize, FsError<D::Error>> {
        let file = self.table.get(id).ok_or(FsError::NoSuchFile)?;
        let rest = file.len_bytes.saturating_sub(offset) as usize;
        let len = buffer.len().min(rest);
        let mut done = 0;
        while done < len {
            let at = offset as usize + done;
            let (index, within) = (at / BLOCK_BYTES, at % BLOCK_BYTES);
            let block = page(file, index)?;
            let part = &mut buffer[done..len];
            if within == 0 && part.len() >= BLOCK_BYTES {
                // Whole blocks that follow each other on disk are read at once.
                let count = run_len(file, index, part.len() / BLOCK_BYTES);
                let bytes = &mut part[..count * BLOCK_BYTES];
                self.device.read(block, bytes).map_err(FsError::Device)?;
                done += bytes.len();
            } else {
                let mut whole = [0; BLOCK_BYTES];
                self.device.read(block, &mut whole).map_err(FsError::Device)?;
                let count = part.len().min(BLOCK_BYTES - within);
                part[..count].copy_from_slice(&whole[within..within + count]);
                done += count;
            }
        }
        Ok(len)
    }

    /// Writes all of `data` from byte `offset` on; the file grows as needed, and what lies between its old end and `offset` reads as
    /// zeros. Returns the number of bytes written, which is all of them.
    ///
    /// What is written over existing contents is not undone if the device fails in the middle.
    ///
    /// # Errors
    /// `NoSuchFile`, `TooLong`, `Full`, `TableFull`, `Device`, `OutOfMemory`; the file's length is as before then.
    pub fn write_at(&mut self, id: FileId, offset: u32, data: &[u8]) -> Result<usize, FsError<D::Error>> {
        let len = u32::try_from(data.len()).map_err(|_| FsError::TooLong)?;
        let end = offset.checked_add(len).ok_or(FsError::TooLong)?;
        let old = self.table.get(id).ok_or(FsError::NoSuchFile)?.try_clone()?;
        if data.is_empty() {
            return Ok(0);
        }
        let mut grown = old.try_clone()?;
        if end > old.len_bytes {
            self.extend(&mut grown, end.div_ceil(BLOCK_SIZE))?;
            grown.len_bytes = end;
        }
        let written = self
            .fill_gap(&grown, old.len_bytes, offset)
            .and_then(|()| self.put_bytes(&grown, offset, data, old.len_bytes));
        if let Err(error) = written {
            self.shrink(&grown, &old);
            return Err(error);
        }
        if grown.len_bytes != old.len_bytes || grown.extents != old.extents {
            self.replace(id, old, grown)?;
        }
        Ok(data.len())
    }

    /// Gives a file `len_bytes` bytes, in blocks that follow each other where that can be had. The new blocks are not written: they
    /// hold whatever they held.
    ///
    /// # Errors
    /// `NoSuchFile`, `Full`, `TableFull`, `Device`, `OutOfMemory`; the file is as before then.
    pub fn preallocate(&mut self, id: FileId, len_bytes: u32) -> Result<(), FsError<D::Error>> {
        let old = self.table.get(id).ok_or(FsError::NoSuchFile)?.try_clone()?;
        let mut grown = old.try_clone()?;
        self.extend(&mut grown, len_bytes.div_ceil(BLOCK_SIZE))?;
        grown.len_bytes = old.len_bytes.max(len_bytes);
        self.replace(id, old, grown)
    }

    /// Gives a file the blocks that `len_bytes` bytes need, in memory only; its length stays.
    ///
    /// # Errors
    /// `NoSuchFile`, `Full`, `TableFull`, `OutOfMemory`; the file is as before then.
    pub fn reserve(&mut self, id: FileId, len_bytes: u32) -> Result<(), FsError<D::Error>> {
        let mut grown = self.table.get(id).ok_or(FsError::NoSuchFile)?.try_clone()?;
        if len_bytes.div_ceil(BLOCK_SIZE) > grown.block_count() {
            self.extend(&mut grown, len_bytes.div_ceil(BLOCK_SIZE))?;
            self.table.put(id, grown);
        }
        Ok(())
    }

    /// Gives a file `len_bytes` bytes, as [`preallocate`](Self::preallocate) does, but in memory only: on disk it has grown once the
    /// table was written, by [`commit_growth`](Self::commit_growth) or by any other change. A file never gets shorter.
    ///
    /// # Errors
    /// `NoSuchFile`, `Full`, `TableFull`, `OutOfMemory`; the file is as before then.
    pub fn grow(&mut self, id: FileId, len_bytes: u32) -> Result<(), FsError<D::Error>> {
        let mut grown = self.table.get(id).ok_or(FsError::NoSuchFile)?.try_clone()?;
        if len_bytes > grown.len_bytes {
            self.extend(&mut grown, len_bytes.div_ceil(BLOCK_SIZE))?;
            grown.len_bytes = len_bytes;
            self.table.put(id, grown);
            self.has_grown = true;
        }
        Ok(())
    }

    /// Writes the table if files have grown since it was last written.
    ///
    /// # Errors
    /// `TableFull`, `Device`, `OutOfMemory`; the files have grown in memory still, and the next call tries again.
    pub fn commit_growth(&mut self) -> Result<(), FsError<D::Error>> {
        if self.has_grown { self.commit() } else { Ok(()) }
    }

    /// Puts `new` in the place of `old`, on disk too, or undoes it.
    fn replace(&mut self, id: FileId, old: File, new: File) -> Result<(), FsError<D::Error>> {
        let kept = new.try_clone()?;
        self.table.put(id, new);
        self.commit().inspect_err(|_| {
            self.shrink(&kept, &old);
            self.table.put(id, old);
        })
    }

    /// Gives `file`, a copy of one in the table, blocks until it has `wanted`; none if there are not enough, or if the table could not be
    /// written any more.
    fn extend(&mut self, file: &mut File, wanted: u32) -> Result<(), FsError<D::Error>> {
        let before = file.try_clone()?;
        let mut missing = wanted.saturating_sub(file.block_count());
        if missing > self.free.free_count() {
            return Err(FsError::Full);
        }
        while missing > 0 {
            let last = file.extents.last().copied();
            let reserved = file.extents.try_reserve(1);
            let found = reserved.ok().and_then(|()| self.free.find(missing, last.and_then(|extent| extent.end())));
            let Some(extent) = found else {
                self.shrink(file, &before);
                return Err(FsError::Full);
            };
            missing -= extent.block_count;
            match file.extents.last_mut() {
                Some(last) if last.end() == Some(extent.first.number()) => last.block_count += extent.block_count,
                _ => file.extents.push(extent),
            }
        }
        let new_bytes = EXTENT_BYTES * (file.extents.len() - before.extents.len());
        if new_bytes > 0 && entries_len(self.table.iter().map(|(_, file)| file)) + new_bytes > ENTRIES_MAX_BYTES {
            self.shrink(file, &before);
            return Err(FsError::TableFull);
        }
        Ok(())
    }

    /// Frees the blocks that `grown` has and `old` has not: those behind `old`'s.
    fn shrink(&mut self, grown: &File, old: &File) {
        for index in old.block_count()..grown.block_count() {
            if let Some(first) = grown.block_of(index) {
                self.free.release(crate::Extent { first, block_count: 1 });
            }
        }
    }

    /// Writes zeros to the blocks wholly between the old end of a file and `offset`.
    fn fill_gap(&mut self, file: &File, old_len: u32, offset: u32) -> Result<(), FsError<D::Error>> {
        for index in old_len.div_ceil(BLOCK_SIZE)..offset / BLOCK_SIZE {
            let block = page(file, index as usize)?;
            self.device.write(block, &[0; BLOCK_BYTES]).map_err(FsError::Device)?;
        }
        Ok(())
    }

    fn put_bytes(&mut self, file: &File, offset: u32, data: &[u8], old_len: u32) -> Result<(), FsError<D::Error>> {
        let mut done = 0;
        while done < data.len() {
            let at = offset as usize + done;
            let (index, within) = (at / BLOCK_BYTES, at % BLOCK_BYTES);
            let block = page(file, index)?;
            let part = &data[done..];
            if within == 0 && part.len() >= BLOCK_BYTES {
                let count = run_len(file, index, part.len() / BLOCK_BYTES);
                self.device.write(block, &part[..count * BLOCK_BYTES]).map_err(FsError::Device)?;
                done += count * BLOCK_BYTES;
            } else {
                let mut whole = [0; BLOCK_BYTES];
                if index * BLOCK_BYTES < old_len as usize {
                    self.device.read(block, &mut whole).map_err(FsError::Device)?;
                }
                let count = part.len().min(BLOCK_BYTES - within);
                whole[within..within + count].copy_from_slice(&part[..count]);
                self.device.write(block, &whole).map_err(FsError::Device)?;
                done += count;
            }
        }
        Ok(())
    }
}

fn page<E>(file: &File, index: usize) -> Result<BlockIndex, FsError<E>> {
    let index = u32::try_from(index).map_err(|_| FsError::TooLong)?;
    file.block_of(index).ok_or(FsError::NoSuchFile)
}

/// How many of the `wanted` pages of a file from `index` on follow each other on disk; at least 1.
fn run_len(file: &File, index: usize, wanted: usize) -> usize {
    let block = |page: usize| u32::try_from(page).ok().and_then(|page| file.block_of(page));
    let follows =
        |&page: &usize| block(page + 1).zip(block(page)).is_some_and(|(next, this)| next.number() == this.number() + 1);
    1 + (index..index + wanted - 1).take_while(follows).count()
}
