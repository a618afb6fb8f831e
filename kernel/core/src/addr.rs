//! Addresses, pages, frames, slots and pids: types, not integers.
//!
//! All wrap a `u32`, so that a 64-bit host computes exactly what the i386 computes.

use core::fmt;
use core::num::NonZeroU32;

/// Bytes in a page and in a frame.
pub const PAGE_SIZE: u32 = abi::layout::PAGE_SIZE;

/// How far a byte address is shifted to name its page or frame.
const PAGE_SHIFT: u32 = PAGE_SIZE.trailing_zeros();

/// How many pages an address space has, and how many frames 4 GiB of memory.
pub const PAGE_COUNT: u32 = 1 << (32 - PAGE_SHIFT);

/// A linear address, in bytes. Holding one says nothing about it being mapped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtAddr(u32);

impl VirtAddr {
    /// The address with this value.
    pub const fn new(raw: u32) -> Self {
        Self(raw)
    }

    /// The address as a number of bytes from 0.
    pub const fn raw(self) -> u32 {
        self.0
    }

    /// The distance in bytes from the start of the page.
    pub const fn page_offset(self) -> u32 {
        self.0 % PAGE_SIZE
    }

    /// The address `len_bytes` further up; `None` past the end of the address space.
    pub const fn checked_add(self, len_bytes: u32) -> Option<Self> {
        match self.0.checked_add(len_bytes) {
            Some(raw) => Some(Self(raw)),
            None => None,
        }
    }
}

/// A physical address, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhysAddr(u32);

impl PhysAddr {
    /// The address with this value.
    pub const fn new(raw: u32) -> Self {
        Self(raw)
    }

    /// The value.
    pub const fn raw(self) -> u32 {
        self.0
    }
}

/// A 4 KiB linear page, by number: `0..2^20`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Page(u32);

impl Page {
    /// The page with this number; the number is taken modulo 2^20.
    pub const fn new(number: u32) -> Self {
        Self(number % PAGE_COUNT)
    }

    /// The page that holds this byte.
    pub const fn containing(at: VirtAddr) -> Self {
        Self(at.0 >> PAGE_SHIFT)
    }

    /// The address of the page's first byte.
    pub const fn start(self) -> VirtAddr {
        VirtAddr(self.0 << PAGE_SHIFT)
    }

    /// The page's number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The page `count` pages further up; `None` past the last page.
    pub const fn checked_add(self, count: u32) -> Option<Self> {
        match self.0.checked_add(count) {
            Some(number) if number < PAGE_COUNT => Some(Self(number)),
            _ => None,
        }
    }

    /// Which entry of the directory leads to this page: `0..1024`.
    pub const fn directory_slot(self) -> u32 {
        self.0 >> 10
    }

    /// Which entry of its page table maps this page: `0..1024`.
    pub const fn table_slot(self) -> u32 {
        self.0 & 1023
    }
}

/// A 4 KiB frame of physical memory, by number: `0..2^20`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame(u32);

impl Frame {
    /// The frame with this number; the number is taken modulo 2^20.
    pub const fn new(number: u32) -> Self {
        Self(number % PAGE_COUNT)
    }

    /// The frame that holds this byte.
    pub const fn containing(at: PhysAddr) -> Self {
        Self(at.0 >> PAGE_SHIFT)
    }

    /// The address of the frame's first byte.
    pub const fn start(self) -> PhysAddr {
        PhysAddr(self.0 << PAGE_SHIFT)
    }

    /// The frame's number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// A page-sized place in the swap file, by number.
///
/// Kept as the number plus one, so that an `Option<SwapSlot>` is one word and slot 0 is not special.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SwapSlot(NonZeroU32);

impl SwapSlot {
    /// The slot with this number, at most 2^32 - 2 (2^30 - 2 fit into a page-table entry).
    pub const fn new(number: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(number))
    }

    /// The slot's number.
    pub const fn number(self) -> u32 {
        self.0.get() - 1
    }
}

/// Names a process. Pids count up from 1 (init) and are not reused while the process exists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(u32);

impl Pid {
    /// The first program.
    pub const INIT: Self = Self(1);

    /// The pid with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

macro_rules! debug_as {
    ($($type:ident $format:literal;)*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $format, self.0)
            }
        }
    )*};
}

debug_as! {
    VirtAddr "VirtAddr({:#010x})";
    PhysAddr "PhysAddr({:#010x})";
    Page "Page({:#07x})";
    Frame "Frame({:#07x})";
    Pid "Pid({})";
}

impl fmt::Debug for SwapSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SwapSlot({})", self.number())
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Frame, Page, PhysAddr, VirtAddr};

    #[test]
    fn a_page_number_is_not_a_byte_address() {
        assert_eq!(Page::new(5).start(), VirtAddr::new(0x5000));
        assert_eq!(Frame::new(5).start(), PhysAddr::new(0x5000));
        assert_eq!(Page::containing(VirtAddr::new(0x5FFF)), Page::new(5));
        assert_eq!(Frame::containing(PhysAddr::new(0xFFFF_FFFF)).number(), 0xF_FFFF);
    }

    #[test]
    fn a_page_splits_into_directory_and_table_slot() {
        let page = Page::containing(VirtAddr::new(0xBFFF_E123));
        assert_eq!((page.directory_slot(), page.table_slot()), (767, 1022));
    }

    #[test]
    fn stepping_past_the_last_page_is_noticed() {
        assert_eq!(Page::new(0xF_FFFF).checked_add(1), None);
        assert_eq!(Page::new(0xF_FFFE).checked_add(1), Some(Page::new(0xF_FFFF)));
        assert_eq!(VirtAddr::new(u32::MAX).checked_add(1), None);
    }
}
