//! What the current process has open and mapped.

use abi::Errno;
use alloc::vec::Vec;
use kcore::addr::Page;
use kcore::handles::Handles;
use kcore::vm_pool::FileRef;

use super::Process;
use super::scheduler::{self, with_scheduler};
use crate::files::{self, FileUse};

/// An open file.
pub struct OpenFile {
    /// Which.
    pub file: FileUse,
    /// The byte that is read or written next.
    pub position: u32,
}

/// A mapped file: it stays while it is mapped, whoever closes or removes it.
pub struct Mapped {
    /// The first page of the mapping.
    pub start: Page,
    /// The file.
    pub file: FileUse,
    /// It is mapped to be written to.
    pub writes: bool,
}

/// Everything a process has open.
#[derive(Default)]
pub struct Opened {
    handles: Handles<OpenFile>,
    mapped: Vec<Mapped>,
}

/// Works on what the current process has open. Nothing in `work` may wait.
fn with_opened<R>(work: impl FnOnce(&mut Opened) -> R) -> R {
    let slot = scheduler::current_slot();
    let done = with_scheduler(|scheduler| {
        scheduler.table.get_mut(slot).map(|process: &mut Process| work(&mut process.opened))
    });
    match done {
        Some(result) => result,
        None => unreachable!("the current process is in the table"),
    }
}

/// Gives the file a handle.
///
/// # Errors
/// `TooManyOpen`.
pub fn add(file: FileUse) -> Result<u32, Errno> {
    // A file that finds no place is closed only after the table was left.
    let added = with_opened(|opened| opened.handles.open(OpenFile { file, position: 0 }));
    added.map_err(|_| Errno::TooManyOpen)
}

/// Works on an open file. Nothing in `work` may wait.
///
/// # Errors
/// `BadHandle`.
pub fn with<R>(handle: u32, work: impl FnOnce(&mut OpenFile) -> R) -> Result<R, Errno> {
    with_opened(|opened| opened.handles.get_mut(handle).map(work)).ok_or(Errno::BadHandle)
}

/// Closes a handle.
///
/// # Errors
/// `BadHandle`.
pub fn close(handle: u32) -> Result<(), Errno> {
    let closed = with_opened(|opened| opened.handles.close(handle));
    closed.map(drop).ok_or(Errno::BadHandle)
}

/// Makes sure that [`add_mapping`] will have room.
///
/// # Errors
/// `OutOfMemory`.
pub fn reserve_mapping() -> Result<(), Errno> {
    with_opened(|opened| opened.mapped.try_reserve(1)).map_err(|_| Errno::OutOfMemory)
}

/// Remembers a mapping.
pub fn add_mapping(mapped: Mapped) {
    with_opened(|opened| opened.mapped.push(mapped));
}

/// Forgets the mapping that begins at `start`.
pub fn take_mapping(start: Page) -> Option<Mapped> {
    with_opened(|opened| {
        let place = opened.mapped.iter().position(|mapped| mapped.start == start)?;
        Some(opened.mapped.swap_remove(place))
    })
}

/// Brings what the current process has changed through mappings onto the disk; waits. If that fails, whoever syncs the file next is
/// told.
pub fn write_back_mappings() {
    let next = |index: usize| -> Option<Option<FileRef>> {
        with_opened(|opened| {
            let mapped = opened.mapped.get(index)?;
            Some(mapped.writes.then(|| mapped.file.file_ref()))
        })
    };
    let mut index = 0;
    while let Some(file) = next(index) {
        if let Some(file) = file {
            files::write_back(file);
        }
        index += 1;
    }
}
