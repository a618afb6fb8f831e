//! One write: a ticket of the pager's on its way through the disk's queue, and page by page if it fails.

use arrayvec::ArrayVec;
use kcore::disk::{Direction, RequestId, SubmitError};
use kcore::pager::{ChangesLost, PageOut, TransferFailed};

use super::page_io::Place;
use super::paging::with_memory;
use crate::drivers::ata::{self, Request};
use crate::files;

/// How many requests of one ticket can be under way: more than one only where the swap file is in pieces.
const REQUESTS_MAX: usize = 4;

/// A ticket and the requests that it became.
pub struct Write {
    ticket: PageOut,
    /// What is left of a ticket of several pages that failed and is tried page by page.
    rest: Option<PageOut>,
    requests: ArrayVec<RequestId, REQUESTS_MAX>,
    /// So many of its pages are in `requests`, or were.
    submitted: usize,
    failed: bool,
    /// How many writes had been begun when this one was, itself included.
    pub number: u64,
}

impl Write {
    /// The `number`-th write begins.
    pub const fn new(ticket: PageOut, number: u64) -> Self {
        Self::continued(ticket, None, number)
    }

    const fn continued(ticket: PageOut, rest: Option<PageOut>, number: u64) -> Self {
        Self { ticket, rest, requests: ArrayVec::new_const(), submitted: 0, failed: false, number }
    }

    /// Submits what the queue has room for and takes the results that are there. True once nothing is left to do.
    pub fn advance(&mut self) -> bool {
        self.requests.retain(|id| match ata::take(*id) {
            Some(result) => {
                self.failed |= result.is_err();
                false
            }
            None => true,
        });
        while self.submitted < self.ticket.frames().len() && !self.requests.is_full() {
            let Some((first_sector, segments)) =
                Place::of_ticket(&self.ticket).request(self.ticket.frames(), self.submitted)
            else {
                self.failed = true;
                break;
            };
            let request = Request { direction: Direction::Write, first_sector, segments: &segments, waiter: None };
            // SAFETY: the pager keeps the frames in transit until the ticket comes back. A page that is taken back may change meanwhile;
            // then its entry is dirty, and the slot is no valid copy.
            match unsafe { ata::submit(&request) } {
                Ok(id) => {
                    self.requests.push(id);
                    self.submitted += segments.len();
                }
                Err(SubmitError::QueueFull) => return false,
                Err(_) => {
                    self.failed = true;
                    break;
                }
            }
        }
        self.requests.is_empty() && (self.failed || self.submitted == self.ticket.frames().len())
    }

    /// Brings the ticket back. What remains to be written if it failed for one of several pages.
    pub fn finish(mut self) -> Option<Self> {
        if self.failed
            && let Some(first) = self.ticket.split_first()
        {
            return Some(Self::continued(first, Some(self.ticket), self.number));
        }
        let result = if self.failed { Err(TransferFailed) } else { Ok(()) };
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
