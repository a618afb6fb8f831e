//! Files: the file system on the disk's partition, and who uses which file.
//!
//! All that the file system says of a file is in memory once it is mounted, so looking up a name or a page's place never waits. A
//! page of a file is in one frame whoever uses it, and it is the pager that finds it and pushes it out.
//!
//! * `contents.rs`: bytes are read and written, in those pages,
//! * `open_file.rs`: which processes use a file, and that no program is written to while it runs,
//! * `partition.rs`: the blocks of the partition, for mounting and for commits,
//! * `commit.rs`: names and lengths get onto the disk; `save.rs`: contents, too, by Sync and before the machine ends,
//! * `program.rs`: a file is opened to be run,
//! * `kernel_file.rs`: a file that the kernel uses for itself.
//!
//! What a handle is, is decided in [`kcore::vfs`]; the calls are in `syscall/files.rs`.

mod commit;
mod contents;
mod kernel_file;
mod open_file;
mod partition;
mod program;
mod save;

use core::fmt;

use abi::Errno;
use abi::image::PARTITION_TYPE;
use abi::record::DirectoryEntry;
use fakefs::{Block, FileId, FileSystem, FsError};
use kcore::addr::PAGE_SIZE;
use kcore::command_line::CommandLine;
use kcore::disk::{DiskError, SectorIndex};
use kcore::vm_pool::{FilePage, FileRef};

pub use contents::{read_at, write_at};
pub use kernel_file::{GrowError, KernelFile};
pub use open_file::FileUse;
pub use program::{ProgramError, open_program};
pub use save::{NotSaved, save_all, sync, write_back};

use crate::cell::KernelCell;
use crate::drivers::ata::{self, NoDisk, Transfers};
use commit::commit;
use partition::Partition;

static FILES: KernelCell<Option<FileSystem>> = KernelCell::new(None);
static PARTITION: KernelCell<Option<Partition>> = KernelCell::new(None);

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
    Damaged(fakefs::MountError<DiskError>),
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
    let mut first = Block::zeros(1).map_err(|_| MountError::Damaged(fakefs::MountError::OutOfMemory))?;
    partition::read_first_sector(&mut first[0]).map_err(MountError::Unreadable)?;
    let table = first[0].0.first_chunk().and_then(|sector| kcore::partition::find(sector, PARTITION_TYPE));
    let range = table.ok_or(MountError::NoPartition)?;
    if range.end().is_none_or(|end| end > ata::disk_sectors()) {
        return Err(MountError::CutShort);
    }
    let mut device = Partition::new(range.first_sector, range.sector_count);
    let files = FileSystem::mount(&mut device).map_err(MountError::Damaged)?;
    open_file::init().map_err(|_| MountError::Damaged(fakefs::MountError::OutOfMemory))?;
    PARTITION.with(|place| *place = Some(device));
    FILES.with(|place| *place = Some(files));
    Ok(())
}

/// Works on the file system. Nothing in `work` may wait.
///
/// # Panics
/// Before [`init`].
fn with_files<R>(work: impl FnOnce(&mut FileSystem) -> R) -> R {
    FILES.with(|files| match files {
        Some(files) => work(files),
        None => panic!("the file system is used before `files::init`"),
    })
}

/// The partition with the file system.
///
/// # Panics
/// Before [`init`].
fn partition() -> Partition {
    match PARTITION.with(|partition| *partition) {
        Some(partition) => partition,
        None => panic!("the partition is used before `files::init`"),
    }
}

/// The sector at which a page of a file begins, and the number of pages from it on that follow each other on the disk.
pub fn run_at(page: FilePage) -> Option<(SectorIndex, u32)> {
    let run = with_files(|files| files.run_at(id_of(page.file), page.number))?;
    Some((partition().sector_of(run.first), run.block_count))
}

/// Changes of a file could not be written, and are lost; the next [`sync`] of it says so.
pub fn note_loss(file: FileRef) {
    with_files(|files| files.note_loss(id_of(file)));
}

/// A file's length; 0 if it is gone.
pub fn len_bytes(file: FileRef) -> u32 {
    with_files(|files| files.len_bytes(id_of(file)).unwrap_or(0))
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

/// The error of a call for a refusal of the file system.
const fn errno(error: FsError) -> Errno {
    match error {
        FsError::BadName => Errno::BadName,
        FsError::AlreadyExists => Errno::AlreadyExists,
        FsError::NoSuchFile => Errno::NoSuchFile,
        FsError::Full | FsError::TableFull | FsError::TooLong => Errno::DiskFull,
        FsError::OutOfMemory => Errno::OutOfMemory,
    }
}

/// Gives a file that was [made](FileUse::create) its name; waits until the disk has it.
///
/// # Errors
/// `Io`; closing the file takes it back then.
pub fn save_name(file: &FileUse) -> Result<(), Errno> {
    commit(with_files(|files| files.change_of(id_of(file.file_ref()))))
}

/// Removes a name; waits until the disk knows. Users of the file go on using it.
///
/// # Errors
/// `NoSuchFile`, `NotPermitted` for the swap file. `Io`: the file has its name still, unless the machine is switched off before the
/// disk works again; then it may be gone.
pub fn remove(name: &str) -> Result<(), Errno> {
    // Opened for a moment, so that its last user is always one that forgets its pages too.
    let file = FileUse::open(name)?;
    let id = id_of(file.file_ref());
    loop {
        with_files(|files| files.remove(id)).map_err(errno)?;
        let committed = commit(with_files(|files| files.change_of(id)));
        // Another process may have removed the file at the same time, or have taken its removal back.
        if !with_files(|files| files.has_name(id)) {
            return Ok(());
        }
        if committed.is_err() {
            with_files(|files| files.keep_name(id));
            return committed;
        }
    }
}

/// The directory's entry at this position, in the order in which the file system lists them.
pub fn directory_entry(index: u32) -> Option<DirectoryEntry> {
    with_files(|files| {
        let entry = files.entries().nth(index as usize)?;
        DirectoryEntry::new(entry.name, entry.len_bytes)
    })
}
