//! Memory, by the courses' names: `AllocateMemory`, `FreeMemory`, `GetMapping`, and pools that a program registers.

mod pool;

use core::ptr::NonNull;

use crate::Error;
use abi::record::Mapping;
use abi::{Reader, Wire};

use crate::call;

pub use abi::layout::PAGE_SIZE;
pub use pool::{PoolRegion, VmPool};

/// A region that was promised, or a part of one, freed when dropped. Its pages are zero until
/// written, and take no frame until touched.
///
/// ```no_run
/// use libsys::memory::Region;
///
/// let mut numbers = Region::allocate(1 << 20)?;
/// numbers.words()[1000] = 7;
/// assert_eq!(numbers.words()[1001], 0);
/// # Ok::<(), libsys::Error>(())
/// ```
#[derive(Debug)]
pub struct Region {
    start: NonNull<u8>,
    len_bytes: usize,
}

impl Region {
    /// Asks for `len_bytes` bytes, rounded up to whole pages.
    ///
    /// ```no_run
    /// use libsys::{Error, memory::Region};
    ///
    /// match Region::allocate(256 << 20) {
    ///     Ok(region) => libsys::println!("256 MiB at {:p}", region.as_ptr()),
    ///     Err(error) => libsys::println!("no: {error}"),
    /// }
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` for 0 bytes, `OutOfMemory` if the machine cannot promise that much, `OutOfAddressSpace`.
    pub fn allocate(len_bytes: usize) -> Result<Self, Error> {
        let start = call::allocate_memory(u32::try_from(len_bytes).map_err(|_| Error::OutOfMemory)?)?;
        Self::granted(start, len_bytes)
    }

    /// The region that a call has just granted at `start`.
    fn granted(start: u32, len_bytes: usize) -> Result<Self, Error> {
        let start = NonNull::new(core::ptr::with_exposed_provenance_mut(start as usize)).ok_or(Error::BadAddress)?;
        Ok(Self { start, len_bytes: len_bytes.next_multiple_of(PAGE_SIZE as usize) })
    }

    /// The region's first byte.
    ///
    /// ```no_run
    /// let region = libsys::memory::Region::allocate(1)?;
    /// assert_eq!(region.as_ptr().addr() % 4096, 0);
    /// # Ok::<(), libsys::Error>(())
    /// ```
    pub const fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// The region as words.
    ///
    /// ```no_run
    /// let mut region = libsys::memory::Region::allocate(4096)?;
    /// region.words().fill(0xFFFF_FFFF);
    /// # Ok::<(), libsys::Error>(())
    /// ```
    pub const fn words(&mut self) -> &mut [u32] {
        // SAFETY: the region is this value's alone while it lives, page-aligned, and reads as zeros until written.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr().cast(), self.len_bytes / 4) }
    }

    /// The region as bytes.
    ///
    /// ```no_run
    /// let mut region = libsys::memory::Region::allocate(1)?;
    /// assert_eq!(region.bytes().len(), 4096);
    /// # Ok::<(), libsys::Error>(())
    /// ```
    pub const fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: as for `words`.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.len_bytes) }
    }

    /// Splits the region in two: its first `offset` bytes, and the rest. Each is freed by itself.
    ///
    /// ```no_run
    /// use libsys::memory::Region;
    ///
    /// let (first, rest) = Region::allocate(5 * 4096)?.split_at(4096);
    /// let (middle, last) = rest.split_at(3 * 4096);
    /// middle.free()?;
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `offset` is no multiple of the page size, or one part would have no page.
    pub fn split_at(self, offset: usize) -> (Self, Self) {
        assert!(offset.is_multiple_of(PAGE_SIZE as usize), "a region is split between two pages");
        assert!((1..self.len_bytes).contains(&offset), "each part of a region has a page");
        // SAFETY: the region has more than `offset` bytes.
        let rest = Self { start: unsafe { self.start.add(offset) }, len_bytes: self.len_bytes - offset };
        let first = Self { start: self.start, len_bytes: offset };
        core::mem::forget(self);
        (first, rest)
    }

    /// Frees the region now.
    ///
    /// ```no_run
    /// libsys::memory::Region::allocate(4096)?.free()?;
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// `BadAddress` if the kernel knows no such region, which is a bug somewhere.
    pub fn free(self) -> Result<(), Error> {
        let freed = free_pages(self.as_ptr(), self.len_bytes);
        core::mem::forget(self);
        freed
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // The region was granted and not freed before; there is nobody to tell if the kernel disagrees.
        let _ = free_pages(self.as_ptr(), self.len_bytes);
    }
}

