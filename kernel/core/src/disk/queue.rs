//! The queue: what was asked, in what order it is done, and what came of it.
//!
//! The oldest request goes first. Later ones may join its command if they continue it, and if that does not carry them past
//! one they must stay behind: requests that overlap are done in the order in which they were made. Reads do not overtake
//! writes otherwise: what a faulting process waits for is as often a write that frees a frame as a read that fills it.

use arrayvec::ArrayVec;

use super::command::{Command, Operation};
use super::error::DiskError;
use super::request::{REQUEST_SEGMENTS_MAX, Request, SectorIndex, Segment, SubmitError, sector_count};
use super::task_file::Addressing;

/// How many requests can be waiting, under way, or done and not yet taken.
pub const QUEUE_CAPACITY: usize = 64;

/// How many runs of memory a command can have: those of a request, or of some that were merged.
pub const COMMAND_SEGMENTS_MAX: usize = 64;

/// How many requests a command can serve.
const COMMAND_REQUESTS_MAX: usize = 16;

/// How often a request is tried.
const ATTEMPTS_MAX: u8 = 2;

/// Names a request until its result is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId {
    slot: u8,
    /// Counts the requests that had this slot, so that an id that was kept too long is noticed.
    generation: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Free,
    Waiting,
    Active,
    Done(Result<(), DiskError>),
}

struct Slot<W> {
    stage: Stage,
    generation: u32,
    command: Command,
    segments: ArrayVec<Segment, REQUEST_SEGMENTS_MAX>,
    waiter: Option<W>,
    attempts: u8,
}

impl<W> Slot<W> {
    const FREE: Self = Self {
        stage: Stage::Free,
        generation: 0,
        command: Command { operation: Operation::Flush, first_sector: SectorIndex::new(0), sector_count: 0 },
        segments: ArrayVec::new_const(),
        waiter: None,
        attempts: 0,
    };
}

/// The requests of one disk. `W` names who waits for a request.
pub struct Queue<W> {
    slots: [Slot<W>; QUEUE_CAPACITY],
    /// Slots of requests that wait, oldest first.
    waiting: ArrayVec<u8, QUEUE_CAPACITY>,
    /// Slots of the requests that the current command serves, in the order of their sectors.
    active: ArrayVec<u8, COMMAND_REQUESTS_MAX>,
    sector_count: u32,
    command_sectors_max: u32,
}

impl<W: Copy> Queue<W> {
    /// An empty queue for a disk of no sectors, which refuses everything.
    pub const fn new() -> Self {
        Self {
            slots: [const { Slot::FREE }; QUEUE_CAPACITY],
            waiting: ArrayVec::new_const(),
            active: ArrayVec::new_const(),
            sector_count: 0,
            command_sectors_max: 0,
        }
    }

    /// Says what disk it is.
    pub const fn set_disk(&mut self, sector_count: u32, addressing: Addressing) {
        self.sector_count = sector_count;
        self.command_sectors_max = addressing.command_sectors_max();
    }

    /// How many sectors the disk has.
    pub const fn sector_count(&self) -> u32 {
        self.sector_count
    }

    /// Takes a transfer in.
    ///
    /// # Errors
    /// `QueueFull` until a result is taken, `NoDisk`, `PastEnd`; `BadLength` and `BadSegment` for what is no request at all: see
    /// [`SubmitError`]. Nothing has changed then.
    pub fn submit(&mut self, request: &Request<'_, W>) -> Result<RequestId, SubmitError> {
        let sector_count = sector_count(request.segments)?;
        if sector_count > self.command_sectors_max {
            return Err(if self.sector_count == 0 { SubmitError::NoDisk } else { SubmitError::BadLength });
        }
        let first_sector = request.first_sector;
        match first_sector.checked_add(sector_count) {
            Some(end) if end.number() <= self.sector_count => {}
            _ => return Err(SubmitError::PastEnd { first_sector, sector_count }),
        }
        let operation = Operation::Transfer(request.direction);
        self.enqueue(Command { operation, first_sector, sector_count }, request.segments, request.waiter)
    }

    /// Asks that everything submitted before gets onto the medium; nothing submitted later is done before that.
    ///
    /// # Errors
    /// `QueueFull` or `NoDisk`.
    pub fn submit_flush(&mut self, waiter: Option<W>) -> Result<RequestId, SubmitError> {
        if self.sector_count == 0 {
            return Err(SubmitError::NoDisk);
        }
        let command = Command { operation: Operation::Flush, first_sector: SectorIndex::new(0), sector_count: 0 };
        self.enqueue(command, &[], waiter)
    }

    /// The request's result is there.
    ///
    /// # Panics
    /// If the result was taken already.
    pub fn is_done(&self, id: RequestId) -> bool {
        matches!(self.slot(id).stage, Stage::Done(_))
    }

    /// Takes the request's result, and with it the request out of the queue. `None` if it is not done yet.
    ///
    /// # Panics
    /// If the result was taken already.
    pub fn take(&mut self, id: RequestId) -> Option<Result<(), DiskError>> {
        match self.slot(id).stage {
            Stage::Done(result) => {
                self.slots[usize::from(id.slot)].stage = Stage::Free;
                Some(result)
            }
            _ => None,
        }
    }

