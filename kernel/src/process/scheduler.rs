//! Who runs. Which process is next is decided in [`kcore::scheduling`]; here the CPU changes hands.
//!
//! A time slice ends with the tick of the timer, after ten milliseconds at most. Kernel code is not preempted: a process in a
//! call gives way only where it waits ([`block`]), where it asks to ([`yield_now`]), and, if it may be long, at
//! its [`preemption_point`]s.

use core::sync::atomic::{AtomicBool, Ordering};

use abi::process::ProcessState;
use kcore::addr::{Frame, Pid};
use kcore::clock::Deadline;
use kcore::command_line::CommandLine;
use kcore::process_table::{Foreground, ProcessSlot, ProcessTable};
use kcore::rng::Rng;
use kcore::scheduling::{Dispatcher, Sleepers};

pub use super::current::is_killed;
use super::{Current, Killed, Process, WaitsFor};
use crate::cell::KernelCell;
use crate::cpu::switch::{self, StackEnd};
use crate::cpu::{fpu, gdt, interrupts};
use crate::drivers::timer;
use crate::memory::paging::with_memory;

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

/// There is an [ended](Scheduler::ended) process: asked after every switch.
static HAS_ENDED: AtomicBool = AtomicBool::new(false);

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

/// Blocks the current process until [`wake`] is called for it, even if it was killed: what it waits for comes soon. Whoever
/// wakes a process may do so for another reason, so the caller looks again at what it waits for.
pub fn block(why: WaitsFor) {
    with_scheduler(|scheduler| scheduler.block_current(why));
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

/// Who has killed the process that runs, if it was killed.
pub fn killer() -> Option<Pid> {
    with_scheduler(|scheduler| scheduler.table.killer(scheduler.current?))
}

/// Gives way: the draw for the CPU is made anew, with the current process behind all others of its class.
pub fn yield_now() {
    with_scheduler(|scheduler| {
        if let Some((slot, _)) = scheduler.leave_cpu() {
            scheduler.dispatcher.gave_way(slot);
            scheduler.dispatcher.enqueue(slot);
        }
    });
    run_next();
}

/// Gives what is left of the current process's time slice to `next`, a blocked process that can go on. The current one stays runnable,
/// behind all others of its class.
pub fn hand_over(next: ProcessSlot) {
    let change = with_scheduler(|scheduler| {
        if let Some((slot, _)) = scheduler.leave_cpu() {
            scheduler.dispatcher.hand_over(slot, next);
        }
        scheduler.give_cpu(next)
    });
    finish(change);
}

/// [`hand_over`] by a process that does not stay runnable, but blocks as in [`block_unless_killed`], and no longer than
/// [`block_until`] if there is a deadline.
///
/// # Errors
/// As there; `next` can go on then, too.
#[inline]
pub fn hand_over_and_block(next: ProcessSlot, why: WaitsFor, deadline: Option<Deadline>) -> Result<(), Killed> {
    if is_killed() {
        wake(next);
        return Err(Killed);
    }
    until(deadline, || {
        finish(with_scheduler(|scheduler| {
            scheduler.block_current(why);
            scheduler.dispatcher.remove(next);
            scheduler.give_cpu(next)
        }));
    });
    if is_killed() { Err(Killed) } else { Ok(()) }
}

/// Blocks the current process for at least so many milliseconds.
///
/// # Errors
/// [`Killed`] if it was killed meanwhile.
pub fn sleep(milliseconds: u32) -> Result<(), Killed> {
    let deadline = timer::deadline(milliseconds);
    while !deadline.has_passed(timer::now()) {
        block_until(deadline, WaitsFor::Time)?;
    }
    Ok(())
}

/// As [`block_unless_killed`], but no longer than until a tick by which the deadline may have passed.
///
/// # Errors
/// As there.
pub fn block_until(deadline: Deadline, why: WaitsFor) -> Result<(), Killed> {
    until(Some(deadline), || block_unless_killed(why))
}

/// Wakes the current process at a tick by which the deadline may have passed, if there is one, unless `wait` has returned before.
#[inline]
fn until<R>(deadline: Option<Deadline>, wait: impl FnOnce() -> R) -> R {
    let Some(deadline) = deadline else { return wait() };
    let (slot, wake_at) = (current_slot(), deadline.wake_at(timer::now()));
    with_scheduler(|scheduler| scheduler.sleepers.add(slot, wake_at));
    let waited = wait();
    with_scheduler(|scheduler| scheduler.sleepers.remove(slot));
    waited
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

/// Lets interrupts in, and ends the time slice of the current process if it is used up. Called where a call may be much work without ever
/// waiting; nothing may be borrowed there.
#[inline]
pub fn preemption_point() {
    let before = timer::ticks();
    interrupts::let_in();
    if timer::ticks() != before {
        end_of_slice();
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
        scheduler.stack = None;
        scheduler.ended = Some(ended);
        HAS_ENDED.store(true, Ordering::Relaxed);
    });
    run_next();
    unreachable!("nobody switches back to a process that has ended");
}

/// Gives back what is left of the process that was switched away from for good. Every switch is followed by this.
pub(super) fn bury() {
    if HAS_ENDED.load(Ordering::Relaxed) {
        HAS_ENDED.store(false, Ordering::Relaxed);
        drop(with_scheduler(|scheduler| scheduler.ended.take()));
    }
}

/// Switches to the process that is drawn, idling until there is one. Returns when the caller's process is chosen again.
fn run_next() {
    let change = loop {
        let drawn = with_scheduler(|scheduler| scheduler.dispatcher.choose().map(|next| scheduler.give_cpu(next)));
        match drawn {
            Some(change) => break change,
            None => interrupts::wait_for_interrupt(),
        }
    };
    finish(change);
}

/// Does what is left to do to switch; nothing if the CPU is on the right stack already.
#[inline]
fn finish(change: Option<Change>) {
    if let Some(change) = change {
        change.perform();
        bury();
    }
}

/// What a switch from one process to another needs.
struct Change {
    /// The stack in use; none if nobody will come back to it.
    from: Option<StackEnd>,
    to: StackEnd,
    directory: Frame,
}

impl Change {
    /// Changes stack and address space.
    fn perform(self) {
        // SAFETY: the directory belongs to a process that is alive; every directory has the complete kernel half.
        with_memory(|memory| unsafe { memory.mmu.activate(self.directory) });
        // SAFETY: `to` is the stack of a process that is alive: prepared when that was made, or left by the last switch away from it. `from`
        // is in use since the last switch, and stays mapped until its process has ended.
        unsafe { switch::switch(self.from, self.to) };
    }
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

    /// Makes `next` the current process: trap stack and floating-point owner change here, the rest by what is returned, unless the
    /// CPU is on its stack already.
    fn give_cpu(&mut self, next: ProcessSlot) -> Option<Change> {
        let Some((process, pid, is_killed)) = self.table.to_run(next) else {
            panic!("{next:?} is runnable but not alive")
        };
        Current { slot: next, pid, space: process.space }.set(is_killed);
        self.current = Some(next);
        self.current_since = timer::tsc();
        let to = process.stack.end();
        let from = self.stack.replace(to);
        if from == Some(to) {
            return None;
        }
        gdt::set_kernel_stack(to.first_push());
        fpu::switch_to(&mut process.fpu);
        Some(Change { from, to, directory: process.directory })
    }

    #[inline]
    fn is_current(&self, slot: ProcessSlot) -> bool {
        self.current == Some(slot)
    }

    /// Takes the CPU from the current process, which can go on only when what it waits for has come.
    fn block_current(&mut self, why: WaitsFor) {
        if let Some((slot, process)) = self.leave_cpu() {
            process.waits_for = why;
            self.dispatcher.gave_way(slot);
        }
    }

    /// Takes the CPU from the current process, if there is one, and notes how long it had it.
    #[inline]
    fn leave_cpu(&mut self) -> Option<(ProcessSlot, &mut Process)> {
        let slot = self.current.take()?;
        let process = self.table.get_mut(slot)?;
        process.cpu_tsc = process.cpu_tsc.wrapping_add(timer::tsc().wrapping_sub(self.current_since));
        Some((slot, process))
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
