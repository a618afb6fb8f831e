//! Who uses a file, and as what.

use abi::Errno;
use alloc::vec::Vec;
use fakefs::FileId;
use fakefs::layout::MAX_FILES;
use kcore::vm_pool::FileRef;

use super::{errno, with_files};
use crate::cell::KernelCell;
use crate::memory::paging;

/// What somebody does with a file. A program's file is not written to while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Has it open, and reads it.
    Reader,
    /// Runs it.
    Program,
    /// Writes to it: by a call that is under way, or at any time through a mapping.
    Writer,
}

/// How many use a file in which role; readers are not counted.
struct Users {
    file: FileId,
    programs: u32,
    writers: u32,
}

/// The files that are used as a program or written to. The list has room for all files from [`init`] on.
static USERS: KernelCell<Vec<Users>> = KernelCell::new(Vec::new());

/// Takes memory for as many users as there can be files: a list that grows later would leave holes in the kernel's heap.
///
/// # Errors
/// `OutOfMemory`.
pub(super) fn init() -> Result<(), Errno> {
    USERS.with(|users| users.try_reserve_exact(MAX_FILES)).map_err(|_| Errno::OutOfMemory)
}

/// Somebody uses a file: its contents stay until this is dropped, even if its name is removed.
#[derive(Debug)]
pub struct FileUse {
    id: FileId,
    role: Role,
}

impl FileUse {
    /// Opens the file of this name.
    ///
    /// # Errors
    /// `NoSuchFile`, `NotPermitted` for the swap file.
    pub fn open(name: &str) -> Result<Self, Errno> {
        // Its slots hold everybody's memory.
        if name == abi::image::SWAP_FILE {
            return Err(Errno::NotPermitted);
        }
        let id = with_files(|files| files.open(name)).map_err(errno)?;
        Ok(Self { id, role: Role::Reader })
    }

    /// Makes an empty file and opens it. No other process can open it until [its name is saved](super::save_name).
    ///
    /// # Errors
    /// `BadName`, `AlreadyExists`, `DiskFull`, `OutOfMemory`; there is no such file then.
    pub fn create(name: &str) -> Result<Self, Errno> {
        let id = with_files(|files| files.create(name)).map_err(errno)?;
        Ok(Self { id, role: Role::Reader })
    }

    /// Opens the same file once more.
    ///
    /// # Errors
    /// `NoSuchFile`, which cannot be while this one is open.
    pub fn again(&self) -> Result<Self, Errno> {
        with_files(|files| files.open_again(self.id)).map_err(errno)?;
        Ok(Self { id: self.id, role: Role::Reader })
    }

    /// The key by which regions and pages name the file.
    pub const fn file_ref(&self) -> FileRef {
        FileRef::new(self.id.to_raw())
    }

    /// Uses it as a program.
    ///
    /// # Errors
    /// `Busy` if it is mapped for writing or a call is writing to it, `OutOfMemory`.
    pub fn into_program(self) -> Result<Self, Errno> {
        self.with_role(Role::Program)
    }

    /// Uses it to write to it, as long as this lives.
    ///
    /// # Errors
    /// `Busy` if it is the file of a running program, `OutOfMemory`.
    pub fn into_writer(self) -> Result<Self, Errno> {
        self.with_role(Role::Writer)
    }

    fn with_role(mut self, role: Role) -> Result<Self, Errno> {
        USERS.with(|users| {
            let place = users.iter().position(|one| one.file == self.id).unwrap_or(users.len());
            if place == users.len() {
                users.try_reserve(1).map_err(|_| Errno::OutOfMemory)?;
                users.push(Users { file: self.id, programs: 0, writers: 0 });
            }
            let one = &mut users[place];
            match role {
                Role::Program if one.writers > 0 => return Err(Errno::Busy),
                Role::Writer if one.programs > 0 => return Err(Errno::Busy),
                Role::Program => one.programs += 1,
                Role::Writer => one.writers += 1,
                Role::Reader => {}
            }
            Ok(())
        })?;
        self.role = role;
        Ok(self)
    }
}

impl Drop for FileUse {
    fn drop(&mut self) {
        USERS.with(|users| {
            if let Some(one) = users.iter_mut().find(|one| one.file == self.id) {
                match self.role {
                    Role::Reader => {}
                    Role::Program => one.programs -= 1,
                    Role::Writer => one.writers -= 1,
                }
            }
            users.retain(|one| one.programs + one.writers > 0);
        });
        // The last close of a removed file frees its blocks. Its pages are forgotten before that, or the cleaner might write one into a block
        // that is another file's by then.
        if with_files(|files| files.ends_with_close(self.id)) {
            paging::for_all_frames(|memory, places| {
                memory.pager.forget_file(self.file_ref(), places);
                true
            });
        }
        // Closing what was opened cannot fail.
        let closed = with_files(|files| files.close(self.id));
        debug_assert_eq!(closed, Ok(()));
    }
}
