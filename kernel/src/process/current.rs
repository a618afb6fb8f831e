//! The process that runs, where every call and trap finds it with a few instructions.
//!
//! A copy of what the scheduler knows, written when a process is given the CPU. While nobody has it, the copy is of the last one, whose
//! kernel stack is still in use.

use core::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering};

use kcore::addr::Pid;
use kcore::frame_table::SpaceId;
use kcore::process_table::ProcessSlot;

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

static SLOT: AtomicU16 = AtomicU16::new(0);
/// 0 before the first process runs.
static PID: AtomicU32 = AtomicU32::new(0);
static SPACE: AtomicU16 = AtomicU16::new(0);

/// It was killed. Set when it is given the CPU, and when Ctrl-C ends it: nobody else can kill it while it has it.
static IS_KILLED: AtomicBool = AtomicBool::new(false);

impl Current {
    /// The process that runs now.
    ///
    /// # Panics
    /// If called before the first process runs.
    #[inline]
    pub fn get() -> Self {
        Self {
            slot: ProcessSlot::new(SLOT.load(Ordering::Relaxed)),
            pid: Self::pid(),
            space: SpaceId::new(SPACE.load(Ordering::Relaxed)),
        }
    }

    /// The pid of the process that runs now.
    ///
    /// # Panics
    /// If called before the first process runs.
    #[inline]
    pub fn pid() -> Pid {
        match PID.load(Ordering::Relaxed) {
            0 => nobody(),
            pid => Pid::new(pid),
        }
    }

    /// Makes it the one that [`get`](Self::get) returns.
    pub(super) fn set(self, is_killed: bool) {
        SLOT.store(self.slot.number(), Ordering::Relaxed);
        PID.store(self.pid.number(), Ordering::Relaxed);
        SPACE.store(self.space.number(), Ordering::Relaxed);
        IS_KILLED.store(is_killed, Ordering::Relaxed);
    }

    /// It was killed while it has the CPU.
    pub(super) fn kill() {
        IS_KILLED.store(true, Ordering::Relaxed);
    }
}

/// The process that runs was killed, and is on its way out.
#[inline]
pub fn is_killed() -> bool {
    IS_KILLED.load(Ordering::Relaxed)
}

#[cold]
fn nobody() -> ! {
    panic!("no process runs yet")
}
