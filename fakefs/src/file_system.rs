//! The file system: mounting, names, and the one way in which its table changes on disk.

use alloc::vec::Vec;

use crate::allocate::FreeMap;
use crate::block::{BLOCK_BYTES, BlockDevice, BlockIndex, Extent};
use crate::error::{Damage, FsError};
use crate::layout::{DATA_START, TABLE_HEADER_BYTES, TABLE_STARTS};
use crate::records::{Entries, TableHeader, decode_superblock, encode_superblock, encode_table};
use crate::table::{File, FileId, Name, State, Table};

/// A mounted file system.
pub struct FileSystem<D> {
    pub(crate) device: D,
    pub(crate) table: Table,
    pub(crate) free: FreeMap,
    /// The sequence number of the copy that counts.
    sequence: u64,
    /// Which copy counts.
    current: usize,
    /// Files have grown since the table was last written.
    pub(crate) has_grown: bool,
}

/// A file as listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its length.
    pub len_bytes: u32,
    /// Its id.
    pub id: FileId,
}

impl<D: BlockDevice> FileSystem<D> {
    /// Makes an empty file system that fills the device.
    ///
    /// # Errors
    /// `DeviceTooSmall`, `Device`, `OutOfMemory`.
    pub fn format(device: D) -> Result<Self, FsError<D::Error>> {
        let block_count = device.block_count();
        if block_count <= DATA_START {
            return Err(FsError::DeviceTooSmall);
        }
        let free = FreeMap::new(block_count)?;
        let mut files = Self { device, table: Table::default(), free, sequence: 0, current: 1, has_grown: false };
        // Both copies, so that an older file system's cannot come back to life. The superblock last: it makes them count.
        files.commit()?;
        files.commit()?;
        files.device.write(BlockIndex::new(0), &encode_superblock(block_count)).map_err(FsError::Device)?;
        files.device.flush().map_err(FsError::Device)?;
        Ok(files)
    }

    /// Reads and checks everything that is known of the files.
    ///
    /// # Errors
    /// `Damaged` if it is no sound file system, `Device`, `OutOfMemory`.
    pub fn mount(mut device: D) -> Result<Self, FsError<D::Error>> {
        if device.block_count() == 0 {
            return Err(Damage::NoSuperblock.into());
        }
        let mut block = [0; BLOCK_BYTES];
        device.read(BlockIndex::new(0), &mut block).map_err(FsError::Device)?;
        let block_count = decode_superblock(&block)?;
        if block_count > device.block_count() {
            return Err(Damage::CutShort.into());
        }
        if block_count <= DATA_START {
            return Err(Damage::NoSuperblock.into());
        }
        let mut newest: Option<TableCopy> = None;
        for index in 0..TABLE_STARTS.len() {
            if let Some(copy) = TableCopy::read(&mut device, index)?
                && newest.as_ref().is_none_or(|best| copy.header.sequence > best.header.sequence)
            {
                newest = Some(copy);
            }
        }
        let newest = newest.ok_or(Damage::NoTable)?;
        let (table, free) = build(newest.entries(), block_count)?;
        Ok(Self { device, table, free, sequence: newest.header.sequence, current: newest.index, has_grown: false })
    }

    /// Writes the table to the copy that does not count, which makes it count. Until that has happened the other does.
    pub(crate) fn commit(&mut self) -> Result<(), FsError<D::Error>> {
        let target = 1 - self.current;
        let files = self.table.iter().map(|(_, file)| file);
        let copy = encode_table(self.sequence + 1, files)?.ok_or(FsError::TableFull)?;
        self.device.flush().map_err(FsError::Device)?;
        self.device.write(BlockIndex::new(TABLE_STARTS[target]), &copy).map_err(FsError::Device)?;
        self.device.flush().map_err(FsError::Device)?;
        self.current = target;
        self.sequence += 1;
        self.has_grown = false;
        Ok(())
    }

    /// Makes an empty file.
    ///
    /// # Errors
    /// `BadName`, `AlreadyExists`, `TableFull`, `Device`, `OutOfMemory`.
    pub fn create(&mut self, name: &str) -> Result<FileId, FsError<D::Error>> {
        let name = Name::new(name).ok_or(FsError::BadName)?;
        if self.table.find(name.as_str()).is_some() {
            return Err(FsError::AlreadyExists);
        }
        let state = State::Named;
        let file = File { name, state, len_bytes: 0, extents: Vec::new(), openers: 0, has_losses: false };
        let id = self.table.add(file)?.ok_or(FsError::TableFull)?;
        self.commit().inspect_err(|_| drop(self.table.take(id)))?;
        Ok(id)
    }

    /// Opens a file: until it is closed as often, its contents stay even if its name is removed.
    ///
    /// # Errors
    /// `NoSuchFile`.
    pub fn open(&mut self, name: &str) -> Result<FileId, FsError<D::Error>> {
        let id = self.table.find(name).ok_or(FsError::NoSuchFile)?;
        if let Some(file) = self.table.get_mut(id) {
            file.openers = file.openers.saturating_add(1);
        }
        Ok(id)
    }

    /// Opens a file once more that somebody has open: its name may be gone.
    ///
    /// # Errors
    /// `NoSuchFile` if nobody has it open.
    pub fn open_again(&mut self, id: FileId) -> Result<(), FsError<D::Error>> {
        let file = self.table.get_mut(id).filter(|file| file.openers > 0).ok_or(FsError::NoSuchFile)?;
        file.openers = file.openers.saturating_add(1);
        Ok(())
    }

