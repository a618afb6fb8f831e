//! Mounting: everything that the device says of the files is read and checked once. And making an empty file system.

use alloc::vec::Vec;

use crate::allocate::FreeMap;
use crate::block::{Block, BlockDevice, BlockIndex};
use crate::commit::{CommitStep, Commits};
use crate::error::{Damage, MountError};
use crate::file_system::FileSystem;
use crate::layout::{DATA_START, TABLE_BLOCKS, TABLE_HEADER_BYTES, TABLE_STARTS};
use crate::records::{Entries, TableHeader, decode_superblock, encode_superblock};
use crate::table::{State, Table};

impl FileSystem {
    /// Makes an empty file system that fills the device.
    ///
    /// # Errors
    /// `DeviceTooSmall`, `Device`, `OutOfMemory`.
    pub fn format<D: BlockDevice>(device: &mut D) -> Result<Self, MountError<D::Error>> {
        let block_count = device.block_count();
        if block_count <= DATA_START {
            return Err(MountError::DeviceTooSmall);
        }
        let commits = Commits::new(0, 1, Block::zeros(TABLE_BLOCKS as usize)?);
        let mut files = Self { table: Table::default(), free: FreeMap::new(block_count)?, commits };
        // Both copies are written, so that the files of an older file system cannot come back.
        for _ in 0..TABLE_STARTS.len() {
            let change = files.commits.next_change();
            if let CommitStep::Write(commit) = files.begin_commit(change) {
                let written = commit.write_to(device);
                files.committed(commit, written).map_err(MountError::Device)?;
            }
        }
        // The superblock comes last: it makes the copies count.
        let superblock = [encode_superblock(block_count)];
        device.write(BlockIndex::new(0), &superblock).map_err(MountError::Device)?;
        device.flush().map_err(MountError::Device)?;
        Ok(files)
    }

    /// Reads and checks everything that is known of the files. Allocates the memory that commits need.
    ///
    /// # Errors
    /// `Damaged` if there is no sound file system, `Device`, `OutOfMemory`.
    pub fn mount<D: BlockDevice>(device: &mut D) -> Result<Self, MountError<D::Error>> {
        let device_blocks = device.block_count();
        if device_blocks == 0 {
            return Err(Damage::NoSuperblock.into());
        }
        let mut blocks = Block::zeros(TABLE_BLOCKS as usize)?;
        let mut read =
            |first, blocks: &mut [Block]| device.read(BlockIndex::new(first), blocks).map_err(MountError::Device);
        read(0, &mut blocks[..1])?;
        let block_count = decode_superblock(&blocks[0])?;
        if block_count > device_blocks {
            return Err(Damage::CutShort.into());
        }
        if block_count <= DATA_START {
            return Err(Damage::NoSuperblock.into());
        }
        let mut copies = Vec::new();
        copies.try_reserve_exact(TABLE_STARTS.len())?;
        for (index, start) in TABLE_STARTS.into_iter().enumerate() {
            read(start, &mut blocks[..1])?;
            copies.extend(TableHeader::decode(&blocks[0]).map(|header| (header, index)));
        }
        // The newest copy first; the other one only if the newest is damaged.
        if let [(first, _), (second, _)] = copies.as_slice()
            && second.is_newer_than(first)
        {
            copies.swap(0, 1);
        }
        for (header, index) in copies {
            let copy = &mut blocks[..header.block_count()];
            read(TABLE_STARTS[index], copy)?;
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(size_of_val(copy))?;
            copy.iter().for_each(|block| bytes.extend_from_slice(&block.0));
            if header.matches(&bytes) {
                let entries = &bytes[TABLE_HEADER_BYTES..][..header.len];
                let (table, free) = build(entries, block_count)?;
                return Ok(Self { table, free, commits: Commits::new(header.sequence, index, blocks) });
            }
        }
        Err(Damage::NoTable.into())
    }
}

/// Builds the table and the free map from a copy's entries, and checks that they make sense together. Blocks past the length of a file
/// are free.
fn build<E>(entries: &[u8], block_count: u32) -> Result<(Table, FreeMap), MountError<E>> {
    let mut table = Table::default();
    let mut free = FreeMap::new(block_count)?;
    let mut entries = Entries::new(entries);
    while let Some(file) = entries.next_file() {
        let mut file = file?;
        if file.state == State::Removed {
            continue;
        }
        if file.blocks_needed() > file.block_count() {
            return Err(Damage::BadEntry.into());
        }
        file.truncate(file.blocks_needed(), |_| {});
        if table.find(file.name.as_str(), State::takes_name).is_some() {
            return Err(Damage::SharedName.into());
        }
        if !file.extents.iter().all(|&extent| free.claim(extent)) {
            return Err(Damage::SharedBlock.into());
        }
        table.add(file)?.ok_or(Damage::BadEntry)?;
    }
    Ok((table, free))
}
