//! The disk: drive 0 of the primary ATA channel, by bus-master DMA, or by the CPU where there is no bus master.
//!
//! Requests are submitted and waited for separately. Whoever waits is blocked; the interrupt handler takes the result, starts
//! the next command at once, and wakes who waited for the last one. What the queue merges and how failures are treated is
//! decided in [`kcore::disk`].

mod bus_master;
mod controller;
mod detect;
mod registers;

use kcore::disk::{Channel, Identity, RequestId, Segment, SubmitError};
use kcore::process_table::ProcessSlot;

pub use detect::{NoDisk, Transfers};
pub use kcore::disk::{Direction, DiskError, SectorIndex};

use super::{pic, timer};
use crate::cell::KernelCell;
use crate::cpu::interrupts;
use crate::process::waiters::Waiters;
use crate::process::{WaitsFor, scheduler};
use controller::AtaController;

/// The primary channel's interrupt line.
pub const LINE: u8 = 14;

/// A request to the disk; see [`kcore::disk::Request`].
pub type Request<'a> = kcore::disk::Request<'a, ProcessSlot>;

static DISK: KernelCell<Channel<ProcessSlot, AtaController>> = {
    // SAFETY: nothing else in the kernel makes a controller. Segments get to it by `submit` alone, which demands of its callers that
    // their memory is set aside until the result was taken; there is no result before the command has ended.
    let controller = unsafe { AtaController::new() };
    KernelCell::new(Channel::new(controller))
};

/// Who waits for room in the queue.
static ROOM: KernelCell<Waiters> = KernelCell::new(Waiters::new());

/// Finds the disk. Interrupts must be set up, and the timer must tick: a drive that does not answer is given up.
///
/// # Errors
/// Why there is no disk.
pub fn init(transfers: Transfers) -> Result<Identity, NoDisk> {
    let identity = DISK.with(|disk| detect::set_up(disk.controller(), transfers))?;
    DISK.with(|disk| disk.attach(identity.sector_count, identity.addressing));
    pic::unmask(LINE);
    Ok(identity)
}

/// How many sectors the disk has; 0 if there is none, or if it has stopped answering.
pub fn disk_sectors() -> u32 {
    DISK.with(|disk| disk.sector_count())
}

/// Starts a transfer, or queues it behind others. Its result must be [taken](take).
///
/// # Safety
/// The memory of `request` must be set aside for it until the result was taken: the disk changes it in a read, and what
/// changes in it during a write may or may not reach the disk.
///
/// # Errors
/// A [`SubmitError`]; nothing was started then.
pub unsafe fn submit(request: &Request<'_>) -> Result<RequestId, SubmitError> {
    DISK.with(|disk| disk.submit(request, timer::ticks(), scheduler::wake))
}

/// Takes a request's result; `None` if it is still under way.
pub fn take(id: RequestId) -> Option<Result<(), DiskError>> {
    let result = DISK.with(|disk| disk.take(id))?;
    ROOM.with(Waiters::wake_all);
    Some(result)
}

/// Moves sectors between the disk and memory, all with one request. The current process waits; at boot, when there is none, the CPU
/// rests until the disk is done.
///
/// # Safety
/// Nothing else may use the memory meanwhile.
///
/// # Errors
/// A [`DiskError`]; `NotFound` also if the request is not on the disk at all.
pub unsafe fn transfer(direction: Direction, first_sector: SectorIndex, segments: &[Segment]) -> Result<(), DiskError> {
    // SAFETY: the caller's promise; `finish` returns only after the result was taken.
    finish(|waiter| unsafe { submit(&Request { direction, first_sector, segments, waiter }) })
}

/// Brings everything written before onto the medium.
///
/// # Errors
/// A [`DiskError`].
pub fn flush() -> Result<(), DiskError> {
    finish(|waiter| DISK.with(|disk| disk.submit_flush(waiter, timer::ticks(), scheduler::wake)))
}

/// Submits a request as soon as the queue has room, and waits for its result.
fn finish(mut submit: impl FnMut(Option<ProcessSlot>) -> Result<RequestId, SubmitError>) -> Result<(), DiskError> {
    let waiter = scheduler::is_running().then(scheduler::current_slot);
    let wait = || if waiter.is_some() { scheduler::block(WaitsFor::Disk) } else { interrupts::wait_for_interrupt() };
    let id = loop {
        match submit(waiter) {
            Ok(id) => break id,
            Err(SubmitError::QueueFull) => {
                if let Some(waiter) = waiter {
                    ROOM.with(|room| room.add(waiter));
                }
                wait();
            }
            Err(error) => return Err(refusal(error)),
        }
    };
    // Whoever is woken may have been woken for another reason.
    loop {
        match take(id) {
            Some(result) => return result,
            None => wait(),
        }
    }
}

/// The disk has raised its interrupt.
pub(super) fn on_interrupt() {
    DISK.with(|disk| disk.on_interrupt(timer::ticks(), scheduler::wake));
}

/// A tick has passed.
pub(super) fn on_tick(now: u64) {
    DISK.with(|disk| disk.on_tick(now, scheduler::wake));
}

/// What a request that was not even taken in means to somebody who only wants the data.
///
/// # Panics
/// If the request was no request at all: that is a bug of whoever made it.
fn refusal(error: SubmitError) -> DiskError {
    match error {
        SubmitError::PastEnd { .. } => DiskError::NotFound,
        SubmitError::NoDisk => DiskError::Dead,
        SubmitError::QueueFull | SubmitError::BadLength | SubmitError::BadSegment(_) => panic!("{error}"),
    }
}
