//! What the machine's disk does: it reads at once, writes when it comes to it, and fails when it is told to.

use super::hardware::Word;
use super::machine::Machine;
use crate::addr::SwapSlot;
use crate::fault::FaultError;
use crate::frame_table::SpaceId;
use crate::pager::{ChangesLost, PageIn, PageOut, Source, Target, TransferFailed};
use crate::vm_pool::FilePage;

impl Machine {
    pub fn read_in(&mut self, ticket: PageIn) -> Result<(), FaultError> {
        let failed = self.failing_reads.checked_sub(1).map(|rest| self.failing_reads = rest).is_some();
        if !failed {
            for (index, &frame) in (0..).zip(ticket.frames()) {
                let word = match ticket.source() {
                    Source::Slots(first, _) => self.swap[&SwapSlot::new(first.number() + index)],
                    Source::File(first) => self.file_word(FilePage { number: first.number + index, ..first }),
                };
                self.hardware.memory.insert(frame, word);
            }
        }
        let result = if failed { Err(TransferFailed) } else { Ok(()) };
        self.pager.page_in_done(&mut self.hardware, ticket, result)
    }

    pub fn queue_write(&mut self, ticket: PageOut) {
        let words = self.words(&ticket);
        self.queued_writes.push_back((ticket, words));
        if self.queued_writes.len() > self.queue_len {
            self.end_oldest_write();
        }
    }

    /// The disk ends the transfer for which something waits: a write if one is queued.
    pub fn end_oldest_transfer(&mut self) {
        if self.has_writes() {
            self.end_oldest_write();
        } else {
            let (_, ticket) = self.queued_reads.pop_front().expect("something waits, but the disk has nothing to do");
            // A process whose page could not be read tries again.
            let _ = self.read_in(ticket);
        }
    }

    /// The disk ends the read for which the process of this space waits.
    pub fn end_reads_of(&mut self, id: SpaceId) {
        while let Some(place) = self.queued_reads.iter().position(|&(waiting, _)| waiting == id) {
            let (_, ticket) = self.queued_reads.remove(place).unwrap();
            let _ = self.read_in(ticket);
        }
    }

    /// Writes are queued.
    pub fn has_writes(&self) -> bool {
        !self.queued_writes.is_empty()
    }

    /// The disk ends the write it began first. What it writes is what the frames hold now, or what they held at first.
    pub fn end_oldest_write(&mut self) {
        let (ticket, words) = self.queued_writes.pop_front().expect("something waits for a write, but none is queued");
        self.takes_early = !self.takes_early;
        let words = if self.takes_early { words } else { self.words(&ticket) };
        self.end_write(ticket, &words);
    }

    pub fn end_all_writes(&mut self) {
        while self.has_writes() {
            self.end_oldest_write();
        }
    }

    pub fn write_out(&mut self, ticket: PageOut) {
        let words = self.words(&ticket);
        self.end_write(ticket, &words);
    }

    fn end_write(&mut self, mut ticket: PageOut, words: &[Word]) {
        let failed = self.failing_writes.checked_sub(1).map(|rest| self.failing_writes = rest).is_some();
        let failed = failed || self.slot_fails(ticket.target()) || self.file_write_fails(ticket.target());
        if failed && ticket.frames().len() > 1 {
            let mut words = words.chunks(1);
            let mut next = || words.next().expect("a word for each page");
            while let Some(one) = ticket.split_first() {
                self.end_write(one, next());
            }
            return self.end_write(ticket, next());
        }
        if !failed {
            for (index, &word) in (0..).zip(words) {
                match ticket.target() {
                    Target::Slots(first) => self.swap.insert(SwapSlot::new(first.number() + index), word),
                    Target::File(first) => self.files.insert(FilePage { number: first.number + index, ..first }, word),
                };
            }
        }
        let result = if failed { Err(TransferFailed) } else { Ok(()) };
        let done = self.pager.page_out_done(&mut self.hardware, ticket, result);
        self.lost.extend(done.err().map(|ChangesLost(page)| page));
    }

    fn slot_fails(&mut self, target: Target) -> bool {
        let ledger = self.pager.ledger();
        let fails = matches!(target, Target::Slots(_)) && ledger.promised() < ledger.promisable();
        fails && self.failing_slots.checked_sub(1).map(|rest| self.failing_slots = rest).is_some()
    }

    fn file_write_fails(&mut self, target: Target) -> bool {
        let is_file = matches!(target, Target::File(_));
        is_file && self.failing_file_writes.checked_sub(1).map(|rest| self.failing_file_writes = rest).is_some()
    }

    fn words(&self, ticket: &PageOut) -> Vec<Word> {
        ticket.frames().iter().map(|frame| self.hardware.memory[frame]).collect()
    }

    /// What the disk has of a page of a file: a word of its own until it is written.
    pub fn file_word(&self, page: FilePage) -> Word {
        self.files.get(&page).copied().unwrap_or(page.file.raw() * 1000 + page.number)
    }
}
