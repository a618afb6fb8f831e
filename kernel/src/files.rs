//! Files: the file system on the disk's partition, and who uses which file.
//!
//! All that the file system says of a file is in memory once it is mounted, so looking up a name or a page's place never waits. File
//! contents are read page by page, straight from the disk into the frame that wants them.

use core::fmt;

use abi::Errno;
use abi::image::{PARTITION_TYPE, SECTOR_SIZE};
use abi::record::DirectoryEntry;
use alloc::vec::Vec;
use fakefs::{BLOCK_SIZE, BlockDevice, BlockIndex, Extent, FileId, FileSystem, FsError};
use kcore::addr::{PAGE_SIZE, VirtAddr};
use kcore::command_line::CommandLine;
use kcore::disk::{Direction, DiskError, SectorIndex, Segment};
use kcore::partition;
use kcore::program::{HEAD_BYTES, NotExecutable, ProgramImage};
use kcore::vm_pool::FileRef;

use crate::cell::KernelCell;
use crate::drivers::ata::{self, NoDisk, Transfers};
use crate::memory::frames;

const SECTORS_PER_BLOCK: u32 = BLOCK_SIZE / SECTOR_SIZE;
const _: () = assert!(BLOCK_SIZE == PAGE_SIZE, "a file's page is a block");

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
    read_at_boot(SectorIndex::new(0), &mut first_sector).map_err(MountError::Unreadable)?;
    let range = partition::find(&first_sector, PARTITION_TYPE).ok_or(MountError::NoPartition)?;
    if range.end().is_none_or(|end| end > ata::disk_sectors()) {
        return Err(MountError::CutShort);
    }
    let device = Partition { first_sector: range.first_sector, block_count: range.sector_count / SECTORS_PER_BLOCK };
    let files = FileSystem::mount(device).map_err(MountError::Damaged)?;
    FILES.with(|place| *place = Some(files));
    Ok(())
}

/// The partition, as the file system sees it. It is used at boot only, while no process runs.
struct Partition {
    first_sector: u32,
    block_count: u32,
}

impl Partition {
    fn sector_of(&self, block: BlockIndex) -> SectorIndex {
        SectorIndex::new(self.first_sector + block.number() * SECTORS_PER_BLOCK)
    }
}

impl BlockDevice for Partition {
    type Error = DiskError;

    fn block_count(&self) -> u32 {
        self.block_count
    }

    fn read(&mut self, first: BlockIndex, buffer: &mut [u8]) -> Result<(), DiskError> {
        read_at_boot(self.sector_of(first), buffer)
    }

    fn write(&mut self, _: BlockIndex, _: &[u8]) -> Result<(), DiskError> {
        Err(DiskError::Aborted)
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        Ok(())
    }
}

/// The most bytes moved by one request at boot.
const CHUNK_BYTES: usize = 64 << 10;

/// Reads whole sectors into `buffer` at boot, through kernel frames: they lie one behind the other in physical memory.
fn read_at_boot(first: SectorIndex, buffer: &mut [u8]) -> Result<(), DiskError> {
    let frame_count = u32::try_from(buffer.len().min(CHUNK_BYTES).div_ceil(PAGE_SIZE as usize)).unwrap_or(1);
    let run = frames::take(frame_count).ok_or(DiskError::Aborted)?;
    let mut sector = first.number();
    let mut result = Ok(());
    for chunk in buffer.chunks_mut(CHUNK_BYTES) {
        let len_bytes = u32::try_from(chunk.len()).unwrap_or(0);
        let segments = [Segment { start: run.start(), len_bytes }];
        // SAFETY: the run was taken just now and is nobody else's.
        result = result
            .and_then(|()| unsafe { ata::transfer_at_boot(Direction::Read, SectorIndex::new(sector), &segments) });
        chunk.copy_from_slice(bytes_of(frames::address_of(run), chunk.len()));
        sector += len_bytes / SECTOR_SIZE;
    }
    frames::release(run);
    result
}

