//! The CPU changes hands: stack and address space, and whose turn it is.

use core::sync::atomic::{AtomicBool, Ordering};

use kcore::addr::Frame;
use kcore::process_table::ProcessSlot;

use super::{Current, Process, Scheduler, with_scheduler};
use crate::cpu::switch::{self, StackEnd};
use crate::cpu::{fpu, gdt, interrupts};
use crate::drivers::timer;
use crate::memory::paging::with_memory;

/// There is an [ended](Scheduler::ended) process: asked after every switch.
static HAS_ENDED: AtomicBool = AtomicBool::new(false);

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
pub(in crate::process) fn leave_for_good(ended: Process) -> ! {
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
pub(in crate::process) fn bury() {
    if HAS_ENDED.load(Ordering::Relaxed) {
        HAS_ENDED.store(false, Ordering::Relaxed);
        drop(with_scheduler(|scheduler| scheduler.ended.take()));
    }
}

/// Switches to the process that is drawn, idling until there is one. Returns when the caller's process is chosen again.
///
/// Lets interrupts in first: many processes may have work in the kernel and wait again, or end, without a way through ring 3.
pub(super) fn run_next() {
    interrupts::let_in();
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
pub(super) fn finish(change: Option<Change>) {
    if let Some(change) = change {
        change.perform();
        bury();
    }
}

/// What a switch from one process to another needs.
pub(super) struct Change {
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
    /// Makes `next` the current process: trap stack and floating-point owner change here, the rest by what is returned, unless the
    /// CPU is on its stack already.
    pub(super) fn give_cpu(&mut self, next: ProcessSlot) -> Option<Change> {
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

    /// Takes the CPU from the current process, if there is one, and notes how long it had it.
    #[inline]
    pub(super) fn leave_cpu(&mut self) -> Option<(ProcessSlot, &mut Process)> {
        let slot = self.current.take()?;
        let process = self.table.get_mut(slot)?;
        process.cpu_tsc = process.cpu_tsc.wrapping_add(timer::tsc().wrapping_sub(self.current_since));
        Some((slot, process))
    }
}
