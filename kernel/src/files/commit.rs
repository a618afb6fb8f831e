//! Commits: the process that carries one out waits for the disk, and all others that need one wait for it.
//!
//! What is written, in which order, and what becomes of it is decided in [`fakefs`].

use abi::Errno;
use fakefs::{BlockDevice, Change, CommitStep};

use super::{partition, with_files};
use crate::cell::KernelCell;
use crate::process::waiters::Waiters;
use crate::process::{WaitsFor, scheduler};

/// Processes that wait for the end of the commit that is under way.
static WAITING: KernelCell<Waiters> = KernelCell::new(Waiters::new());

/// Returns once a change to names or lengths is on the disk; waits.
///
/// # Errors
/// `Io`; the change stays in memory, and the next commit tries it again.
pub fn commit(change: Change) -> Result<(), Errno> {
    loop {
        match with_files(|files| files.begin_commit(change)) {
            CommitStep::Saved => return Ok(()),
            CommitStep::UnderWay => {
                WAITING.with(|waiters| waiters.add(scheduler::current_slot()));
                scheduler::block(WaitsFor::Disk);
            }
            CommitStep::Write(commit) => {
                let written = commit.write_to(&mut partition());
                let done = with_files(|files| files.committed(commit, written));
                WAITING.with(Waiters::wake_all);
                return done.map_err(|_| Errno::Io);
            }
        }
    }
}

/// As [`commit`]; returns once everything that was written before is on the disk, too.
///
/// # Errors
/// `Io`.
pub fn commit_and_flush(change: Change) -> Result<(), Errno> {
    // A commit begins with a flush. The contents were written before it began: only then has the change got its number.
    if with_files(|files| files.is_saved(change)) { partition().flush().map_err(|_| Errno::Io) } else { commit(change) }
}
