//! Who runs. Which process is next is decided in [`kcore::scheduling`]; here the CPU changes hands.
//!
//! A time slice ends with the tick of the timer, after ten milliseconds at most. Kernel code is not preempted: a process in a
//! call gives way only where it waits ([`block`]) or asks to ([`yield_now`]).

use core::sync::atomic::{AtomicBool, Ordering};

use abi::process::ProcessState;
use kcore::addr::Pid;
use kcore::command_line::CommandLine;
use kcore::process_table::{ProcessSlot, ProcessTable};
use kcore::rng::Rng;
use kcore::scheduling::{Dispatcher, Sleepers};

use super::{Current, Killed, Process, WaitsFor};
use crate::cell::KernelCell;
use crate::cpu::{fpu, gdt, interrupts, switch};
use crate::drivers::timer;
use crate::memory::paging::with_memory;

/// All that is known of processes.
pub struct Scheduler {
    /// The processes.
    pub table: ProcessTable<Process>,
    /// Who runs next, and the processes' classes.
    pub dispatcher: Dispatcher,
    sleepers: Sleepers,
    /// Who runs; nobody while the CPU idles.
    current: Option<ProcessSlot>,
    /// When it was given the CPU, by the time-stamp counter.
    current_since: u64,
    /// Whose kernel stack is in use: the current process's, or that of the last one while the CPU idles.
    stack_of: Option<ProcessSlot>,
    /// A process that has ended, and whose stack was in use until the switch away from it.
    ended: Option<Process>,
}

static SCHEDULER: KernelCell<Option<Scheduler>> = KernelCell::new(None);

/// The process that runs was killed. Kept apart from the table since every way back to ring 3 looks at it. It is set when the
/// process is given the CPU: nobody else can kill it while it has it.
static IS_KILLED: AtomicBool = AtomicBool::new(false);

