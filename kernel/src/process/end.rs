//! How a process ends, and how its parent learns of it.

use abi::record::{Account, ExitStatus};
use abi::{Access, Errno, ExitReason, FaultKind};
use kcore::addr::Pid;
use kcore::frame_table::SpaceId;
use kcore::messages;
use kcore::pager::{AddressSpace, Freed};
use kcore::process_table::{ChildChoice, WaitError, WaitOutcome};

use super::WaitsFor;
use super::opened;
use super::scheduler::{self, with_scheduler};
use crate::cpu::fpu;
use crate::drivers::console::kprintln;
use crate::memory::kernel_directory;
use crate::memory::paging::with_memory;

/// Ends the current process. Everything it held is given back at once, but for the kernel stack it stands on. If it was killed, that is
/// the reason, whatever it was up to.
pub fn end_current(reason: ExitReason) -> ! {
    let current = scheduler::current();
    let reason = scheduler::killer().map_or(reason, |by| ExitReason::Killed(by.number()));
    if let ExitReason::Fault { .. } = reason {
        let name = with_scheduler(|scheduler| scheduler.table.get(current.slot).map(|process| process.name));
        kprintln!("process {} ({}) ended: {reason}", current.pid, name.unwrap_or_default().as_str());
    }
    opened::close_all();
    opened::write_back_mappings();
    if current.pid == Pid::INIT {
        crate::start::init_ended(reason);
    }
    let account = leave_space(current.space);
    let status = ExitStatus { pid: current.pid.number(), reason, account };
    let ended = with_scheduler(|scheduler| {
        scheduler.forget(current.slot);
        messages::remove_all(&mut scheduler.table, current.slot);
        scheduler.table.end(current.slot, status)
    });
    let Some((mut process, woken)) = ended else { panic!("process {} ended twice", current.pid) };
    fpu::forget(&mut process.fpu);
    [woken.parent, woken.init].into_iter().flatten().for_each(scheduler::wake);
    scheduler::leave_for_good(process)
}

/// Frees the current process's space part by part, and makes the kernel's own directory the active one. Returns the space's account.
fn leave_space(space: SpaceId) -> Account {
    loop {
        let (account, freed) = with_memory(|memory| {
            let account = memory.pager.spaces().get(space).map(AddressSpace::account).copied();
            let freed = memory.pager.destroy_space(&mut memory.mmu, space);
            if freed == Freed::All {
                // SAFETY: the kernel's own directory lives as long as the kernel.
                unsafe { memory.mmu.activate(kernel_directory()) };
            }
            (account.unwrap_or_default(), freed)
        });
        if freed == Freed::All {
            return account;
        }
        scheduler::preemption_point();
    }
}

/// Ends a process whose arguments could not be put on its stack.
pub(super) fn end_without_stack() -> ! {
    let address = abi::layout::STACK_END - 4;
    end_current(ExitReason::Fault { kind: FaultKind::StackRefused, access: Access::Write, address, instruction: 0 })
}

/// Waits until a child has ended and returns how. Once the caller knows, [`bury_child`].
///
/// # Errors
/// `NoChild`, or `NoSuchProcess` if `choice` names nobody or no child. Some error, too, if the caller was killed meanwhile.
pub fn wait_for_child(choice: ChildChoice) -> Result<ExitStatus, Errno> {
    let slot = scheduler::current_slot();
    loop {
        match with_scheduler(|scheduler| scheduler.table.wait(slot, choice)) {
            Ok(WaitOutcome::Ended(status)) => return Ok(status),
            Ok(WaitOutcome::MustWait) => scheduler::block_unless_killed(WaitsFor::Child)?,
            Err(WaitError::NoChild) => return Err(Errno::NoChild),
            Err(WaitError::NotAChild) => return Err(Errno::NoSuchProcess),
        }
    }
}

/// Removes an ended child of the current process.
pub fn bury_child(pid: Pid) {
    let slot = scheduler::current_slot();
    with_scheduler(|scheduler| scheduler.table.bury(slot, pid));
}
