//! Files: the file system on the disk's partition, and who uses which file.
//!
//! All that the file system says of a file is in memory once it is mounted, so looking up a name or a page's place never waits. A
//! page of a file is in one frame whoever uses it, and it is the pager that finds it and pushes it out.
//!
//! * `contents.rs`: bytes are read and written, in those pages,
//! * `open_file.rs`: who uses a file, and that nobody writes to a program that runs,
//! * `partition.rs`: the file system's own blocks, which go to the disk in two steps,
//! * `program.rs`: a file is opened to be run.
//!
//! What a handle is, is decided in [`kcore::vfs`]; the calls are in `syscall/files.rs`.

mod contents;
mod open_file;
mod partition;
mod program;

use core::fmt;

use abi::Errno;
use abi::image::{PARTITION_TYPE, SECTOR_SIZE};
use abi::record::DirectoryEntry;
use alloc::vec::Vec;
use fakefs::{Extent, FileId, FileSystem, FsError};
use kcore::addr::PAGE_SIZE;
use kcore::command_line::CommandLine;
use kcore::disk::{DiskError, SectorIndex};
use kcore::vm_pool::{FilePage, FileRef};

pub use contents::{read_at, sync, write_at, write_back};
pub use open_file::FileUse;
pub use program::{ProgramError, open_program};

use crate::cell::KernelCell;
use crate::drivers::ata::{self, NoDisk, Transfers};
use partition::{Partition, read_sectors};

static FILES: KernelCell<Option<FileSystem<Partition>>> = KernelCell::new(None);

/// Why there is no file system.
#[derive(Debug)]
pub enum MountError {
    /// There is no disk.
    NoDisk(NoDisk),
    /// The first sector cannot be read, or the kernel has no memory to read it into.
    Unreadable(DiskError),
    /// The disk's partition table names no fakefs partition.
    NoPartition,
    /// The partition reaches past the end of the disk: the image was cut short.
    CutShort,
    /// What is on the partition is no sound file system.
    Damaged(FsError<DiskError>),
}

impl fmt::Display for MountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDisk(error) => error.fmt(f),
            Self::Unreadable(error) => write!(f, "the disk's first sector cannot be read: {error}"),
            Self::NoPartition => f.write_str("the disk has no fakefs partition"),
            Self::CutShort => f.write_str("the disk ends before its partition does: the image is cut short"),
            Self::Damaged(error) => write!(f, "the file system cannot be used: {error}"),
        }
    }
}

/// Finds the disk and mounts the file system of its partition.
///
/// # Errors
/// See [`MountError`].
pub fn init(options: &CommandLine<'_>) -> Result<(), MountError> {
    let transfers = if options.programmed_io { Transfers::PioOnly } else { Transfers::Best };
    ata::init(transfers).map_err(MountError::NoDisk)?;
    let mut first_sector = [0; SECTOR_SIZE as usize];
    read_sectors(SectorIndex::new(0), &mut first_sector).map_err(MountError::Unreadable)?;
    let range = kcore::partition::find(&first_sector, PARTITION_TYPE).ok_or(MountError::NoPartition)?;
    if range.end().is_none_or(|end| end > ata::disk_sectors()) {
        return Err(MountError::CutShort);
    }
    let device = Partition::new(range.first_sector, range.sector_count);
    let files = FileSystem::mount(device).map_err(MountError::Damaged)?;
    open_file::init().map_err(|_| MountError::Damaged(FsError::OutOfMemory))?;
    FILES.with(|place| *place = Some(files));
    Ok(())
}

fn with_files<R>(work: impl FnOnce(&mut FileSystem<Partition>) -> R) -> Option<R> {
    FILES.with(|files| files.as_mut().map(work))
}

/// The sector at which a page of a file begins.
pub fn sector_of(page: FilePage) -> Option<SectorIndex> {
    with_files(|files| {
        let block = files.block_of(id_of(page.file), page.number)?;
        Some(files.device().sector_of(block))
    })?
}