/// Makes an empty scheduler, once, at boot.
///
/// # Panics
/// If there is no memory for its queues.
pub fn init(options: &CommandLine<'_>) {
    let rng = Rng::from_seed(options.seed.unwrap_or_else(timer::tsc));
    let (Ok(dispatcher), Ok(sleepers)) = (Dispatcher::new(rng), Sleepers::new()) else {
        panic!("no memory for the scheduler's queues");
    };
    let scheduler = Scheduler {
        table: ProcessTable::default(),
        dispatcher,
        sleepers,
        current: None,
        current_since: 0,
        stack_of: None,
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
    with_scheduler(|scheduler| scheduler.stack_of.is_some())
}

/// The process that runs now.
///
/// # Panics
/// If called before the first process runs.
#[inline]
pub fn current_slot() -> ProcessSlot {
    match with_scheduler(|scheduler| scheduler.current) {
        Some(slot) => slot,
        None => panic!("no process runs yet"),
    }
}

/// The process that runs now, with what most calls need of it.
///
/// # Panics
/// If called before the first process runs.
#[inline]
pub fn current() -> Current {
    let current = with_scheduler(|scheduler| {
        let slot = scheduler.current?;
        Some(Current { slot, pid: scheduler.table.pid(slot)?, space: scheduler.table.get(slot)?.space })
    });
    match current {
        Some(current) => current,
        None => panic!("no process runs yet"),
    }
}

/// Puts a process where the scheduler finds it, unless it runs or is already there.
#[inline]
pub fn wake(slot: ProcessSlot) {
    with_scheduler(|scheduler| scheduler.wake(slot));
}

/// Blocks the current process until [`wake`] is called for it, even if it was killed: what it waits for comes soon. Whoever
/// wakes a process may do so for another reason, so the caller looks again at what it waits for.
pub fn block(why: WaitsFor) {
    with_scheduler(|scheduler| {
        if let Some(slot) = scheduler.leave_cpu() {
            scheduler.dispatcher.gave_way(slot);
            if let Some(process) = scheduler.table.get_mut(slot) {
                process.waits_for = why;
            }
        }
    });
    run_next();
}

/// As [`block`], for waits that may take long.
///
/// # Errors
/// [`Killed`] if the process was killed before or meanwhile: it goes back to where calls and traps end as quickly as it can, and ends there.
pub fn block_unless_killed(why: WaitsFor) -> Result<(), Killed> {
    if is_killed() {
        return Err(Killed);
    }
    block(why);
    if is_killed() { Err(Killed) } else { Ok(()) }
}

/// The process that runs was killed, and is on its way out.
#[inline]
pub fn is_killed() -> bool {
    IS_KILLED.load(Ordering::Relaxed)
}

/// Who has killed the process that runs, if it was killed.
pub fn killer() -> Option<Pid> {
    with_scheduler(|scheduler| scheduler.table.killer(scheduler.current?))
}

/// Gives way: the draw for the CPU is made anew, with the current process behind all others of its class.
pub fn yield_now() {
    with_scheduler(|scheduler| {
        if let Some(slot) = scheduler.leave_cpu() {
            scheduler.dispatcher.gave_way(slot);
            scheduler.dispatcher.enqueue(slot);
        }
    });
    run_next();
}

/// Blocks the current process until the timer has counted `ticks` more ticks, or the next one if that is later.
///
/// # Errors
/// [`Killed`] if it was killed meanwhile.
pub fn sleep(ticks: u32) -> Result<(), Killed> {
    let wake_at = timer::ticks().saturating_add(u64::from(ticks));
    let slot = current_slot();
    while timer::ticks() < wake_at {
        with_scheduler(|scheduler| scheduler.sleepers.add(slot, wake_at));
        let blocked = block_unless_killed(WaitsFor::Time);
        with_scheduler(|scheduler| scheduler.sleepers.remove(slot));
        blocked?;
    }
    Ok(())
}

/// Wakes the sleepers that are due. Called at every tick of the timer.
pub fn wake_sleepers() {
    with_scheduler(|scheduler| {
        while let Some(slot) = scheduler.sleepers.pop_due(timer::ticks()) {
            scheduler.wake(slot);
        }
    });
}

/// The time slice of the current process is used up: the draw is made anew. Called at a tick of the timer that interrupted ring 3.
pub fn end_of_slice() {
    let others_wait = with_scheduler(|scheduler| {
        let Some(slot) = scheduler.current else { return false };
        scheduler.dispatcher.used_slice(slot);
        if scheduler.dispatcher.is_empty() {
            return false;
        }
        scheduler.leave_cpu();
        scheduler.dispatcher.enqueue(slot);
        true
    });
    if others_wait {
        run_next();
    }
}

/// Gives the first process the CPU. Boot ends here.
pub fn run_first() -> ! {
    run_next();
    unreachable!("nobody switches back to the boot stack: it belongs to no process");
}

/// Ends the current process's use of the CPU for good. Its payload stays until its stack is no longer in use.
pub(super) fn leave_for_good(ended: Process) -> ! {
    with_scheduler(|scheduler| {
        scheduler.leave_cpu();
        scheduler.stack_of = None;
        scheduler.ended = Some(ended);
    });
    run_next();
    unreachable!("nobody switches back to a process that has ended");
}

/// Gives back what is left of the process that was switched away from for good. Every switch is followed by this.
pub(super) fn bury() {
    drop(with_scheduler(|scheduler| scheduler.ended.take()));
}

/// Switches to the process that is drawn, idling until there is one. Returns when the caller's process is chosen again.
fn run_next() {
    let next = loop {
        match with_scheduler(|scheduler| scheduler.dispatcher.choose()) {
            Some(slot) => break slot,
            None => interrupts::wait_for_interrupt(),
        }
    };
    let same_stack = with_scheduler(|scheduler| {
        scheduler.current = Some(next);
        scheduler.current_since = timer::tsc();
        IS_KILLED.store(scheduler.table.killer(next).is_some(), Ordering::Relaxed);
        scheduler.stack_of == Some(next)
    });
    if !same_stack {
        switch_to(next);
        bury();
    }
}

/// Changes stack, address space and floating-point owner.
fn switch_to(next: ProcessSlot) {
    let (from, to, directory) = with_scheduler(|scheduler| {
        let from = scheduler.stack_of.replace(next);
        let from = from.and_then(|slot| scheduler.table.get_mut(slot)).map(|process| &raw mut process.saved);
        let Some(process) = scheduler.table.get_mut(next) else { panic!("{next:?} is runnable but not alive") };
        gdt::set_kernel_stack(process.stack.top());
        fpu::switch_to(&mut process.fpu);
        (from, process.saved, process.directory)
    });
    // SAFETY: the directory belongs to a process that is alive; every directory has the complete kernel half.
    with_memory(|memory| unsafe { memory.mmu.activate(directory) });
    // SAFETY: `to` was saved by the last switch away from a process that is alive, or made by `SavedStack::new` on its own stack.
    // `from` points into the process table, which nothing changes before it has been written.
    unsafe { switch::switch(from, to) };
}

impl Scheduler {
    fn wake(&mut self, slot: ProcessSlot) {
        if self.current != Some(slot) && self.table.get(slot).is_some() {
            self.dispatcher.enqueue(slot);
        }
    }

    /// Takes the CPU from the current process, if there is one, and notes how long it had it.
    fn leave_cpu(&mut self) -> Option<ProcessSlot> {
        let slot = self.current.take()?;
        let used = timer::tsc().saturating_sub(self.current_since);
        if let Some(process) = self.table.get_mut(slot) {
            process.cpu_tsc += used;
        }
        Some(slot)
    }

    /// For how long the process in `slot` has had the CPU since it was given it last; 0 if it does not have it.
    pub(super) fn since_given_cpu(&self, slot: ProcessSlot) -> u64 {
        if self.current == Some(slot) { timer::tsc().saturating_sub(self.current_since) } else { 0 }
    }

    /// What the process in `slot` does now.
    pub(super) fn state(&self, slot: ProcessSlot) -> ProcessState {
        match self.table.get(slot) {
            None => ProcessState::Ended,
            Some(_) if self.current == Some(slot) => ProcessState::Running,
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
