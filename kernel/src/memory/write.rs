//! One write: a ticket of the pager's on its way through the disk's queue, and page by page if it fails.

use kcore::disk::{Direction, RunTransfer};
use kcore::pager::{ChangesLost, PageOut, TransferFailed};

use super::page_io::Place;
use super::paging::with_memory;
use crate::drivers::ata::{self, Request};
use crate::files;

/// A ticket, and how far its pages have come.
pub struct Write {
    ticket: PageOut,
    /// What is left of a ticket of several pages that failed and is tried page by page.
    rest: Option<PageOut>,
    transfer: RunTransfer,
    /// How many writes had been begun when this one was, itself included.
    pub number: u64,
}

impl Write {
    /// The `number`-th write begins.
    pub const fn new(ticket: PageOut, number: u64) -> Self {
        Self::continued(ticket, None, number)
    }

    const fn continued(ticket: PageOut, rest: Option<PageOut>, number: u64) -> Self {
        Self { ticket, rest, transfer: RunTransfer::new(), number }
    }

    /// Submits what the queue has room for and takes the results that are there. True once nothing is left to do.
    pub fn advance(&mut self) -> bool {
        let place = Place::of_ticket(&self.ticket);
        self.transfer.advance(
            self.ticket.frames(),
            |index| place.run_at(index),
            ata::take,
            |first_sector, segments| {
                let request = Request { direction: Direction::Write, first_sector, segments, waiter: None };
                // SAFETY: the pager keeps the frames in transit until the ticket comes back. A page that is taken back may change
                // meanwhile; then its entry is dirty, and the slot is no valid copy.
                unsafe { ata::submit(&request) }
            },
        )
    }

    /// Brings the ticket back. What remains to be written if it failed for one of several pages.
    pub fn finish(mut self) -> Option<Self> {
        let failed = self.transfer.has_failed();
        if failed && let Some(first) = self.ticket.split_first() {
            return Some(Self::continued(first, Some(self.ticket), self.number));
        }
        let result = if failed { Err(TransferFailed) } else { Ok(()) };
        let done = with_memory(|memory| memory.pager.page_out_done(&mut memory.mmu, self.ticket, result));
        if let Err(ChangesLost(page)) = done {
            files::note_loss(page.file);
        }
        let mut rest = self.rest?;
        Some(match rest.split_first() {
            Some(next) => Self::continued(next, Some(rest), self.number),
            None => Self::continued(rest, None, self.number),
        })
    }
}
