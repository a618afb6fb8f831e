//! Who runs. Which process is next is decided in [`kcore::scheduling`]; here the CPU changes hands.
//!
//! A time slice ends with the tick of the timer, after ten milliseconds at most. Kernel code is not preempted: a process in a
//! call gives way only where it waits ([`block`]), where it asks to ([`yield_now`]), and, if it may be long, at
//! its [`preemption_point`]s.

mod switching;
mod waiting;

use abi::process::ProcessState;
use kcore::addr::Pid;
use kcore::command_line::CommandLine;
use kcore::process_table::{Foreground, ProcessSlot, ProcessTable};
use kcore::rng::Rng;
use kcore::scheduling::{Dispatcher, Sleepers};

pub use super::current::is_killed;
use super::{Current, Killed, Process, WaitsFor};
use crate::cell::KernelCell;
use crate::cpu::switch::StackEnd;
use crate::drivers::timer;
pub(super) use switching::{bury, leave_for_good};
pub use switching::{end_of_slice, hand_over, preemption_point, run_first, yield_now};
pub use waiting::{block, block_unless_killed, block_until, hand_over_and_block, sleep, wait_until, wake_sleepers};

/// All that is known of processes.
pub struct Scheduler {
    /// The processes.
    pub table: ProcessTable<Process>,
    /// Who runs next, and the processes' classes.
    pub dispatcher: Dispatcher,
    /// Whom Ctrl-C ends.
    pub foreground: Foreground,
    sleepers: Sleepers,
    /// Who runs; nobody while the CPU idles.
    current: Option<ProcessSlot>,
    /// When it was given the CPU, by the time-stamp counter.
    current_since: u64,
    /// The kernel stack in use: the current process's, or that of the last one while the CPU idles. None at boot, and while the
    /// last one has ended.
    stack: Option<StackEnd>,
    /// A process that has ended, and whose stack was in use until the switch away from it.
    ended: Option<Process>,
}

static SCHEDULER: KernelCell<Option<Scheduler>> = KernelCell::new(None);

/// Makes an empty scheduler, once, at boot.
///
/// # Panics
/// If there is no memory for its tables.
pub fn init(options: &CommandLine<'_>) {
    let rng = Rng::from_seed(options.seed.unwrap_or_else(timer::tsc));
    let (Ok(table), Ok(dispatcher), Ok(sleepers)) = (ProcessTable::new(), Dispatcher::new(rng), Sleepers::new()) else {
        panic!("no memory for the scheduler's tables");
    };
    let scheduler = Scheduler {
        table,
        dispatcher,
        foreground: Foreground::default(),
        sleepers,
        current: None,
        current_since: 0,
        stack: None,
        ended: None,
    };
    SCHEDULER.with(|place| *place = Some(scheduler));
}

/// Works on the scheduler's state. Nothing in `work` may wait.
#[inline]
pub fn with_scheduler<R>(work: impl FnOnce(&mut Scheduler) -> R) -> R {
    SCHEDULER.with(|scheduler| match scheduler {
        Some(scheduler) => work(scheduler),
        None => panic!("the scheduler is used before `scheduler::init`"),
    })
}

/// Some process runs: boot is over.
pub fn is_running() -> bool {
    with_scheduler(|scheduler| scheduler.stack.is_some())
}

/// The process that runs now.
///
/// # Panics
/// If called before the first process runs.
#[inline]
pub fn current_slot() -> ProcessSlot {
    current().slot
}

/// The pid of the process that runs now.
///
/// # Panics
/// If called before the first process runs.
#[inline]
pub fn current_pid() -> Pid {
    Current::pid()
}

/// The process that runs now, with what most calls need of it.
///
/// # Panics
/// If called before the first process runs.
#[inline]
pub fn current() -> Current {
    Current::get()
}

/// Puts a process where the scheduler finds it, unless it runs or is already there.
#[inline]
pub fn wake(slot: ProcessSlot) {
    with_scheduler(|scheduler| scheduler.wake(slot));
}

/// Who has killed the process that runs, if it was killed.
pub fn killer() -> Option<Pid> {
    with_scheduler(|scheduler| scheduler.table.killer(scheduler.current?))
}

impl Scheduler {
    fn wake(&mut self, slot: ProcessSlot) {
        if !self.is_current(slot) && self.table.get(slot).is_some() {
            self.dispatcher.enqueue(slot);
        }
    }

    /// Kills the processes in the foreground; returns whether there are any. The one that runs may be among them: it was interrupted, and
    /// ends where it would go on.
    pub(super) fn interrupt_foreground(&mut self) -> bool {
        let Self { table, dispatcher, foreground, current, .. } = self;
        foreground.interrupt(table, |slot| match current {
            Some(current) if *current == slot => Current::kill(),
            _ => dispatcher.enqueue(slot),
        })
    }

    #[inline]
    fn is_current(&self, slot: ProcessSlot) -> bool {
        self.current == Some(slot)
    }

    /// For how long the process in `slot` has had the CPU since it was given it last; 0 if it does not have it.
    pub(super) fn since_given_cpu(&self, slot: ProcessSlot) -> u64 {
        if self.is_current(slot) { timer::tsc().saturating_sub(self.current_since) } else { 0 }
    }

    /// What the process in `slot` does now.
    pub(super) fn state(&self, slot: ProcessSlot) -> ProcessState {
        match self.table.get(slot) {
            None => ProcessState::Ended,
            Some(_) if self.is_current(slot) => ProcessState::Running,
            Some(_) if self.dispatcher.is_queued(slot) => ProcessState::Runnable,
            Some(process) => process.waits_for.into(),
        }
    }

    /// Forgets whatever waits for this process to be chosen.
    pub(super) fn forget(&mut self, slot: ProcessSlot) {
        self.dispatcher.remove(slot);
        self.sleepers.remove(slot);
    }
}
