//! Breaking the kernel's own rules on request, so that its reports can be seen and tested.

use kcore::addr::VirtAddr;
use kcore::command_line::{CommandLine, Provocation};

use crate::cell::KernelCell;
use crate::drivers::timer;

static WANTED: KernelCell<Option<Provocation>> = KernelCell::new(None);

/// A page of the kernel half that is never mapped: the first one between the kernel stacks and their end is a guard.
const NOWHERE: VirtAddr = VirtAddr::new(crate::memory::layout::STACK_AREA);

/// Notes what the command line asks for.
pub fn prepare(options: &CommandLine<'_>) {
    WANTED.with(|wanted| *wanted = options.provoke);
}

/// Does it, if anything was asked for. Called by the first process, on its own kernel stack.
pub fn run() {
    match WANTED.with(|wanted| wanted.take()) {
        None => {}
        Some(Provocation::PageFault) => {
            // SAFETY: none is claimed: the page fault is what was asked for, and ends the machine.
            let _ = unsafe { pointer(NOWHERE).read_volatile() };
        }
        Some(Provocation::WriteToText) => {
            let text = u32::try_from((run as *const ()).expose_provenance()).unwrap_or(0);
            // SAFETY: as above.
            unsafe { pointer(VirtAddr::new(text)).write_volatile(0) };
        }
        Some(Provocation::StackOverflow) => {
            use_up_stack(0);
        }
        Some(Provocation::Panic) => panic!("as the command line asked for"),
        Some(Provocation::HastyTicks) => timer::be_hasty(),
    }
}

fn pointer(at: VirtAddr) -> *mut u8 {
    core::ptr::with_exposed_provenance_mut(at.raw() as usize)
}

/// Calls itself, with some bytes on the stack at each level, until the guard page below the stack is hit.
fn use_up_stack(depth: u32) -> u32 {
    let bytes = core::hint::black_box([depth; 64]);
    if depth == u32::MAX {
        return depth;
    }
    use_up_stack(depth + 1) + bytes[(depth % 64) as usize]
}
