//! Files get onto the disk: one by Sync, all of them when the machine ends.

use abi::Errno;
use abi::record::DirectoryEntry;
use fakefs::layout::MAX_FILES;
use kcore::vm_pool::FileRef;

use super::commit::commit_and_flush;
use super::{id_of, len_bytes, with_files};
use crate::drivers::console::kprintln;
use crate::memory::paging::with_memory;
use crate::memory::write_back;
use crate::process::scheduler;

/// How often the machine tries to save everything before it ends.
const ATTEMPTS: u32 = 3;
/// How long it waits between two attempts: a disk that was reset may need that.
const PAUSE_MS: u32 = 500;

/// Some changes of files are not on the disk.
#[derive(Clone, Copy, Debug)]
pub struct NotSaved;

/// Writes back the changes of a file, without telling of errors; waits.
pub fn write_back(file: FileRef) {
    write_back::write_back(Some(file));
}

/// Writes all changes of a file to the disk; waits until they are there.
///
/// # Errors
/// `Io` if some could not be written, or were lost since the last Sync.
pub fn sync(file: FileRef) -> Result<(), Errno> {
    write_contents(file);
    let has_losses = with_files(|files| files.take_losses(id_of(file)));
    let is_complete = !has_losses && !with_memory(|memory| memory.pager.has_unwritable(Some(file)));
    let written = if is_complete { Ok(()) } else { Err(Errno::Io) };
    let change = with_files(|files| files.change_of(id_of(file)));
    written.and(commit_and_flush(change))
}

/// Writes the contents of a file. The next commit writes its length, whatever became of the contents.
fn write_contents(file: FileRef) {
    let len = len_bytes(file);
    write_back::write_back(Some(file));
    with_files(|files| files.contents_saved(id_of(file), len));
}

/// Writes all changes of all files to the disk; waits. If some cannot be written, says so on the console, tries again, and says at last
/// which files have lost changes.
///
/// # Errors
/// `NotSaved`.
pub fn save_all() -> Result<(), NotSaved> {
    for attempt in 1..=ATTEMPTS {
        let committed = save_once();
        if committed.is_ok() && unsaved_files().next().is_none() {
            return Ok(());
        }
        if attempt < ATTEMPTS {
            kprintln!("kernel: the disk has not taken all changes of files; trying again");
            // A process that was killed does not wait.
            let _ = scheduler::sleep(PAUSE_MS);
        }
    }
    kprintln!("kernel: the disk does not take all changes of files");
    unsaved_files().for_each(|file| kprintln!("kernel: changes of `{}` are lost", file.name()));
    Err(NotSaved)
}

/// Tries once to save everything.
fn save_once() -> Result<(), Errno> {
    write_back::write_back(None);
    for (file, _) in files() {
        // The contents of all others are written by now.
        if with_files(|files| files.has_unsaved_length(id_of(file))) {
            write_contents(file);
        }
    }
    commit_and_flush(with_files(|files| files.last_change()))
}

/// All files with names. A file that gets or loses its name meanwhile may be among them.
fn files() -> impl Iterator<Item = (FileRef, DirectoryEntry)> {
    (0..MAX_FILES).filter_map(|slot| {
        with_files(|files| {
            let entry = files.entry_at(slot)?;
            Some((FileRef::new(entry.id.to_raw()), DirectoryEntry::new(entry.name, entry.len_bytes)?))
        })
    })
}

/// The files whose changes the last attempt could not save.
fn unsaved_files() -> impl Iterator<Item = DirectoryEntry> {
    let is_saved = |file: FileRef| {
        let is_in_table =
            with_files(|files| files.is_saved(files.change_of(id_of(file))) && !files.has_losses(id_of(file)));
        is_in_table && !with_memory(|memory| memory.pager.has_unwritable(Some(file)))
    };
    files().filter(move |(file, _)| !is_saved(*file)).map(|(_, entry)| entry)
}