/// Changes of a file could not be written, and are lost; the next [`sync`] of it says so.
pub fn note_loss(file: FileRef) {
    with_files(|files| files.note_loss(id_of(file)));
}

/// A file's length; 0 if it is gone.
pub fn len_bytes(file: FileRef) -> u32 {
    with_files(|files| files.len_bytes(id_of(file)).unwrap_or(0)).unwrap_or(0)
}

/// How many bytes of a page lie before the end of the file: `0..=4096`.
pub fn bytes_in_page(page: FilePage) -> usize {
    let before = u64::from(page.number) * u64::from(PAGE_SIZE);
    let rest = u64::from(len_bytes(page.file)).saturating_sub(before);
    usize::try_from(rest.min(u64::from(PAGE_SIZE))).unwrap_or(0)
}

/// The file system's name for a file.
const fn id_of(file: FileRef) -> FileId {
    FileId::from_raw(file.raw())
}

/// What an error of the file system means to a program.
fn errno(error: &FsError<DiskError>) -> Errno {
    match error {
        FsError::BadName => Errno::BadName,
        FsError::AlreadyExists => Errno::AlreadyExists,
        FsError::NoSuchFile => Errno::NoSuchFile,
        FsError::Full | FsError::TableFull | FsError::TooLong | FsError::DeviceTooSmall => Errno::DiskFull,
        FsError::OutOfMemory => Errno::OutOfMemory,
        FsError::Device(_) | FsError::Damaged(_) => Errno::Io,
    }
}

/// Makes an empty file and opens it; may wait.
///
/// # Errors
/// `BadName`, `AlreadyExists`, `DiskFull`, `OutOfMemory`, `Io`; there is no such file then.
pub fn create(name: &str) -> Result<FileUse, Errno> {
    with_files(|files| files.create(name).map(|_| ()).map_err(|error| errno(&error))).unwrap_or(Err(Errno::Io))?;
    let file = FileUse::open(name)?;
    partition::commit().inspect_err(|_| {
        // The disk will hear of it with the next change. Another file may have the name by now.
        let _ = with_files(|files| files.remove_file(id_of(file.file_ref())));
    })?;
    Ok(file)
}

/// Removes a name; may wait. Whoever uses the file goes on using it.
///
/// # Errors
/// `NoSuchFile`, `NotPermitted` for the swap file, `OutOfMemory`; `Io` if the disk may still know the name.
pub fn remove(name: &str) -> Result<(), Errno> {
    // Opened for a moment, so that its last user is always one that forgets its pages too.
    remove_file(FileUse::open(name)?)
}

/// Removes the name of a file; may wait.
///
/// # Errors
/// As [`remove`]; `NoSuchFile` if it has lost its name already.
pub fn remove_file(file: FileUse) -> Result<(), Errno> {
    let removed = with_files(|files| files.remove_file(id_of(file.file_ref())).map_err(|error| errno(&error)));
    removed.unwrap_or(Err(Errno::Io))?;
    // Its blocks are another's only once the disk knows that they are no longer its own.
    let committed = partition::commit();
    drop(file);
    committed
}

/// Where a file lies: runs of sectors, in the file's order. Empty if there is no such file.
pub fn runs_of(name: &str) -> Vec<(SectorIndex, u32)> {
    let runs = with_files(|files| {
        let extents = files.lookup(name).and_then(|id| files.extents(id).ok()).unwrap_or_default();
        let run = |extent: &Extent| (files.device().sector_of(extent.first), extent.block_count);
        extents.iter().map(run).collect()
    });
    runs.unwrap_or_default()
}

/// The directory's entry at this position, in the order in which the file system lists them.
pub fn directory_entry(index: u32) -> Option<DirectoryEntry> {
    with_files(|files| {
        let entry = files.entries().nth(index as usize)?;
        DirectoryEntry::new(entry.name, entry.len_bytes)
    })?
}
