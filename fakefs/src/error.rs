//! Errors: of a change, of mounting, and of a volume.

use core::fmt;

/// Why a change was refused. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsError {
    /// No file has this name, or the file with this id is gone.
    NoSuchFile,
    /// A file has this name already.
    AlreadyExists,
    /// The name is empty, too long, or has a `/` or a control character.
    BadName,
    /// No blocks are left for this.
    Full,
    /// The table of files has no room for one more file or extent.
    TableFull,
    /// Files end before 4 GiB.
    TooLong,
    /// There is no memory for the operation.
    OutOfMemory,
}

/// Why a file system cannot be mounted or made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountError<E> {
    /// The device failed.
    Device(E),
    /// The device holds no sound file system.
    Damaged(Damage),
    /// The device has too few blocks for a file system.
    DeviceTooSmall,
    /// There is no memory for the table of files.
    OutOfMemory,
}

/// Why an operation of a [`Volume`](crate::Volume) failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeError<E> {
    /// The device failed.
    Device(E),
    /// The file system refused the change.
    Refused(FsError),
}

/// What is wrong with a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The first block is no superblock.
    NoSuperblock,
    /// The file system has another version.
    Version(u32),
    /// A checksum does not match its bytes.
    Checksum,
    /// The device has fewer blocks than the file system: it was cut short.
    CutShort,
    /// Both copies of the table of files are damaged.
    NoTable,
    /// The entry of a file makes no sense.
    BadEntry,
    /// Two files, or a file and the file system itself, claim the same block.
    SharedBlock,
    /// Two files have the same name.
    SharedName,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuperblock => f.write_str("there is no file system"),
            Self::Version(found) => {
                write!(f, "it was written as version {found}, this is version {}", crate::layout::VERSION)
            }
            Self::Checksum => f.write_str("a checksum is wrong"),
            Self::CutShort => f.write_str("the device ends before it does: it was cut short"),
            Self::NoTable => f.write_str("both copies of the table of files are damaged"),
            Self::BadEntry => f.write_str("a file's entry makes no sense"),
            Self::SharedBlock => f.write_str("two files claim the same block"),
            Self::SharedName => f.write_str("two files have the same name"),
        }
    }
}

impl fmt::Display for FsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchFile => "no such file",
            Self::AlreadyExists => "a file of that name exists",
            Self::BadName => "bad file name",
            Self::Full => "the file system is full",
            Self::TableFull => "the table of files is full",
            Self::TooLong => "the file would be longer than 4 GiB",
            Self::OutOfMemory => "out of memory",
        })
    }
}

impl<E: fmt::Debug> fmt::Display for MountError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(error) => write!(f, "the device failed: {error:?}"),
            Self::Damaged(damage) => write!(f, "the file system is damaged: {damage}"),
            Self::DeviceTooSmall => f.write_str("the device is too small for a file system"),
            Self::OutOfMemory => f.write_str("out of memory"),
        }
    }
}

impl<E: fmt::Debug> fmt::Display for VolumeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(error) => write!(f, "the device failed: {error:?}"),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for FsError {}
impl<E: fmt::Debug> core::error::Error for MountError<E> {}
impl<E: fmt::Debug> core::error::Error for VolumeError<E> {}

impl<E> From<Damage> for MountError<E> {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl<E> From<FsError> for VolumeError<E> {
    fn from(error: FsError) -> Self {
        Self::Refused(error)
    }
}

impl From<alloc::collections::TryReserveError> for FsError {
    fn from(_: alloc::collections::TryReserveError) -> Self {
        Self::OutOfMemory
    }
}

impl<E> From<alloc::collections::TryReserveError> for MountError<E> {
    fn from(_: alloc::collections::TryReserveError) -> Self {
        Self::OutOfMemory
    }
}