    /// Closes a file that was opened. The last one to close a removed file frees its blocks.
    ///
    /// # Errors
    /// `NoSuchFile` if it is not open.
    pub fn close(&mut self, id: FileId) -> Result<(), FsError<D::Error>> {
        let file = self.table.get_mut(id).filter(|file| file.openers > 0).ok_or(FsError::NoSuchFile)?;
        file.openers -= 1;
        if file.openers == 0 && file.state == State::Removed {
            self.forget(id);
        }
        Ok(())
    }

    /// Removes a name. The contents go too, once nobody has the file open.
    ///
    /// # Errors
    /// `NoSuchFile`, `Device`, `OutOfMemory`.
    pub fn remove(&mut self, name: &str) -> Result<(), FsError<D::Error>> {
        let id = self.table.find(name).ok_or(FsError::NoSuchFile)?;
        self.remove_file(id)
    }

    /// As [`remove`](Self::remove): removes the name of this file, and of no other that has the name by now.
    ///
    /// # Errors
    /// As there; `NoSuchFile` also if the file has lost its name already.
    pub fn remove_file(&mut self, id: FileId) -> Result<(), FsError<D::Error>> {
        self.table.get(id).filter(|file| file.state == State::Named).ok_or(FsError::NoSuchFile)?;
        self.set_state(id, State::Removed);
        if let Err(error) = self.commit() {
            self.set_state(id, State::Named);
            return Err(error);
        }
        if self.table.get(id).is_some_and(|file| file.openers == 0) {
            self.forget(id);
        }
        Ok(())
    }

    fn set_state(&mut self, id: FileId, state: State) {
        if let Some(file) = self.table.get_mut(id) {
            file.state = state;
        }
    }

    /// Frees a removed file. On disk it is marked as removed already, which mounting takes as gone.
    fn forget(&mut self, id: FileId) {
        for extent in self.table.take(id).into_iter().flat_map(|file| file.extents) {
            self.free.release(extent);
        }
    }

    /// The file that has this name.
    pub fn lookup(&self, name: &str) -> Option<FileId> {
        self.table.find(name)
    }

    /// The files that have names.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.table.iter().filter(|(_, file)| file.state == State::Named).map(|(id, file)| Entry {
            name: file.name.as_str(),
            len_bytes: file.len_bytes,
            id,
        })
    }

    /// A file's length.
    ///
    /// # Errors
    /// `NoSuchFile`.
    pub fn len_bytes(&self, id: FileId) -> Result<u32, FsError<D::Error>> {
        self.table.get(id).map(|file| file.len_bytes).ok_or(FsError::NoSuchFile)
    }

    /// Where a file's blocks lie, in the order of the file.
    ///
    /// # Errors
    /// `NoSuchFile`.
    pub fn extents(&self, id: FileId) -> Result<&[Extent], FsError<D::Error>> {
        self.table.get(id).map(|file| file.extents.as_slice()).ok_or(FsError::NoSuchFile)
    }

    /// The block that holds page `page_index` of a file.
    pub fn block_of(&self, id: FileId, page_index: u32) -> Option<BlockIndex> {
        self.table.get(id)?.block_of(page_index)
    }

    /// How many blocks are free.
    pub const fn free_blocks(&self) -> u32 {
        self.free.free_count()
    }

    /// The device.
    pub const fn device(&self) -> &D {
        &self.device
    }

    /// The device, to be changed.
    pub const fn device_mut(&mut self) -> &mut D {
        &mut self.device
    }

    /// The device, to itself again.
    pub fn into_device(self) -> D {
        self.device
    }
}

/// One copy of the table, as read.
struct TableCopy {
    index: usize,
    header: TableHeader,
    bytes: Vec<u8>,
}

impl TableCopy {
    /// Reads the copy of this index; `None` if it is damaged.
    fn read<D: BlockDevice>(device: &mut D, index: usize) -> Result<Option<Self>, FsError<D::Error>> {
        let start = TABLE_STARTS[index];
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(BLOCK_BYTES)?;
        bytes.resize(BLOCK_BYTES, 0);
        device.read(BlockIndex::new(start), &mut bytes).map_err(FsError::Device)?;
        let Some(header) = TableHeader::decode(&bytes) else { return Ok(None) };
        let len = (TABLE_HEADER_BYTES + header.len).next_multiple_of(BLOCK_BYTES);
        if len > BLOCK_BYTES {
            bytes.try_reserve_exact(len - BLOCK_BYTES)?;
            bytes.resize(len, 0);
            device.read(BlockIndex::new(start + 1), &mut bytes[BLOCK_BYTES..]).map_err(FsError::Device)?;
        }
        Ok(header.matches(&bytes).then_some(Self { index, header, bytes }))
    }

    fn entries(&self) -> &[u8] {
        &self.bytes[TABLE_HEADER_BYTES..][..self.header.len]
    }
}

/// Builds the table and the free map from a copy's entries, and checks that they make sense together.
fn build<E>(entries: &[u8], block_count: u32) -> Result<(Table, FreeMap), FsError<E>> {
    let mut table = Table::default();
    let mut free = FreeMap::new(block_count)?;
    let mut entries = Entries::new(entries);
    while let Some(file) = entries.next_file() {
        let file = file?;
        // A removed file was still open when the machine stopped; now it is not.
        if file.state == State::Removed {
            continue;
        }
        if file.blocks_needed() > file.block_count() {
            return Err(Damage::BadEntry.into());
        }
        if table.find(file.name.as_str()).is_some() {
            return Err(Damage::SharedName.into());
        }
        if !file.extents.iter().all(|&extent| free.claim(extent)) {
            return Err(Damage::SharedBlock.into());
        }
        table.add(file)?.ok_or(Damage::BadEntry)?;
    }
    Ok((table, free))
}