/// Bytes of the direct map.
fn bytes_of(at: VirtAddr, len: usize) -> &'static [u8] {
    // SAFETY: callers name kernel frames that they own for longer than they keep the slice, and that no transfer is changing.
    unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance(at.raw() as usize), len) }
}

fn with_files<R>(work: impl FnOnce(&mut FileSystem<Partition>) -> R) -> Option<R> {
    FILES.with(|files| files.as_mut().map(work))
}

/// The sector at which a page of a file begins.
pub fn sector_of(file: FileRef, file_page: u32) -> Option<SectorIndex> {
    with_files(|files| {
        let block = files.block_of(FileId::from_raw(file.raw()), file_page)?;
        Some(files.device().sector_of(block))
    })?
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

/// Why a file cannot be started as a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramError {
    /// There is no such file.
    NoSuchFile,
    /// It is no program.
    NotExecutable(NotExecutable),
    /// Its first page cannot be read.
    Io,
    /// The kernel has no memory to read it into.
    OutOfMemory,
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchFile => f.write_str("there is no program of that name on the disk"),
            Self::NotExecutable(reason) => write!(f, "not a program: {reason}"),
            Self::Io => f.write_str("the program cannot be read: disk error"),
            Self::OutOfMemory => f.write_str("out of memory"),
        }
    }
}

impl From<ProgramError> for Errno {
    fn from(error: ProgramError) -> Self {
        match error {
            ProgramError::NoSuchFile => Self::NoSuchFile,
            ProgramError::NotExecutable(_) => Self::NotExecutable,
            ProgramError::Io => Self::Io,
            ProgramError::OutOfMemory => Self::OutOfMemory,
        }
    }
}

/// Somebody uses a file: it stays as it is until this is dropped.
pub struct FileUse(FileId);

impl FileUse {
    /// Opens a program and checks it; may wait for the disk.
    ///
    /// # Errors
    /// See [`ProgramError`].
    pub fn open_program(name: &str) -> Result<(Self, ProgramImage), ProgramError> {
        let opened = with_files(|files| {
            let id = files.open(name).ok()?;
            let len_bytes = files.len_bytes(id).ok()?;
            Some((Self(id), len_bytes))
        });
        let (file, len_bytes) = opened.flatten().ok_or(ProgramError::NoSuchFile)?;
        let image = file.read_head(len_bytes)?;
        Ok((file, image))
    }

    /// The key by which regions name the file.
    pub fn file_ref(&self) -> FileRef {
        FileRef::new(self.0.to_raw())
    }

    /// Reads and checks the first page.
    fn read_head(&self, len_bytes: u32) -> Result<ProgramImage, ProgramError> {
        let Some(sector) = sector_of(self.file_ref(), 0) else {
            return ProgramImage::parse(&[], 0).map_err(ProgramError::NotExecutable);
        };
        let frame = frames::take(1).ok_or(ProgramError::OutOfMemory)?;
        let segments = [Segment { start: frame.start(), len_bytes: PAGE_SIZE }];
        // SAFETY: the frame was taken just now and is nobody else's.
        let read = unsafe { read(sector, &segments) };
        let head = bytes_of(frames::address_of(frame), HEAD_BYTES.min(len_bytes as usize));
        let parsed = ProgramImage::parse(head, len_bytes);
        frames::release(frame);
        read.map_err(|_| ProgramError::Io)?;
        parsed.map_err(ProgramError::NotExecutable)
    }
}

impl Drop for FileUse {
    fn drop(&mut self) {
        // Closing what was opened cannot fail; a file that was removed meanwhile is freed by it.
        with_files(|files| files.close(self.0).is_ok());
    }
}

/// Reads sectors; waits as a process does, or as boot does while there is none.
///
/// # Safety
/// Nothing else may use the memory meanwhile.
unsafe fn read(sector: SectorIndex, segments: &[Segment]) -> Result<(), DiskError> {
    if crate::process::scheduler::is_running() {
        // SAFETY: the caller's promise.
        unsafe { ata::transfer(Direction::Read, sector, segments) }
    } else {
        // SAFETY: the caller's promise.
        unsafe { ata::transfer_at_boot(Direction::Read, sector, segments) }
    }
}
