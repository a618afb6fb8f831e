//! Virtual memory pools that a program registers.

use core::marker::PhantomData;

use super::{Region, mapping};
use crate::{Error, call};

/// A range of addresses that the program has registered as a pool: regions are allocated in it and released. The pool is unregistered when
/// dropped.
///
/// A pool takes addresses, and no memory; its regions are promised, and take frames when they are touched, as
/// [those of the heap](Region) do.
///
/// ```no_run
/// use libsys::memory::VmPool;
///
/// let pool = VmPool::new(0x2000_0000, 256 << 20)?;
/// let mut numbers = pool.allocate(4900)?;
/// numbers.words()[1000] = 7;
/// assert!(pool.is_legitimate(numbers.as_ptr()));
/// pool.release(numbers)?;
/// # Ok::<(), libsys::Error>(())
/// ```
#[derive(Debug)]
pub struct VmPool {
    base: u32,
    len_bytes: u32,
}

impl VmPool {
    /// Registers the `len_bytes` bytes from `base` on, both multiples of the page size.
    ///
    /// A pool may lie anywhere below the stack's guard where no region and no other registered pool lies, also among the addresses of the
    /// heap and of mapped files.
    ///
    /// ```no_run
    /// use libsys::{Error, memory::VmPool};
    ///
    /// let pool = VmPool::new(0x2000_0000, 4 << 20)?;
    /// assert_eq!(VmPool::new(0x2000_1000, 4096).err(), Some(Error::Overlaps));
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` for no bytes or anything misaligned, `BadAddress` outside of the space for pools, `Overlaps`, `TooManyPools` at
    /// [`OWN_POOLS_MAX`](abi::layout::OWN_POOLS_MAX), `OutOfMemory`.
    pub fn new(base: u32, len_bytes: usize) -> Result<Self, Error> {
        let len_bytes = u32::try_from(len_bytes).map_err(|_| Error::BadAddress)?;
        call::register_pool(base, len_bytes)?;
        Ok(Self { base, len_bytes })
    }

    /// Asks for `len_bytes` bytes of the pool, rounded up to whole pages.
    ///
    /// ```no_run
    /// use libsys::memory::VmPool;
    ///
    /// let pool = VmPool::new(0x2000_0000, 4 << 20)?;
    /// let first = pool.allocate(1)?;
    /// let second = pool.allocate(1)?;
    /// assert_eq!((first.as_ptr().addr(), second.as_ptr().addr()), (0x2000_0000, 0x2000_1000));
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` for 0 bytes, `OutOfAddressSpace` if the pool has no hole of that size, `OutOfMemory` if the machine cannot
    /// promise that much, `OverLimit`.
    pub fn allocate(&self, len_bytes: usize) -> Result<PoolRegion<'_>, Error> {
        let len = u32::try_from(len_bytes).map_err(|_| Error::OutOfAddressSpace)?;
        let region = Region::granted(call::allocate_in_pool(self.base, len)?, len_bytes)?;
        Ok(PoolRegion { region, pool: PhantomData })
    }

    /// Frees a region of the pool now. Dropping the region does so, too.
    ///
    /// ```no_run
    /// use libsys::memory::VmPool;
    ///
    /// let pool = VmPool::new(0x2000_0000, 4 << 20)?;
    /// pool.release(pool.allocate(4096)?)?;
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// `BadAddress` if the kernel knows no such region, which is a bug somewhere.
    pub fn release(&self, region: PoolRegion<'_>) -> Result<(), Error> {
        region.region.free()
    }

    /// Says whether the address lies in a region of the pool that is allocated now.
    ///
    /// ```no_run
    /// use libsys::memory::VmPool;
    ///
    /// let pool = VmPool::new(0x2000_0000, 4 << 20)?;
    /// let region = pool.allocate(1)?;
    /// let at = region.as_ptr();
    /// assert!(pool.is_legitimate(at) && !pool.is_legitimate(at.wrapping_add(4096)));
    /// pool.release(region)?;
    /// assert!(!pool.is_legitimate(at));
    /// # Ok::<(), libsys::Error>(())
    /// ```
    pub fn is_legitimate(&self, address: *const u8) -> bool {
        let offset = address.addr().checked_sub(self.base as usize);
        // The kernel has a mapping for an address if and only if the address is allocated.
        offset.is_some_and(|offset| offset < self.len_bytes as usize) && mapping(address).is_ok()
    }
}

impl Drop for VmPool {
    fn drop(&mut self) {
        // The pool was registered and not unregistered before; there is nobody to tell if the kernel disagrees.
        let _ = call::unregister_pool(self.base);
    }
}

/// A region of a [`VmPool`], freed when dropped. Its pages are zero until written, and take no frame until touched.
///
/// ```no_run
/// use libsys::memory::{PoolRegion, VmPool};
///
/// let pool = VmPool::new(0x2000_0000, 4 << 20)?;
/// let regions: Vec<PoolRegion<'_>> = (1..=49).map(|count| pool.allocate(400 * count)).collect::<Result<_, _>>()?;
/// # Ok::<(), libsys::Error>(())
/// ```
#[derive(Debug)]
pub struct PoolRegion<'a> {
    region: Region,
    /// The pool must not be unregistered while the region is there.
    pool: PhantomData<&'a VmPool>,
}

impl PoolRegion<'_> {
    /// The region's first byte.
    ///
    /// ```no_run
    /// let pool = libsys::memory::VmPool::new(0x2000_0000, 4096)?;
    /// assert_eq!(pool.allocate(1)?.as_ptr().addr(), 0x2000_0000);
    /// # Ok::<(), libsys::Error>(())
    /// ```
    pub const fn as_ptr(&self) -> *mut u8 {
        self.region.as_ptr()
    }

    /// The region as words.
    ///
    /// ```no_run
    /// let pool = libsys::memory::VmPool::new(0x2000_0000, 4096)?;
    /// pool.allocate(4096)?.words().fill(0xFFFF_FFFF);
    /// # Ok::<(), libsys::Error>(())
    /// ```
    pub const fn words(&mut self) -> &mut [u32] {
        self.region.words()
    }

    /// The region as bytes.
    ///
    /// ```no_run
    /// let pool = libsys::memory::VmPool::new(0x2000_0000, 4096)?;
    /// assert_eq!(pool.allocate(1)?.bytes().len(), 4096);
    /// # Ok::<(), libsys::Error>(())
    /// ```
    pub const fn bytes(&mut self) -> &mut [u8] {
        self.region.bytes()
    }
}
