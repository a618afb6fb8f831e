//! A program's claim to memory.

use abi::layout::USER_END;
use abi::{Errno, Wire};

use crate::addr::{Page, VirtAddr};

/// A program's claim that it may use a run of bytes. Nothing here proves that they are mapped, or allocated at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserSlice {
    start: VirtAddr,
    len_bytes: u32,
}

impl UserSlice {
    /// A claim to `len_bytes` bytes from `start` on.
    ///
    /// # Errors
    /// `BadAddress` if the claim wraps or reaches past the end of user memory.
    pub fn bytes(start: u32, len_bytes: u32) -> Result<Self, Errno> {
        match start.checked_add(len_bytes) {
            Some(end) if end <= USER_END => Ok(Self { start: VirtAddr::new(start), len_bytes }),
            _ => Err(Errno::BadAddress),
        }
    }

    /// A claim to `count` values (not bytes) of `T` from `start` on.
    ///
    /// # Errors
    /// `BadAddress` if the claim wraps or reaches past the end of user memory.
    pub fn values<T: Wire>(start: u32, count: u32) -> Result<Self, Errno> {
        Self::bytes(start, count.checked_mul(T::SIZE_BYTES).ok_or(Errno::BadAddress)?)
    }

    /// The first byte.
    pub const fn start(&self) -> VirtAddr {
        self.start
    }

    /// The length in bytes.
    pub const fn len_bytes(&self) -> u32 {
        self.len_bytes
    }

    /// The pages of its first byte and of its last; twice the first if it has no byte.
    #[inline]
    pub fn outer_pages(&self) -> [Page; 2] {
        let last = self.start.raw() + self.len_bytes.saturating_sub(1);
        [self.start, VirtAddr::new(last)].map(Page::containing)
    }

    /// Its first `len_bytes` bytes; all of it if it is not longer.
    #[inline]
    #[must_use]
    pub fn first(self, len_bytes: u32) -> Self {
        Self { len_bytes: self.len_bytes.min(len_bytes), ..self }
    }

    /// The claim without its first `len_bytes` bytes; empty if it is not longer.
    pub fn skip(self, len_bytes: u32) -> Self {
        let skipped = len_bytes.min(self.len_bytes);
        Self { start: VirtAddr::new(self.start.raw() + skipped), len_bytes: self.len_bytes - skipped }
    }
}

#[cfg(test)]
mod tests {
    use abi::Errno;
    use abi::layout::{HEAP_START, KERNEL_START, USER_END};

    use super::UserSlice;

    #[test]
    fn the_outer_pages_are_those_of_the_first_and_the_last_byte() {
        let pages = |start, len| UserSlice::bytes(start, len).unwrap().outer_pages().map(|page| page.start().raw());
        assert_eq!(pages(HEAP_START, 4096), [HEAP_START; 2]);
        assert_eq!(pages(HEAP_START + 4095, 2), [HEAP_START, HEAP_START + 4096]);
        assert_eq!(pages(HEAP_START + 5, 0), [HEAP_START; 2]);
        assert_eq!(pages(0, USER_END), [0, USER_END - 4096]);
    }

    #[test]
    fn a_claim_counts_values_and_not_bytes() {
        assert_eq!(UserSlice::values::<u32>(HEAP_START, 3).unwrap().len_bytes(), 12);
        assert_eq!(UserSlice::values::<u32>(USER_END - 8, 3), Err(Errno::BadAddress));
        assert_eq!(UserSlice::values::<u64>(HEAP_START, 0x2000_0000), Err(Errno::BadAddress), "2^32 bytes");
    }

    #[test]
    fn claims_that_wrap_or_reach_the_kernel_are_refused() {
        for (start, len) in [(KERNEL_START, 1), (USER_END, 1), (u32::MAX, 1), (0, u32::MAX), (HEAP_START, 0xC000_0000)]
        {
            assert_eq!(UserSlice::bytes(start, len), Err(Errno::BadAddress), "{start:#x}+{len:#x}");
        }
        assert!(UserSlice::bytes(USER_END - 1, 1).is_ok());
        assert!(UserSlice::bytes(USER_END, 0).is_ok());
    }

    #[test]
    fn skipping_stops_at_the_end() {
        let claim = UserSlice::bytes(HEAP_START, 10).unwrap();
        assert_eq!(claim.skip(4), UserSlice::bytes(HEAP_START + 4, 6).unwrap());
        assert_eq!(claim.skip(99), UserSlice::bytes(HEAP_START + 10, 0).unwrap());
    }
}
