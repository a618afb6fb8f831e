//! What the kernel asks of the disk.

use core::fmt;

use crate::addr::PhysAddr;

/// Bytes in a sector.
pub const SECTOR_SIZE: u32 = abi::image::SECTOR_SIZE;

/// How many runs of memory a request can have: 32 pages, wherever they are.
pub const REQUEST_SEGMENTS_MAX: usize = 32;

/// A sector of the disk, by number: enough for 2 TiB, which is also what a partition table of a PC can name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectorIndex(u32);

impl SectorIndex {
    /// The sector with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The sector `count` sectors on; `None` past the last one that can be named.
    pub const fn checked_add(self, count: u32) -> Option<Self> {
        match self.0.checked_add(count) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }
}

impl fmt::Debug for SectorIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SectorIndex({})", self.0)
    }
}

/// Which way the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the disk to memory.
    Read,
    /// From memory to the disk.
    Write,
}

/// A run of physical memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its first byte; a multiple of [`SECTOR_SIZE`], so that no sector lies in two pages.
    pub start: PhysAddr,
    /// Its length; a multiple of [`SECTOR_SIZE`], not 0.
    pub len_bytes: u32,
}

impl Segment {
    /// One past its last byte; `None` if it reaches the end of physical memory or goes past it.
    pub const fn end(self) -> Option<PhysAddr> {
        match self.start.raw().checked_add(self.len_bytes) {
            Some(end) => Some(PhysAddr::new(end)),
            None => None,
        }
    }
}

/// A transfer between sectors that follow each other and memory that need not.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a, W> {
    /// Which way.
    pub direction: Direction,
    /// The first sector.
    pub first_sector: SectorIndex,
    /// The memory, in the order of the sectors: 1 to [`REQUEST_SEGMENTS_MAX`] runs.
    pub segments: &'a [Segment],
    /// Who is to be woken when it is done.
    pub waiter: Option<W>,
}

/// Why a request was not taken. It has had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// The queue is full until somebody takes a result.
    QueueFull,
    /// There is no disk, or it has stopped answering.
    NoDisk,
    /// No segments, too many of them, or more bytes than a command can move.
    BadLength,
    /// A segment's start or length is not a whole number of sectors, or it is empty or leaves physical memory.
    BadSegment(Segment),
    /// The disk ends before the request does.
    PastEnd {
        /// The request's first sector.
        first_sector: SectorIndex,
        /// How many sectors it wants.
        sector_count: u32,
    },
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueFull => f.write_str("the disk's queue is full"),
            Self::NoDisk => f.write_str("there is no disk"),
            Self::BadLength => f.write_str("a disk request is empty or too long"),
            Self::BadSegment(segment) => {
                write!(f, "{} bytes at {:?} are no memory for whole sectors", segment.len_bytes, segment.start)
            }
            Self::PastEnd { first_sector, sector_count } => {
                write!(f, "{sector_count} sectors from {} on reach past the end of the disk", first_sector.number())
            }
        }
    }
}

impl core::error::Error for SubmitError {}

/// How many sectors these segments hold together.
///
/// # Errors
/// `BadLength` or `BadSegment`.
pub(super) fn sector_count(segments: &[Segment]) -> Result<u32, SubmitError> {
    if segments.is_empty() || segments.len() > REQUEST_SEGMENTS_MAX {
        return Err(SubmitError::BadLength);
    }
    segments.iter().try_fold(0u32, |sectors, segment| {
        let is_whole = segment.start.raw().is_multiple_of(SECTOR_SIZE) && segment.len_bytes.is_multiple_of(SECTOR_SIZE);
        if !is_whole || segment.len_bytes == 0 || segment.end().is_none() {
            return Err(SubmitError::BadSegment(*segment));
        }
        sectors.checked_add(segment.len_bytes / SECTOR_SIZE).ok_or(SubmitError::BadLength)
    })
}
