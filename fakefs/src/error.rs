//! What can go wrong.

use core::fmt;

/// Why an operation was refused or failed. Metadata is as before then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsError<E> {
    /// The device failed.
    Device(E),
    /// What is on the device is no sound file system.
    Damaged(Damage),
    /// The device has too few blocks for a file system.
    DeviceTooSmall,
    /// No file has this name, or the id names a file that is gone.
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

/// What is wrong with a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The first block does not say that this is one.
    NoSuperblock,
    /// It was written by another version.
    Version(u32),
    /// A checksum does not fit its bytes.
    Checksum,
    /// The device has fewer blocks than the file system: it was cut short.
    CutShort,
    /// Both copies of the table of files are damaged.
    NoTable,
    /// A file's entry makes no sense.
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

impl<E: fmt::Debug> fmt::Display for FsError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(error) => write!(f, "the device failed: {error:?}"),
            Self::Damaged(damage) => write!(f, "the file system is damaged: {damage}"),
            Self::DeviceTooSmall => f.write_str("the device is too small for a file system"),
            Self::NoSuchFile => f.write_str("no such file"),
            Self::AlreadyExists => f.write_str("a file of that name exists"),
            Self::BadName => f.write_str("bad file name"),
            Self::Full => f.write_str("the file system is full"),
            Self::TableFull => f.write_str("the table of files is full"),
            Self::TooLong => f.write_str("the file would be longer than 4 GiB"),
            Self::OutOfMemory => f.write_str("out of memory"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for FsError<E> {}

impl<E> From<Damage> for FsError<E> {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl<E> From<alloc::collections::TryReserveError> for FsError<E> {
    fn from(_: alloc::collections::TryReserveError) -> Self {
        Self::OutOfMemory
    }
}