/// Frees the region that starts at `start`.
///
/// ```no_run
/// use libsys::{Error, memory};
///
/// assert_eq!(memory::free_memory(core::ptr::null()), Err(Error::BadAddress));
/// ```
///
/// # Errors
/// `BadAddress` if no region starts there.
pub fn free_memory(start: *const u8) -> Result<(), Error> {
    call::free_memory(address(start)).map(|_| ())
}

/// Frees the `len_bytes` bytes from `start` on, both multiples of the page size: any run of pages
/// of one region. The region's pages before and after the run stay, as regions of their own.
///
/// ```no_run
/// use libsys::{call, memory};
///
/// let start = call::allocate_memory(5 * 4096)?;
/// let middle = core::ptr::with_exposed_provenance(start as usize + 4096);
/// memory::free_pages(middle, 3 * 4096)?;
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// `InvalidArgument` for no bytes or an argument that is not aligned, `BadAddress` if no region
/// holds all of them, `OutOfMemory` if the kernel cannot record one more region.
pub fn free_pages(start: *const u8, len_bytes: usize) -> Result<(), Error> {
    call::free_pages(address(start), length(len_bytes)).map(|_| ())
}

/// Lets this process, and whoever it starts from now on, be promised at most `pages` pages, page tables included. What it has it
/// keeps.
///
/// ```no_run
/// use libsys::{Error, memory};
///
/// memory::set_limit(1000)?;
/// assert_eq!(memory::Region::allocate(1000 * 4096).err(), Some(Error::OverLimit));
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// `NotPermitted` if that is more than it may be promised now.
pub fn set_limit(pages: u32) -> Result<(), Error> {
    call::set_limit(pages).map(|_| ())
}

/// What the kernel knows of one allocated page. A page that was never touched has neither a frame
/// nor a slot.
///
/// ```no_run
/// use libsys::memory::VirtualToPhysicalMapping;
///
/// let untouched = VirtualToPhysicalMapping::default();
/// assert_eq!((untouched.physical_page, untouched.disk_page), (None, None));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VirtualToPhysicalMapping {
    /// The frame that holds the page, by number.
    pub physical_page: Option<u32>,
    /// The slot of the swap file that the page owns, by number.
    pub disk_page: Option<u32>,
}

/// Asks the kernel which frame and which slot of the swap file hold the page at `at`. It only
/// looks: touching the page is what brings it into memory.
///
/// ```no_run
/// let value = 7;
/// let mapping = libsys::memory::mapping((&raw const value).cast())?;
/// libsys::println!("in frame {:?}, in slot {:?}", mapping.physical_page, mapping.disk_page);
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// `BadAddress` if the page is not allocated.
pub fn mapping(at: *const u8) -> Result<VirtualToPhysicalMapping, Error> {
    let record: Mapping = filled(|record| call::get_mapping(address(at), record))?;
    Ok(VirtualToPhysicalMapping { physical_page: record.physical_page(), disk_page: record.disk_page() })
}

/// Makes a call that fills in a record.
pub(crate) fn filled<T: Wire>(call: impl FnOnce(u32) -> Result<u32, Error>) -> Result<T, Error> {
    const RECORD_MAX_BYTES: usize = 256;
    const { assert!(T::SIZE_BYTES as usize <= RECORD_MAX_BYTES) };
    let mut bytes = [0u8; RECORD_MAX_BYTES];
    call(address(bytes.as_mut_ptr()))?;
    debug_assert!(length(bytes.len()) >= T::SIZE_BYTES);
    T::decode(&mut Reader::new(&bytes)).ok_or(Error::InvalidArgument)
}

/// An address as the kernel takes it.
pub(crate) fn address<T>(of: *const T) -> u32 {
    u32::try_from(of.expose_provenance()).unwrap_or(0)
}

/// A length as the kernel takes it.
pub(crate) fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
