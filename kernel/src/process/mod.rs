//! Processes: what the kernel keeps of each, and how they come and go.
//!
//! Who exists and who waits for whom is decided in [`kcore::process_table`]; here is what needs the CPU. A process is one thread with
//! an address space and a kernel stack of its own. Kernel code is not preempted; it gives way only in [`scheduler::block`]
//! and [`scheduler::yield_now`].

mod create;
mod end;
pub mod scheduler;
pub mod transit;
pub mod waiters;

use alloc::boxed::Box;

use arrayvec::ArrayString;
use kcore::addr::{Frame, Pid, VirtAddr};
use kcore::frame_table::SpaceId;
use kcore::process_table::ProcessSlot;

pub use create::{CreateError, create};
pub use end::{end_current, wait_for_child};

use crate::cpu::fpu::FpuState;
use crate::cpu::switch::SavedStack;
use crate::files::FileUse;
use crate::memory::stacks::KernelStack;

/// Longest name kept of a process, in bytes; longer ones are cut.
const NAME_MAX: usize = 32;

/// What the kernel keeps of a process while it is alive.
pub struct Process {
    name: ArrayString<NAME_MAX>,
    stack: KernelStack,
    /// Where its registers are while it does not run.
    saved: SavedStack,
    space: SpaceId,
    directory: Frame,
    fpu: Box<FpuState>,
    /// Its program's file stays open as long as pages may be read from it.
    _program: FileUse,
    /// What it needs to begin; taken when it first runs.
    start: Option<Start>,
}

/// How a new process begins.
struct Start {
    entry: VirtAddr,
    arguments: Arguments,
}

/// A program's name and arguments: each followed by a zero byte.
pub struct Arguments {
    bytes: Box<[u8]>,
    count: u32,
}

/// The process that made the current call or trap.
#[derive(Clone, Copy)]
pub struct Current {
    /// Its place in the table.
    pub slot: ProcessSlot,
    /// Its pid.
    pub pid: Pid,
    /// Its address space.
    pub space: SpaceId,
}
