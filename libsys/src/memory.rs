//! Memory, by the courses' names: `AllocateMemory`, `FreeMemory`, `GetMapping`.

use core::ptr::NonNull;

use abi::record::Mapping;
use abi::{Errno, Reader, Wire};

use crate::call;
use crate::console::{address, length};

pub use abi::layout::PAGE_SIZE;

/// A region that was promised, freed when dropped. Its pages are zero until written, and take no frame until touched.
#[derive(Debug)]
pub struct Region {
    start: NonNull<u8>,
    len_bytes: usize,
}

impl Region {
    /// Asks for `len_bytes` bytes, rounded up to whole pages.
    ///
    /// # Errors
    /// `InvalidArgument` for 0 bytes, `OutOfMemory` if the machine cannot promise that much, `OutOfAddressSpace`.
    pub fn allocate(len_bytes: usize) -> Result<Self, Errno> {
        let start = call::allocate_memory(u32::try_from(len_bytes).map_err(|_| Errno::OutOfMemory)?)?;
        let start = NonNull::new(core::ptr::with_exposed_provenance_mut(start as usize)).ok_or(Errno::BadAddress)?;
        Ok(Self { start, len_bytes: len_bytes.next_multiple_of(PAGE_SIZE as usize) })
    }

    /// The region's first byte.
    pub const fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// The region as words.
    pub const fn words(&mut self) -> &mut [u32] {
        // SAFETY: the region is this value's alone while it lives, page-aligned, and reads as zeros until written.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr().cast(), self.len_bytes / 4) }
    }

    /// The region as bytes.
    pub const fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: as for `words`.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.len_bytes) }
    }

    /// Frees the region now.
    ///
    /// # Errors
    /// `BadAddress` if the kernel knows no such region, which is a bug somewhere.
    pub fn free(self) -> Result<(), Errno> {
        let freed = free_memory(self.as_ptr());
        core::mem::forget(self);
        freed
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // The region was granted and not freed before; there is nobody to tell if the kernel disagrees.
        let _ = free_memory(self.as_ptr());
    }
}

/// Frees the region that starts at `start`.
///
/// # Errors
/// `BadAddress` if no region starts there.
pub fn free_memory(start: *const u8) -> Result<(), Errno> {
    call::free_memory(address(start)).map(|_| ())
}

/// Which frame and which slot of the swap file hold the page at `at`.
///
/// # Errors
/// `BadAddress` if the page is not allocated.
pub fn mapping(at: *const u8) -> Result<Mapping, Errno> {
    filled(|record| call::get_mapping(address(at), record))
}

/// Makes a call that fills in a record.
pub(crate) fn filled<T: Wire>(call: impl FnOnce(u32) -> Result<u32, Errno>) -> Result<T, Errno> {
    const RECORD_MAX_BYTES: usize = 128;
    const { assert!(T::SIZE_BYTES as usize <= RECORD_MAX_BYTES) };
    let mut bytes = [0u8; RECORD_MAX_BYTES];
    call(address(bytes.as_mut_ptr()))?;
    debug_assert!(length(bytes.len()) >= T::SIZE_BYTES);
    T::decode(&mut Reader::new(&bytes)).ok_or(Errno::InvalidArgument)
}
