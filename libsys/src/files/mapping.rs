//! Parts of files in memory.

use core::ptr::NonNull;

use crate::Error;
use abi::layout::ANY_ADDRESS;

use super::File;
use crate::call;
use crate::memory::address;

/// What a mapping is for.
///
/// ```no_run
/// use libsys::files::{File, MapAccess, MappedFile};
///
/// let access = if true { MapAccess::Read } else { MapAccess::ReadAndWrite };
/// let mapping = MappedFile::new(&File::open("hello")?, 0, 4096, access)?;
/// # Ok::<(), libsys::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapAccess {
    /// Reading.
    Read = 1,
    /// Reading and writing: what is written goes to the file.
    ReadAndWrite = 3,
}

/// Part of a file, mapped into memory; unmapped when dropped. Its pages are read when they are touched.
///
/// ```no_run
/// use libsys::files::{File, MapAccess, MappedFile};
///
/// let file = File::open("hello")?;
/// let mapping = MappedFile::new(&file, 0, 4096, MapAccess::Read)?;
/// drop(file);
/// // SAFETY: the address is the mapping's first, which is there to be read.
/// assert_eq!(unsafe { mapping.as_ptr().read() }, 0x7F);
/// # Ok::<(), libsys::Error>(())
/// ```
#[derive(Debug)]
pub struct MappedFile {
    start: NonNull<u8>,
    len_bytes: usize,
}

impl MappedFile {
    /// Maps `len_bytes` bytes from byte `offset` on, which is a multiple of the page size. What lies behind the end of the file reads as
    /// zeros and does not get into it.
    ///
    /// ```no_run
    /// use libsys::files::{File, MapAccess, MappedFile};
    ///
    /// let second_page = MappedFile::new(&File::open("hello")?, 4096, 4096, MapAccess::Read)?;
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` for no bytes or a misaligned offset, `Busy` to write to a running program, `OutOfMemory`,
    /// `OutOfAddressSpace`, `TooManyOpen` at [`MAPPINGS_MAX`](abi::layout::MAPPINGS_MAX), `NotSupported` if it is no file.
    pub fn new(file: &File, offset: u32, len_bytes: usize, access: MapAccess) -> Result<Self, Error> {
        Self::map(file, offset, len_bytes, access, ANY_ADDRESS)
    }

    /// As [`MappedFile::new`], at a given address.
    ///
    /// ```no_run
    /// use libsys::files::{File, MapAccess, MappedFile};
    ///
    /// let mapping = MappedFile::at(0x9000_0000, &File::open("hello")?, 0, 4096, MapAccess::Read)?;
    /// assert_eq!(mapping.as_ptr().addr(), 0x9000_0000);
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`MappedFile::new`]; `Overlaps` if something is there, `BadAddress` outside of user space, `InvalidArgument` also if it is misaligned.
    pub fn at(at: u32, file: &File, offset: u32, len_bytes: usize, access: MapAccess) -> Result<Self, Error> {
        Self::map(file, offset, len_bytes, access, at)
    }

    fn map(file: &File, offset: u32, len_bytes: usize, access: MapAccess, at: u32) -> Result<Self, Error> {
        let len = u32::try_from(len_bytes).map_err(|_| Error::OutOfAddressSpace)?;
        let start = call::map_file(file.handle(), offset, len, access as u32, at)?;
        let start = NonNull::new(core::ptr::with_exposed_provenance_mut(start as usize)).ok_or(Error::BadAddress)?;
        Ok(Self { start, len_bytes })
    }

    /// The first byte. Others may change what is there, so it is read and written through the pointer.
    ///
    /// ```no_run
    /// use libsys::files::{File, MapAccess, MappedFile};
    ///
    /// let mapping = MappedFile::new(&File::open("notes.txt")?, 0, 100, MapAccess::ReadAndWrite)?;
    /// // SAFETY: 100 bytes are mapped to be written to.
    /// unsafe { mapping.as_ptr().add(99).write_volatile(b'!') };
    /// # Ok::<(), libsys::Error>(())
    /// ```
    pub const fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// How many bytes were asked for.
    ///
    /// ```no_run
    /// use libsys::files::{File, MapAccess, MappedFile};
    ///
    /// let mapping = MappedFile::new(&File::open("hello")?, 0, 100, MapAccess::Read)?;
    /// assert_eq!(mapping.len_bytes(), 100);
    /// # Ok::<(), libsys::Error>(())
    /// ```
    pub const fn len_bytes(&self) -> usize {
        self.len_bytes
    }

    /// Ends the mapping now, and brings what was changed through it onto the disk.
    ///
    /// ```no_run
    /// use libsys::files::{File, MapAccess, MappedFile};
    ///
    /// MappedFile::new(&File::open("notes.txt")?, 0, 100, MapAccess::ReadAndWrite)?.unmap()?;
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Io` if something could not be written; the mapping has ended nevertheless.
    pub fn unmap(self) -> Result<(), Error> {
        let unmapped = call::unmap_file(address(self.start.as_ptr())).map(|_| ());
        core::mem::forget(self);
        unmapped
    }
}

impl Drop for MappedFile {
    fn drop(&mut self) {
        // Whoever wants to know of errors calls `unmap`.
        let _ = call::unmap_file(address(self.start.as_ptr()));
    }
}
