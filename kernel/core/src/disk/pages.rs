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

    /// The sector at which a page of the file begins, and the number of pages from it on that follow each other on the disk. `None` past
    /// the last page.
    pub fn run_at(&self, page: u32) -> Option<(SectorIndex, u32)> {
        let mut left = page;
        for &(first, pages) in &self.0 {
            if left < pages {
                let sector = first.checked_add(left.checked_mul(SECTORS_PER_PAGE)?)?;
                return Some((sector, pages - left));
            }
            left -= pages;
        }
        None
    }
}

/// The request that moves the page at position `from` of a run, and with it those after it that follow it on the disk. `run_at` says at
/// which sector the page at a position begins, and how many pages from it on follow each other. `None` if the first page is not on the disk.
pub fn request_from(
    frames: &[Frame],
    from: usize,
    run_at: impl Fn(u32) -> Option<(SectorIndex, u32)>,
) -> Option<(SectorIndex, Segments)> {
    let frames = frames.get(from..).filter(|frames| !frames.is_empty())?;
    let (first, in_a_row) = run_at(u32::try_from(from).ok()?)?;
    let together = frames.iter().take(REQUEST_SEGMENTS_MAX.min(in_a_row as usize));
    Some((first, together.map(|frame| Segment { start: frame.start(), len_bytes: PAGE_SIZE }).collect()))
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
        run_at: impl Fn(u32) -> Option<(SectorIndex, u32)>,
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
            let Some((first_sector, segments)) = request_from(frames, *submitted, &run_at) else {
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
