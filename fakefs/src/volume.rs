//! A file system together with its device, for a host that can wait: every operation is on the device when it returns.

use crate::block::{BLOCK_BYTES, BLOCK_SIZE, Block, BlockDevice};
use crate::commit::{Change, CommitStep};
use crate::error::{FsError, MountError, VolumeError};
use crate::file_system::FileSystem;
use crate::table::FileId;

/// A file system and its device. The kernel uses a [`FileSystem`] alone: there, contents are pages of memory, and commits wait.
pub struct Volume<D> {
    pub(crate) files: FileSystem,
    pub(crate) device: D,
}

impl<D: BlockDevice> Volume<D> {
    /// Makes an empty file system that fills the device.
    ///
    /// # Errors
    /// `DeviceTooSmall`, `Device`, `OutOfMemory`.
    pub fn format(mut device: D) -> Result<Self, MountError<D::Error>> {
        Ok(Self { files: FileSystem::format(&mut device)?, device })
    }

    /// Mounts the file system on the device.
    ///
    /// # Errors
    /// `Damaged` if there is no sound file system, `Device`, `OutOfMemory`.
    pub fn mount(mut device: D) -> Result<Self, MountError<D::Error>> {
        Ok(Self { files: FileSystem::mount(&mut device)?, device })
    }

    /// Everything that is known of the files.
    pub const fn files(&self) -> &FileSystem {
        &self.files
    }

    /// The device. What was written is on it.
    pub fn into_device(self) -> D {
        self.device
    }

    /// Makes an empty file.
    ///
    /// # Errors
    /// `Refused`, `Device`; there is no such file then.
    pub fn create(&mut self, name: &str) -> Result<FileId, VolumeError<D::Error>> {
        let id = self.files.create(name)?;
        let committed = self.commit(self.files.change_of(id));
        // A file that has its name by now stays.
        self.files.close(id)?;
        committed.map(|()| id)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// `Refused`, `Device`; the file is as it was then. If the device failed and the machine stops now, the file may be gone.
    pub fn remove(&mut self, name: &str) -> Result<(), VolumeError<D::Error>> {
        let id = self.files.lookup(name).ok_or(FsError::NoSuchFile)?;
        self.files.remove(id)?;
        self.commit(self.files.change_of(id)).inspect_err(|_| self.files.keep_name(id))
    }

    /// Gives a file at least `len_bytes` bytes, in blocks that follow each other if there are such. The new blocks are not written: their
    /// contents are whatever the device has.
    ///
    /// # Errors
    /// `Refused`: nothing has changed. `Device`: the file has the new length, and the device may not know it.
    pub fn preallocate(&mut self, id: FileId, len_bytes: u32) -> Result<(), VolumeError<D::Error>> {
        let change = self.files.preallocate(id, len_bytes)?;
        self.commit(change)
    }

    /// Reads from byte `offset` on, as many bytes as `buffer` holds. Returns the number of bytes read, 0 at the end of the file or past it.
    ///
    /// # Errors
    /// `Refused`, `Device`; the contents of `buffer` are unknown then.
    pub fn read_at(&mut self, id: FileId, offset: u32, buffer: &mut [u8]) -> Result<usize, VolumeError<D::Error>> {
        let rest = self.files.len_bytes(id)?.saturating_sub(offset) as usize;
        let len = buffer.len().min(rest);
        let mut done = 0;
        while done < len {
            let at = offset as usize + done;
            let (page, within) = (at / BLOCK_BYTES, at % BLOCK_BYTES);
            let count = (len - done).min(BLOCK_BYTES - within);
            let block = self.page(id, u32::try_from(page).map_err(|_| FsError::TooLong)?)?;
            buffer[done..done + count].copy_from_slice(&block.0[within..within + count]);
            done += count;
        }
        Ok(len)
    }

    /// Writes all of `data` from byte `offset` on. The file grows as needed. Bytes between its old end and `offset` become zeros.
    ///
    /// # Errors
    /// `Refused`: nothing has changed. `Device`: the bytes before the old end may have changed, and the length may have grown.
    pub fn write_at(&mut self, id: FileId, offset: u32, data: &[u8]) -> Result<(), VolumeError<D::Error>> {
        let end = u32::try_from(data.len()).ok().and_then(|len| offset.checked_add(len)).ok_or(FsError::TooLong)?;
        if data.is_empty() {
            return Ok(());
        }
        self.files.reserve(id, end)?;
        let written = self.put(id, offset, data);
        if written.is_ok() {
            self.files.grow(id, end);
            self.files.contents_saved(id, end);
        }
        self.files.end_reservation(id);
        self.files.trim(id);
        written?;
        self.commit(self.files.change_of(id))
    }

    /// Writes `data`, and zeros to all pages between the end of the file and `offset`. The file has blocks for all of it.
    fn put(&mut self, id: FileId, offset: u32, data: &[u8]) -> Result<(), VolumeError<D::Error>> {
        let end = u64::from(offset) + data.len() as u64;
        let first = (self.files.len_bytes(id)? / BLOCK_SIZE).min(offset / BLOCK_SIZE);
        for page in (first..).take_while(|&page| u64::from(page) * u64::from(BLOCK_SIZE) < end) {
            let mut block = self.page(id, page)?;
            let start = page as usize * BLOCK_BYTES;
            for (at, byte) in (start..).zip(&mut block.0) {
                if let Some(new) = at.checked_sub(offset as usize).and_then(|place| data.get(place)) {
                    *byte = *new;
                }
            }
            let place = self.files.block_of(id, page).ok_or(FsError::NoSuchFile)?;
            self.device.write(place, &[block]).map_err(VolumeError::Device)?;
        }
        Ok(())
    }

    /// A page of a file. Bytes past the end of the file are zeros.
    fn page(&mut self, id: FileId, page: u32) -> Result<Block, VolumeError<D::Error>> {
        let len = self.files.len_bytes(id)? as usize;
        let valid = len.saturating_sub(page as usize * BLOCK_BYTES).min(BLOCK_BYTES);
        let mut blocks = [Block::ZERO];
        if valid > 0 {
            let place = self.files.block_of(id, page).ok_or(FsError::NoSuchFile)?;
            self.device.read(place, &mut blocks).map_err(VolumeError::Device)?;
        }
        let [mut block] = blocks;
        block.0[valid..].fill(0);
        Ok(block)
    }

    /// Returns once a change, and everything written before, is on the device.
    fn commit(&mut self, change: Change) -> Result<(), VolumeError<D::Error>> {
        let done = match self.files.begin_commit(change) {
            CommitStep::Write(commit) => {
                let written = commit.write_to(&mut self.device);
                self.files.committed(commit, written)
            }
            // Each ticket is brought back before the next is asked for, so no other commit is under way.
            CommitStep::Saved | CommitStep::UnderWay => self.device.flush(),
        };
        done.map_err(VolumeError::Device)
    }
}
