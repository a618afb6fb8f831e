//! Where the pages of a run lie on the disk.

use kcore::addr::{Frame, SwapSlot};
use kcore::disk::{SectorIndex, Segments, request_from};
use kcore::pager::{PageOut, Source, Target};
use kcore::vm_pool::FilePage;

use crate::{files, swap};

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

    /// The sector at which the page at this position of the run begins, and the number of pages from it on that follow each other on the
    /// disk.
    pub fn run_at(self, index: u32) -> Option<(SectorIndex, u32)> {
        match self.0 {
            Target::Slots(first) => swap::run_at(SwapSlot::new(first.number() + index)),
            Target::File(first) => files::run_at(FilePage { number: first.number + index, ..first }),
        }
    }

    /// The request for the page at position `from`, and for those after it that follow it on the disk. `None` if the page is not on
    /// the disk.
    pub fn request(self, frames: &[Frame], from: usize) -> Option<(SectorIndex, Segments)> {
        request_from(frames, from, |index| self.run_at(index))
    }
}
