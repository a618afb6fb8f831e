//! Processes: what the kernel keeps of each, and how they come and go.
//!
//! Who exists and who waits for whom is decided in [`kcore::process_table`]; here is what needs the CPU. A process is one thread with
//! an address space and a kernel stack of its own. Kernel code is not preempted; it gives way only in [`scheduler::block`],
//! [`scheduler::yield_now`] and [`scheduler::preemption_point`].

mod create;
mod current;
mod end;
mod info;
mod kill;
pub mod messages;
pub mod opened;
pub mod scheduler;
pub mod transit;
pub mod waiters;

use alloc::boxed::Box;

use abi::process::{ProcessName, ProcessState};
use kcore::addr::{Frame, Pid, VirtAddr};
use kcore::frame_table::SpaceId;
use kcore::messages::Mailbox;

pub use create::{CreateError, create};
pub use current::Current;
pub use end::{bury_child, end_current, wait_for_child};
pub use info::info;
pub use kill::{Killed, end_if_killed, interrupt_foreground, kill, may_shut_down, set_class, set_foreground};

use crate::cpu::fpu::FpuState;
use crate::files::FileUse;
use crate::memory::stacks::KernelStack;

/// What a blocked process waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    /// A time.
    Time,
    /// The end of a child.
    Child,
    /// A line of the console, or a key.
    Console,
    /// A transfer of the disk, or room in its queue.
    Disk,
    /// A page on its way from or to the disk.
    Page,
    /// A message.
    Message,
}

impl From<WaitsFor> for ProcessState {
    fn from(what: WaitsFor) -> Self {
        match what {
            WaitsFor::Time => Self::Sleeping,
            WaitsFor::Child => Self::WaitsForChild,
            WaitsFor::Console => Self::WaitsForConsole,
            WaitsFor::Disk => Self::WaitsForDisk,
            WaitsFor::Page => Self::WaitsForPage,
            WaitsFor::Message => Self::WaitsForMessage,
        }
    }
}

/// What the kernel keeps of a process while it is alive.
pub struct Process {
    name: ProcessName,
    /// Where its registers are while it does not run.
    stack: KernelStack,
    space: SpaceId,
    directory: Frame,
    fpu: Box<FpuState>,
    mailbox: Mailbox,
    /// Its program's file stays open as long as pages may be read from it.
    _program: FileUse,
    /// What else it has open.
    opened: opened::Opened,
    /// What it needs to begin; taken when it first runs.
    start: Option<Start>,
    /// What it waits for, if it neither runs nor is queued to.
    waits_for: WaitsFor,
    /// How long it has had the CPU before it was given it last, in counts of the time-stamp counter.
    cpu_tsc: u64,
}

impl AsMut<Mailbox> for Process {
    #[inline]
    fn as_mut(&mut self) -> &mut Mailbox {
        &mut self.mailbox
    }
}

/// The process with the lowest pid of those that run the program in file `name`.
pub fn find(name: &str) -> Option<Pid> {
    let name = ProcessName::new(name);
    scheduler::with_scheduler(|scheduler| scheduler.table.lowest_pid(|process| process.name == name))
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
