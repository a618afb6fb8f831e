//! Pages on the disk: where they lie, and which of them one request can move.

use arrayvec::ArrayVec;
use kcore::addr::{Frame, PAGE_SIZE, SwapSlot};
use kcore::disk::{REQUEST_SEGMENTS_MAX, SECTOR_SIZE, SectorIndex, Segment};
use kcore::pager::{PageOut, Source, Target};
use kcore::vm_pool::FilePage;

use crate::{files, swap};

/// The memory of one request.
pub type Segments = ArrayVec<Segment, REQUEST_SEGMENTS_MAX>;

const SECTORS_PER_PAGE: u32 = PAGE_SIZE / SECTOR_SIZE;

/// Where the pages of a run lie: in consecutive slots, or in consecutive pages of a file.
#[derive(Clone, Copy)]
pub struct Place(Target);

impl Place {
    /// Where the pages come from.
    pub const fn of_source(source: Source) -> Self {
        Self(match source {
            Source::Slots(first, _) => Target::Slots(first),
            Source::File(first) => Target::File(first),
        })
    }

    /// Where the pages go.
    pub const fn of_ticket(ticket: &PageOut) -> Self {
        Self(ticket.target())
    }

    /// The sector at which the page at this position of the run begins.
    fn sector(self, index: u32) -> Option<SectorIndex> {
        match self.0 {
            Target::Slots(first) => swap::sector_of(SwapSlot::new(first.number() + index)),
            Target::File(first) => files::sector_of(FilePage { number: first.number + index, ..first }),
        }
    }

    /// The request for the page at position `from` and for those behind it that follow it on the disk. `None` if the page is
    /// not on the disk at all.
    pub fn request(self, frames: &[Frame], from: usize) -> Option<(SectorIndex, Segments)> {
        let index = |position: usize| u32::try_from(position).ok();
        let first = self.sector(index(from)?)?;
        let mut segments = Segments::new();
        for (position, frame) in frames.iter().enumerate().skip(from).take(REQUEST_SEGMENTS_MAX) {
            let expected = first.checked_add(index(position - from)? * SECTORS_PER_PAGE);
            if self.sector(index(position)?) != expected {
                break;
            }
            segments.push(Segment { start: frame.start(), len_bytes: PAGE_SIZE });
        }
        Some((first, segments))
    }
}
