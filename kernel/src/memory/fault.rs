//! Page faults: repaired if a promise covers them, fatal to the process if not.

use core::sync::atomic::{AtomicBool, Ordering};

use abi::layout::KERNEL_START;
use abi::{Errno, ExitReason};
use kcore::addr::VirtAddr;
use kcore::fault::{Fault, FaultError};

use super::paging;
use crate::cpu::usercopy;
use crate::process::{self, scheduler};

/// A fault in ring 3. Returns if the access may be tried again, or the process was killed; otherwise the process ends.
#[inline]
pub fn from_user(fault: &Fault, instruction: VirtAddr) {
    if let Err(error) = paging::repair(scheduler::current().space, fault) {
        process::end_current(ExitReason::Fault {
            kind: error.kind(fault.address),
            access: fault.access,
            address: fault.address.raw(),
            instruction: instruction.raw(),
        });
    }
}

/// A fault in ring 0: allowed only while a call copies from or to user memory. Returns where to go on: at the same instruction
/// once the page is there, or at the copy's error exit. `None` if the kernel itself is at fault.
pub fn from_kernel(fault: &Fault, instruction: VirtAddr) -> Option<VirtAddr> {
    let error_exit = usercopy::fixup_for(instruction)?;
    if fault.address.raw() >= KERNEL_START {
        return None;
    }
    match paging::repair(scheduler::current().space, fault) {
        // A killed process gives the copy up: its fault may not have been waited for.
        Ok(()) if !scheduler::is_killed() => Some(instruction),
        Ok(()) => Some(error_exit),
        Err(error) => {
            IS_UNREADABLE.store(error == FaultError::ReadFailed, Ordering::Relaxed);
            Some(error_exit)
        }
    }
}

/// The last copy that was refused was so because the disk could not read a page. Set right before the copy's error exit.
static IS_UNREADABLE: AtomicBool = AtomicBool::new(false);

/// Why the copy that was refused just now was.
pub fn refusal() -> Errno {
    if IS_UNREADABLE.swap(false, Ordering::Relaxed) { Errno::Io } else { Errno::BadAddress }
}
