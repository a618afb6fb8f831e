//! The writes that are under way, and who has them begun: whoever brings a ticket, Sync, and the cleaner.
//!
//! A write goes on whenever the disk has moved something: results are taken, frames are free, and the next victims
//! are sent out until enough frames are free. None of that waits. Who brings a ticket waits only for a place; who needs a frame waits in
//! [`transit`](crate::process::transit), and who wants a file's changes on the disk in [`write_back`].

use arrayvec::ArrayVec;
use kcore::pager::{Cleaned, PageOut, WriteBack, WriteBackPass};
use kcore::vm_pool::FileRef;

use super::paging::with_memory;
use super::write::Write;
use crate::cell::KernelCell;
use crate::process::{scheduler, transit};

/// How many tickets can be under way: enough to keep the disk busy.
const TICKETS_MAX: usize = 8;

static UNDERWAY: KernelCell<ArrayVec<Write, TICKETS_MAX>> = KernelCell::new(ArrayVec::new_const());

static ORDER: KernelCell<Order> = KernelCell::new(Order { drawn: 0, served: 0, begun: 0 });

/// Who came first.
#[derive(Clone, Copy)]
struct Order {
    /// Numbers drawn by those who bring a ticket and may have to wait for a place.
    drawn: u64,
    /// How many of them got their place, in the order of their numbers.
    served: u64,
    /// How many writes were begun, theirs and the cleaner's.
    begun: u64,
}

/// A write that begins now.
fn next_write(ticket: PageOut) -> Write {
    let number = ORDER.with(|order| {
        order.begun += 1;
        order.begun
    });
    Write::new(ticket, number)
}

/// Begins to write; the ticket comes back to the pager by itself. Waits for a place if too many writes are under way.
pub fn begin(ticket: PageOut) {
    let turn = ORDER.with(|order| {
        order.drawn += 1;
        order.drawn - 1
    });
    while ORDER.with(|order| order.served) != turn || UNDERWAY.with(|underway| underway.is_full()) {
        transit::wait();
    }
    UNDERWAY.with(|underway| underway.push(next_write(ticket)));
    ORDER.with(|order| order.served += 1);
    advance();
    // There may be a place for the next one, too.
    transit::wake_all();
}

/// Waits until all writes have ended that anybody has asked for until now.
fn wait_for_all() {
    let Order { drawn, .. } = ORDER.with(|order| *order);
    while ORDER.with(|order| order.served) < drawn {
        transit::wait();
    }
    let Order { begun, .. } = ORDER.with(|order| *order);
    while UNDERWAY.with(|underway| underway.iter().any(|write| write.number <= begun)) {
        transit::wait();
    }
}

/// Writes back what was changed of a file, or of all files, until now; the process waits until that has ended, in whatever way.
pub fn write_back(file: Option<FileRef>) {
    let mut pass = WriteBackPass::default();
    loop {
        match with_memory(|memory| memory.pager.write_back(&mut memory.mmu, file, &mut pass)) {
            WriteBack::Write(ticket) => begin(ticket),
            WriteBack::Wait => wait_for_all(),
            WriteBack::GoOn => scheduler::preemption_point(),
            WriteBack::Done => break,
        }
    }
    wait_for_all();
}

/// Sends victims out if frames are few. Nothing of it waits.
#[inline]
pub fn clean_if_short() {
    if with_memory(|memory| memory.pager.should_start_cleaning()) {
        clean();
    }
}

/// The disk has moved something, or has given something up.
pub fn on_transfer() {
    if !UNDERWAY.with(|underway| underway.is_empty()) && advance() {
        clean();
    }
}

/// Takes results and submits what waits. True if a ticket came back.
fn advance() -> bool {
    let mut came_back = false;
    UNDERWAY.with(|underway| {
        let mut index = 0;
        while index < underway.len() {
            if !underway[index].advance() {
                index += 1;
                continue;
            }
            came_back = true;
            if let Some(next) = underway.swap_remove(index).finish() {
                // There is room: the one it continues was just taken out.
                underway.push(next);
            }
        }
    });
    if came_back {
        transit::wake_all();
    }
    came_back
}

/// Sends victims out until enough frames are free or enough writes are under way.
#[cold]
fn clean() {
    while with_memory(|memory| memory.pager.should_go_on_cleaning())
        && UNDERWAY.with(|underway| underway.len() < TICKETS_MAX / 2)
    {
        match with_memory(|memory| memory.pager.clean(&mut memory.mmu)) {
            Cleaned::Freed => {}
            Cleaned::Write(ticket) => {
                let added = UNDERWAY.with(|underway| underway.try_push(next_write(ticket)).is_ok());
                debug_assert!(added, "half of the places are free");
            }
            Cleaned::Nothing => break,
        }
    }
    advance();
}
