//! The kernel half of every address space.
//!
//! ```text
//! 0xC000_0000   physical memory from 0: kernel image and kernel frame pool (the direct map)
//! 0xD000_0000   kernel stacks, one stride of 16 KiB each: a guard page, then three pages of stack
//! 0xD800_0000   frame windows: pages that show whatever frame is wanted for a moment
//! 0xFF80_0000   another space's tables (directory slot 1022)
//! 0xFFC0_0000   the active space's tables (directory slot 1023)
//! ```
//!
//! All page tables of this half are made at boot and shared by every directory, so a change in one space is seen in all.

use kcore::addr::{Page, PhysAddr, VirtAddr};
use kcore::process_table::MAX_PROCESSES;

/// First byte of the direct map: physical address 0.
pub const DIRECT_MAP: u32 = abi::layout::KERNEL_START;
/// How much physical memory the direct map can show at most.
pub const DIRECT_MAP_MAX_BYTES: u32 = 128 << 20;

/// First byte of the area of kernel stacks.
pub const STACK_AREA: u32 = 0xD000_0000;
/// Distance between two stacks.
pub const STACK_STRIDE_PAGES: u32 = 4;
/// Pages of a stack; the rest of the stride, below it, is its guard.
pub const STACK_PAGES: u32 = 3;
/// How many stacks the area holds.
pub const STACK_COUNT: u32 = MAX_PROCESSES as u32;
/// One past the last byte of the area.
pub const STACK_AREA_END: u32 = STACK_AREA + STACK_COUNT * STACK_STRIDE_PAGES * kcore::addr::PAGE_SIZE;

/// First byte of the frame windows; one page table's worth.
pub const WINDOW_AREA: u32 = 0xD800_0000;

/// Directory slot that shows another space's tables.
pub const OTHER_SLOT: u32 = 1022;
/// Directory slot that shows the active space's tables: it points back at the directory.
pub const SELF_SLOT: u32 = 1023;

/// The first directory slot of the kernel half.
pub const KERNEL_FIRST_SLOT: u32 = abi::layout::KERNEL_START >> 22;

const _: () = assert!(DIRECT_MAP + DIRECT_MAP_MAX_BYTES <= STACK_AREA && STACK_AREA_END <= WINDOW_AREA);

/// Where the direct map shows a physical address of the kernel's own memory.
pub const fn direct(at: PhysAddr) -> VirtAddr {
    VirtAddr::new(DIRECT_MAP + at.raw())
}

/// The physical address behind an address of the direct map.
pub const fn physical(at: VirtAddr) -> PhysAddr {
    PhysAddr::new(at.raw() - DIRECT_MAP)
}

/// The physical memory of `len_bytes` bytes of the direct map; `None` if not all of them are in it.
pub const fn physical_run(start: VirtAddr, len_bytes: u32) -> Option<PhysAddr> {
    let end = DIRECT_MAP + DIRECT_MAP_MAX_BYTES;
    if start.raw() < DIRECT_MAP || start.raw() > end || end - start.raw() < len_bytes {
        return None;
    }
    Some(physical(start))
}

/// The page at which the stack of this number begins, and the page behind its end.
pub const fn stack_pages(number: u32) -> (Page, Page) {
    let stride = Page::containing(VirtAddr::new(STACK_AREA)).number() + number * STACK_STRIDE_PAGES;
    (Page::new(stride + STACK_STRIDE_PAGES - STACK_PAGES), Page::new(stride + STACK_STRIDE_PAGES))
}

/// The address lies in the guard page of some kernel stack.
pub fn is_stack_guard(at: VirtAddr) -> bool {
    (STACK_AREA..STACK_AREA_END).contains(&at.raw())
        && (Page::containing(at).number() - Page::containing(VirtAddr::new(STACK_AREA)).number())
            .is_multiple_of(STACK_STRIDE_PAGES)
}
