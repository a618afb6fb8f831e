//! Files that are programs: opened to be run, and their headers checked.

use core::fmt;

use abi::Errno;
use kcore::addr::PAGE_SIZE;
use kcore::frame_table::SpaceId;
use kcore::program::{HEAD_BYTES, NotExecutable, ProgramImage};

use super::open_file::FileUse;
use super::{contents, len_bytes};

/// Why a file cannot be started as a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramError {
    /// There is no such file.
    NoSuchFile,
    /// It is the swap file.
    NotPermitted,
    /// Somebody may be writing to it.
    Busy,
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
            Self::NotPermitted => f.write_str("the swap file is no program"),
            Self::Busy => f.write_str("the program's file is being written to"),
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
            ProgramError::NotPermitted => Self::NotPermitted,
            ProgramError::Busy => Self::Busy,
            ProgramError::NotExecutable(_) => Self::NotExecutable,
            ProgramError::Io => Self::Io,
            ProgramError::OutOfMemory => Self::OutOfMemory,
        }
    }
}

/// Opens a program and checks it, for `space`; may wait for the disk. Its file cannot be written to until it is closed.
///
/// # Errors
/// See [`ProgramError`].
pub fn open_program(space: SpaceId, name: &str) -> Result<(FileUse, ProgramImage), ProgramError> {
    let file = FileUse::open(name).map_err(|error| match error {
        Errno::NotPermitted => ProgramError::NotPermitted,
        _ => ProgramError::NoSuchFile,
    })?;
    let file = file.into_program().map_err(|error| match error {
        Errno::Busy => ProgramError::Busy,
        _ => ProgramError::OutOfMemory,
    })?;
    let len_bytes = len_bytes(file.file_ref());
    let head_len = HEAD_BYTES.min(len_bytes as usize);
    const { assert!(HEAD_BYTES <= PAGE_SIZE as usize) };
    // An empty file has no page, and is no program either.
    let mut image = ProgramImage::parse(&[], 0);
    if head_len > 0 {
        let parse = |bytes: &[u8]| image = ProgramImage::parse(&bytes[..head_len], len_bytes);
        contents::look_at_first_page(space, file.file_ref(), parse).map_err(|error| match error {
            Errno::OutOfMemory => ProgramError::OutOfMemory,
            _ => ProgramError::Io,
        })?;
    }
    Ok((file, image.map_err(ProgramError::NotExecutable)?))
}
