//! Who runs: round robin over the runnable processes, ten milliseconds each.

use kcore::process_table::{ProcessSlot, ProcessTable};
use kcore::run_queue::RunQueue;
use kcore::sleepers::Sleepers;

use super::{Current, Process};
use crate::cell::KernelCell;
use crate::cpu::{fpu, gdt, interrupts, switch};
use crate::drivers::timer;
use crate::memory::paging::with_memory;

/// All that is known of processes.
pub struct Scheduler {
    /// The processes.
    pub table: ProcessTable<Process>,
    queue: RunQueue,
    sleepers: Sleepers,
    /// Who runs; nobody while the CPU idles.
    current: Option<ProcessSlot>,
    /// Whose kernel stack is in use: the current process's, or that of the last one while the CPU idles.
    stack_of: Option<ProcessSlot>,
    /// A process that has ended, and whose stack was in use until the switch away from it.
    ended: Option<Process>,
}

static SCHEDULER: KernelCell<Option<Scheduler>> = KernelCell::new(None);

/// Makes an empty scheduler, once, at boot.
///
/// # Panics
/// If there is no memory for its queues.
pub fn init() {
    let (Ok(queue), Ok(sleepers)) = (RunQueue::new(), Sleepers::new()) else {
        panic!("no memory for the scheduler's queues");
    };
    let scheduler =
        Scheduler { table: ProcessTable::default(), queue, sleepers, current: None, stack_of: None, ended: None };
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

/// Blocks the current process until [`wake`] is called for it. Whoever wakes a process may do so for another reason, so the
/// caller looks again at what it waits for.
pub fn block() {
    with_scheduler(|scheduler| scheduler.current = None);
    run_next();
}

/// Lets other runnable processes run first.
pub fn yield_now() {
    with_scheduler(|scheduler| {
        if let Some(slot) = scheduler.current.take() {
            scheduler.wake(slot);
        }
    });
    run_next();
}

/// Blocks the current process until the timer has counted `ticks` more ticks, or the next one if that is later.
pub fn sleep(ticks: u32) {
    let wake_at = timer::ticks().saturating_add(u64::from(ticks));
    let slot = current_slot();
    while timer::ticks() < wake_at {
        with_scheduler(|scheduler| scheduler.sleepers.add(slot, wake_at));
        block();
        with_scheduler(|scheduler| scheduler.sleepers.remove(slot));
    }
}

/// Wakes the sleepers that are due. Called at every tick of the timer.
pub fn wake_sleepers() {
    with_scheduler(|scheduler| {
        while let Some(slot) = scheduler.sleepers.pop_due(timer::ticks()) {
            scheduler.wake(slot);
        }
    });
}

/// The time slice of the current process is used up: others go first, if there are any. Called at a tick of the timer that
/// interrupted ring 3.
pub fn end_of_slice() {
    if with_scheduler(|scheduler| !scheduler.queue.is_empty()) {
        yield_now();
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
        scheduler.current = None;
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

/// Switches to the next runnable process, idling until there is one. Returns when the caller's process is chosen again.
fn run_next() {
    let next = loop {
        match with_scheduler(|scheduler| scheduler.queue.pop()) {
            Some(slot) => break slot,
            None => interrupts::wait_for_interrupt(),
        }
    };
    let same_stack = with_scheduler(|scheduler| {
        scheduler.current = Some(next);
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
            self.queue.enqueue(slot);
        }
    }

    /// Forgets whatever waits for this process to be chosen.
    pub(super) fn forget(&mut self, slot: ProcessSlot) {
        self.queue.remove(slot);
        self.sleepers.remove(slot);
    }
}