    /// How many requests are in the queue, those included whose results nobody has taken yet.
    pub fn len(&self) -> usize {
        self.slots.iter().filter(|slot| slot.stage != Stage::Free).count()
    }

    /// Nothing is in the queue.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes the oldest request, and those that can join it, the current command.
    ///
    /// `None` if there is a current command already, or nothing to do.
    pub fn begin(&mut self) -> Option<Command> {
        if !self.active.is_empty() || self.waiting.is_empty() {
            return None;
        }
        self.activate(0);
        // A request that failed before goes alone, so that its neighbours do not fail with it again.
        if self.slots[usize::from(self.active[0])].attempts == 0 {
            while let Some(position) = self.next_to_join() {
                self.activate(position);
            }
        }
        self.command()
    }

    /// The current command.
    pub fn command(&self) -> Option<Command> {
        let first = self.slots[usize::from(*self.active.first()?)].command;
        let sector_count = self.active_slots().map(|slot| slot.command.sector_count).sum();
        Some(Command { sector_count, ..first })
    }

    /// The memory of the current command, in the order of its sectors.
    pub fn command_segments(&self) -> impl Iterator<Item = Segment> {
        self.active_slots().flat_map(|slot| slot.segments.iter().copied())
    }

    /// Ends the current command. Its requests are done, and `wake` is called for those who wait for them; or they wait to be
    /// tried again: because the failure may have been chance, or because others were in the same command and may be to blame.
    pub fn finish(&mut self, result: Result<(), DiskError>, mut wake: impl FnMut(W)) {
        let was_alone = self.active.len() == 1;
        // From the last to the first, since each goes to the front of those that wait.
        while let Some(index) = self.active.pop() {
            let slot = &mut self.slots[usize::from(index)];
            slot.attempts += 1;
            let is_retried = match result {
                Ok(()) => false,
                Err(DiskError::Dead) => false,
                Err(error) => slot.attempts < ATTEMPTS_MAX && (error.is_transient() || !was_alone),
            };
            if is_retried {
                slot.stage = Stage::Waiting;
                self.waiting.insert(0, index);
            } else {
                slot.stage = Stage::Done(result);
                slot.waiter.take().into_iter().for_each(&mut wake);
            }
        }
    }

    /// The disk is gone: everything that waits fails with `error`, and nothing is taken in any more.
    pub fn close(&mut self, error: DiskError, mut wake: impl FnMut(W)) {
        self.sector_count = 0;
        self.command_sectors_max = 0;
        for index in self.waiting.drain(..) {
            let slot = &mut self.slots[usize::from(index)];
            slot.stage = Stage::Done(Err(error));
            slot.waiter.take().into_iter().for_each(&mut wake);
        }
    }

    fn enqueue(&mut self, command: Command, segments: &[Segment], waiter: Option<W>) -> Result<RequestId, SubmitError> {
        let free = (0u8..).zip(&mut self.slots).find(|(_, slot)| slot.stage == Stage::Free);
        let Some((index, slot)) = free else { return Err(SubmitError::QueueFull) };
        slot.stage = Stage::Waiting;
        slot.generation = slot.generation.wrapping_add(1);
        slot.command = command;
        slot.segments.clear();
        slot.segments.extend(segments.iter().copied());
        slot.waiter = waiter;
        slot.attempts = 0;
        self.waiting.push(index);
        Ok(RequestId { slot: index, generation: slot.generation })
    }

    fn slot(&self, id: RequestId) -> &Slot<W> {
        match self.slots.get(usize::from(id.slot)) {
            Some(slot) if slot.generation == id.generation && slot.stage != Stage::Free => slot,
            _ => panic!("the result of {id:?} was taken already"),
        }
    }

    fn active_slots(&self) -> impl Iterator<Item = &Slot<W>> {
        self.active.iter().map(|&index| &self.slots[usize::from(index)])
    }

    fn waiting_slot(&self, position: usize) -> &Slot<W> {
        &self.slots[usize::from(self.waiting[position])]
    }

    fn activate(&mut self, position: usize) {
        let index = self.waiting.remove(position);
        self.slots[usize::from(index)].stage = Stage::Active;
        self.active.push(index);
    }

    /// The position of a waiting request that continues the current command and may overtake those before it.
    fn next_to_join(&self) -> Option<usize> {
        let command = self.command()?;
        let segment_count = self.command_segments().count();
        if self.active.is_full() || command.operation == Operation::Flush {
            return None;
        }
        (0..self.waiting.len()).find(|&position| {
            let slot = self.waiting_slot(position);
            slot.command.operation == command.operation
                && slot.command.first_sector.number() == command.end()
                && slot.attempts == 0
                && command.sector_count + slot.command.sector_count <= self.command_sectors_max
                && segment_count + slot.segments.len() <= COMMAND_SEGMENTS_MAX
                && (0..position).all(|earlier| !self.waiting_slot(earlier).command.conflicts_with(slot.command))
        })
    }
}

impl<W: Copy> Default for Queue<W> {
    fn default() -> Self {
        Self::new()
    }
}
