//! Pages on the disk: where a file's pages lie, which pages one request can move, and how far a run of pages has come.

use alloc::vec::Vec;

use arrayvec::ArrayVec;

use super::error::DiskError;
use super::queue::RequestId;
use super::request::{REQUEST_SEGMENTS_MAX, SECTOR_SIZE, SectorIndex, Segment, SubmitError};
use crate::addr::{Frame, PAGE_SIZE};

/// Sectors of a page.
const SECTORS_PER_PAGE: u32 = PAGE_SIZE / SECTOR_SIZE;

/// The memory of one request, a page each.
pub type Segments = ArrayVec<Segment, REQUEST_SEGMENTS_MAX>;

/// Where the pages of a file lie: pieces of consecutive pages, in the file's order.
pub struct PagePieces(Vec<(SectorIndex, u32)>);

impl PagePieces {
    /// Pieces, each with its first sector and the number of its pages.
    pub const fn new(pieces: Vec<(SectorIndex, u32)>) -> Self {
        Self(pieces)
    }

    /// The number of pages of all pieces.
    pub fn page_count(&self) -> u32 {
        self.0.iter().map(|&(_, pages)| pages).sum()
    }

    /// The sector at which a page of the file begins; `None` past the last page.
    pub fn sector_of(&self, page: u32) -> Option<SectorIndex> {
        let mut left = page;
        for &(first, pages) in &self.0 {
            if left < pages {
                return first.checked_add(left.checked_mul(SECTORS_PER_PAGE)?);
            }
            left -= pages;
        }
        None
    }
}

/// The request that moves the page at position `from` of a run, and with it those after it that follow it on the disk. `sector_of`
/// says at which sector the page at a position begins. `None` if the first page is not on the disk.
pub fn request_from(
    frames: &[Frame],
    from: usize,
    sector_of: impl Fn(u32) -> Option<SectorIndex>,
) -> Option<(SectorIndex, Segments)> {
    let positions = || (0u32..).zip(frames).skip(from).take(REQUEST_SEGMENTS_MAX);
    let (first_position, _) = positions().next()?;
    let first = sector_of(first_position)?;
    let follows = |position: u32| {
        let expected = first.checked_add((position - first_position) * SECTORS_PER_PAGE);
        expected.is_some() && sector_of(position) == expected
    };
    let together = positions().take_while(|&(position, _)| follows(position));
    Some((first, together.map(|(_, frame)| Segment { start: frame.start(), len_bytes: PAGE_SIZE }).collect()))
}

/// The most requests of one run that are in the queue at once. A run is more than one request only where its file lies in pieces.
const REQUESTS_MAX: usize = 4;

/// A run of pages on its way through the disk's queue.
#[derive(Default)]
pub struct RunTransfer {
    requests: ArrayVec<RequestId, REQUESTS_MAX>,
    /// Number of pages that are in `requests`, or were.
    submitted: usize,
    failed: bool,
}

impl RunTransfer {
    /// A transfer that has not begun.
    pub const fn new() -> Self {
        Self { requests: ArrayVec::new_const(), submitted: 0, failed: false }
    }

    /// Takes the results that are there, and submits as much of `frames` as the queue has room for. Returns true once nothing is left to do.
    ///
    /// `take` returns the result of a request, if the request is done; `submit` puts one into the queue.
    pub fn advance(
        &mut self,
        frames: &[Frame],
        sector_of: impl Fn(u32) -> Option<SectorIndex>,
        mut take: impl FnMut(RequestId) -> Option<Result<(), DiskError>>,
        mut submit: impl FnMut(SectorIndex, &Segments) -> Result<RequestId, SubmitError>,
    ) -> bool {
        let Self { requests, submitted, failed } = self;
        requests.retain(|id| match take(*id) {
            Some(result) => {
                *failed |= result.is_err();
                false
            }
            None => true,
        });
        while !*failed && *submitted < frames.len() && !requests.is_full() {
            let Some((first_sector, segments)) = request_from(frames, *submitted, &sector_of) else {
                *failed = true;
                break;
            };
            match submit(first_sector, &segments) {
                Ok(id) => {
                    requests.push(id);
                    *submitted += segments.len();
                }
                Err(SubmitError::QueueFull) => return false,
                Err(_) => *failed = true,
            }
        }
        requests.is_empty() && (*failed || *submitted == frames.len())
    }

    /// Some page could not be moved.
    pub const fn has_failed(&self) -> bool {
        self.failed
    }
}
