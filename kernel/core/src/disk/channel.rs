//! The channel: one command at a time, the next one as soon as the last has ended, and a reset for a drive that is silent.
//!
//! ```text
//!          submit                 interrupt               the reset line
//! Idle ------------> Running ---------------> Idle   .--> was held for a tick --> Settling ---> Idle
//!                       |                            |                               |
//!                       '--- silent for 10 s: HoldingReset                           '--- silent for 31 s: Dead
//! ```

use super::command::Command;
use super::error::DiskError;
use super::queue::{Queue, RequestId};
use super::request::{Request, Segment, SubmitError};
use super::task_file::Addressing;

/// How long a command may take, in ticks of 10 ms.
const COMMAND_TICKS: u64 = 1000;

/// How long a drive may take to come back from a reset (AT Attachment with Packet Interface, "Software reset": 31 s).
const SETTLE_TICKS: u64 = 3100;

/// How far a command has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is still under way.
    Pending,
    /// It has ended.
    Ended(Result<(), DiskError>),
}

/// What moves the registers.
pub trait Controller {
    /// Gives the drive a command, whose end an interrupt will announce.
    ///
    /// # Errors
    /// Why the drive did not take it.
    fn start(&mut self, command: Command, segments: impl Iterator<Item = Segment>) -> Result<(), DiskError>;

    /// Finds out what the drive wants after an interrupt, or after a time without one; moves data if it waits for that.
    fn advance(&mut self) -> Progress;

    /// Stops whatever is under way and holds the drive in reset.
    fn hold_reset(&mut self);

    /// Ends the reset.
    fn release_reset(&mut self);

    /// The drive is through with its reset.
    fn is_settled(&mut self) -> bool;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No disk was found.
    Absent,
    Idle,
    Running {
        since: u64,
    },
    HoldingReset,
    Settling {
        since: u64,
    },
    Dead,
}

/// A disk with its queue. `now` is always the tick counter; `wake` is called for everyone whose request is done.
pub struct Channel<W, C> {
    queue: Queue<W>,
    controller: C,
    state: State,
}

impl<W: Copy, C: Controller> Channel<W, C> {
    /// A channel without a disk.
    pub const fn new(controller: C) -> Self {
        Self { queue: Queue::new(), controller, state: State::Absent }
    }

    /// A disk was found; requests are taken from now on.
    pub const fn attach(&mut self, sector_count: u32, addressing: Addressing) {
        self.queue.set_disk(sector_count, addressing);
        self.state = State::Idle;
    }

    /// The registers.
    pub const fn controller(&mut self) -> &mut C {
        &mut self.controller
    }

    /// How many sectors the disk has; 0 without a disk.
    pub const fn sector_count(&self) -> u32 {
        self.queue.sector_count()
    }

    /// Takes a request in, and starts it at once if the disk is idle.
    ///
    /// # Errors
    /// See [`Queue::submit`].
    pub fn submit(
        &mut self,
        request: &Request<'_, W>,
        now: u64,
        wake: impl FnMut(W),
    ) -> Result<RequestId, SubmitError> {
        let id = self.queue.submit(request)?;
        self.start_if_idle(now, wake);
        Ok(id)
    }

    /// Takes a flush in: see [`Queue::submit_flush`].
    ///
    /// # Errors
    /// See [`Queue::submit_flush`].
    pub fn submit_flush(&mut self, waiter: Option<W>, now: u64, wake: impl FnMut(W)) -> Result<RequestId, SubmitError> {
        let id = self.queue.submit_flush(waiter)?;
        self.start_if_idle(now, wake);
        Ok(id)
    }

    /// The request's result is there.
    pub fn is_done(&self, id: RequestId) -> bool {
        self.queue.is_done(id)
    }

    /// Takes the request's result: see [`Queue::take`].
    pub fn take(&mut self, id: RequestId) -> Option<Result<(), DiskError>> {
        self.queue.take(id)
    }

    /// The drive has raised its interrupt.
    pub fn on_interrupt(&mut self, now: u64, wake: impl FnMut(W)) {
        // In any other state nothing waits for it: asking the controller makes the drive take the interrupt back.
        let progress = self.controller.advance();
        if let (State::Running { .. }, Progress::Ended(result)) = (self.state, progress) {
            self.end_command(result, now, wake);
        }
    }

    /// A tick has passed.
    pub fn on_tick(&mut self, now: u64, wake: impl FnMut(W)) {
        match self.state {
            State::Absent | State::Idle | State::Dead => {}
            State::Running { since } if now.wrapping_sub(since) < COMMAND_TICKS => {}
            State::Running { .. } => self.on_silence(now, wake),
            State::HoldingReset => {
                self.controller.release_reset();
                self.state = State::Settling { since: now };
            }
            // The drive may take 2 ms to say that it is busy with the reset, so it is asked from the next tick on.
            State::Settling { since } if now == since => {}
            State::Settling { .. } if self.controller.is_settled() => {
                self.state = State::Idle;
                self.start_if_idle(now, wake);
            }
            State::Settling { since } if now.wrapping_sub(since) >= SETTLE_TICKS => {
                self.state = State::Dead;
                self.queue.close(DiskError::Dead, wake);
            }
            State::Settling { .. } => {}
        }
    }

    /// No interrupt for too long: either only the interrupt was lost, or the drive hangs.
    fn on_silence(&mut self, now: u64, mut wake: impl FnMut(W)) {
        match self.controller.advance() {
            Progress::Ended(result) => self.end_command(result, now, wake),
            Progress::Pending => {
                self.controller.hold_reset();
                self.state = State::HoldingReset;
                self.queue.finish(Err(DiskError::Timeout), &mut wake);
            }
        }
    }

    fn end_command(&mut self, result: Result<(), DiskError>, now: u64, mut wake: impl FnMut(W)) {
        self.queue.finish(result, &mut wake);
        self.state = State::Idle;
        self.start_if_idle(now, wake);
    }

    /// Starts the next command. One that the drive does not take is over at once, and the one after it has its turn.
    fn start_if_idle(&mut self, now: u64, mut wake: impl FnMut(W)) {
        while self.state == State::Idle
            && let Some(command) = self.queue.begin()
        {
            match self.controller.start(command, self.queue.command_segments()) {
                Ok(()) => self.state = State::Running { since: now },
                Err(error) => self.queue.finish(Err(error), &mut wake),
            }
        }
    }
}
