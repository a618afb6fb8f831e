//! User memory: a claim first, a copy later.
//!
//! User pages are pageable, so no reference into them is ever made: bytes are copied in or out, and the copy may fault pages
//! in, wait for the disk, and fail.

use abi::{Access, Errno, Reader, Wire, Writer};
use kcore::frame_table::SpaceId;
use kcore::user_slice::UserSlice;

use super::fault;
use super::paging::with_memory;
use super::window::ActiveTables;
use crate::cpu::usercopy;

/// The memory of the process that made the current call.
#[derive(Clone, Copy)]
pub struct UserMemory {
    space: SpaceId,
}

/// User memory that the process may write. That stays so until its call is over: only its own calls change what it has.
#[derive(Clone, Copy)]
pub struct Writable(UserSlice);

/// The largest record that crosses the boundary.
const RECORD_MAX_BYTES: usize = 256;

impl UserMemory {
    /// The memory of `space`, which must be the active one.
    pub const fn new(space: SpaceId) -> Self {
        Self { space }
    }

    /// Checks that the program may use all of `claim` in this way, before anything is done.
    ///
    /// # Errors
    /// `BadAddress` if it may not.
    pub fn check(self, claim: UserSlice, access: Access) -> Result<(), Errno> {
        // Where a page is mapped, its entry says what its region does.
        let [first, last] = claim.outer_pages();
        if ActiveTables::allows_user(first, access)
            && (last == first || last.number() == first.number() + 1 && ActiveTables::allows_user(last, access))
        {
            return Ok(());
        }
        self.check_regions(claim, access)
    }

    #[cold]
    fn check_regions(self, claim: UserSlice, access: Access) -> Result<(), Errno> {
        let (start, len_bytes) = (claim.start(), claim.len_bytes());
        let checked = with_memory(|memory| {
            let space = memory.pager.spaces().get(self.space)?;
            space.pools().check_range(start, len_bytes, access).ok()
        });
        checked.ok_or(Errno::BadAddress)
    }

    /// Copies the first bytes of `claim` into `buffer`, at most as many as it holds; returns the part that was filled.
    ///
    /// # Errors
    /// `BadAddress` if the program may not read them, `Io` if a page of them cannot be read from the disk.
    #[inline]
    pub fn read(self, claim: UserSlice, buffer: &mut [u8]) -> Result<&mut [u8], Errno> {
        // What is copied as a whole checks itself: the CPU or the fault handler refuses the copy, and it has had no effect then.
        if claim.len_bytes() as usize > buffer.len() {
            self.check(claim, Access::Read)?;
        }
        let len = buffer.len().min(claim.len_bytes() as usize);
        let buffer = &mut buffer[..len];
        usercopy::copy_from_user(buffer, claim.start()).map_err(|_| fault::refusal())?;
        Ok(buffer)
    }

    /// Copies `bytes` to the start of `claim`, which must hold them.
    ///
    /// # Errors
    /// `BadAddress` if the program may not write there, `Io` if a page cannot be read from the disk.
    pub fn write(self, claim: UserSlice, bytes: &[u8]) -> Result<(), Errno> {
        self.writable(claim)?.write(bytes)
    }

    /// Checks now that the program may write to all of `claim` later in this call.
    ///
    /// # Errors
    /// `BadAddress` if it may not.
    #[inline]
    pub fn writable(self, claim: UserSlice) -> Result<Writable, Errno> {
        self.check(claim, Access::Write).map(|()| Writable(claim))
    }

    /// Reads the record at address `at`.
    ///
    /// # Errors
    /// `BadAddress`; `InvalidArgument` if the bytes mean nothing.
    pub fn read_record<T: Wire>(self, at: u32) -> Result<T, Errno> {
        const { assert!(T::SIZE_BYTES as usize <= RECORD_MAX_BYTES) };
        let mut bytes = [0; RECORD_MAX_BYTES];
        let bytes = self.read(UserSlice::bytes(at, T::SIZE_BYTES)?, &mut bytes)?;
        T::decode(&mut Reader::new(bytes)).ok_or(Errno::InvalidArgument)
    }

    /// Fills in the record at address `at`.
    ///
    /// # Errors
    /// `BadAddress`.
    pub fn write_record<T: Wire>(self, at: u32, record: &T) -> Result<(), Errno> {
        const { assert!(T::SIZE_BYTES as usize <= RECORD_MAX_BYTES) };
        let claim = UserSlice::bytes(at, T::SIZE_BYTES)?;
        let mut bytes = [0; RECORD_MAX_BYTES];
        let bytes = &mut bytes[..T::SIZE_BYTES as usize];
        record.encode(&mut Writer::new(bytes));
        self.write(claim, bytes)
    }

    /// Checks that a record of type `T` can be filled in at address `at`.
    ///
    /// # Errors
    /// `BadAddress`.
    pub fn check_record<T: Wire>(self, at: u32) -> Result<(), Errno> {
        self.check(UserSlice::bytes(at, T::SIZE_BYTES)?, Access::Write)
    }
}

impl Writable {
    /// Copies `bytes` to its start; it must hold them.
    ///
    /// # Errors
    /// `Io` if a page cannot be read from the disk.
    #[inline]
    pub fn write(self, bytes: &[u8]) -> Result<(), Errno> {
        let Self(claim) = self;
        let len = bytes.len().min(claim.len_bytes() as usize);
        usercopy::copy_to_user(claim.start(), &bytes[..len]).map_err(|_| fault::refusal())
    }
}
