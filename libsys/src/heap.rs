//! The heap: a library allocator over `AllocateMemory`, and regions of their own for large blocks.
//!
//! Small blocks share regions, which are freed when the last block in them is. A large block is a region by itself: it takes no frame
//! until it is touched, not even for being zeroed, and goes back to the kernel when it is dropped.

use core::alloc::{GlobalAlloc, Layout};

use abi::layout::PAGE_SIZE;
use talc::base::binning::Binning;
use talc::base::{CHUNK_UNIT, Talc};
use talc::source::Source;
use talc::{DefaultBinning, TalcLock};

use crate::call;
use crate::memory::{address, length};

const PAGE_BYTES: usize = PAGE_SIZE as usize;

/// Blocks of at least this many bytes are regions by themselves: at most one eighth of such a region is wasted.
const LARGE_BYTES: usize = 8 * PAGE_BYTES;

/// The shared heap grows by at least this much: only a promise, pages are found when they are touched.
const GROWTH_BYTES: usize = 64 << 10;

/// What the allocator needs of a region besides the allocation itself: its own table the first time, and its tags.
const OVERHEAD_BYTES: usize = 2048;
const _: () = assert!(talc::min_first_heap_size::<DefaultBinning>() <= OVERHEAD_BYTES);

/// Gives the allocator regions of memory, and frees those that are empty.
#[derive(Debug)]
struct Regions;

// SAFETY: `acquire` and `resize` make a call each and do not allocate.
unsafe impl Source for Regions {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let wanted =
            layout.size().checked_add(layout.align()).and_then(|len| len.checked_add(OVERHEAD_BYTES)).ok_or(())?;
        let len = wanted.max(GROWTH_BYTES);
        let start = call::allocate_memory(length(len)).map_err(|_| ())?;
        // SAFETY: the region was granted just now; nobody else knows it.
        let claimed = unsafe { talc.claim(core::ptr::with_exposed_provenance_mut(start as usize), len) };
        claimed.map(|_| ()).ok_or(())
    }

    const TRACK_HEAP_END: bool = true;

    unsafe fn resize(&mut self, chunk_base: *mut u8, heap_end: *mut u8, is_heap_base: bool) -> *mut u8 {
        // Regions are freed whole. The allocator's own table lies in the first, which is therefore never empty.
        if !is_heap_base {
            return heap_end;
        }
        const { assert!(CHUNK_UNIT < PAGE_BYTES) };
        let start = chunk_base.map_addr(|address| (address - 1) & !(PAGE_BYTES - 1));
        match call::free_memory(address(start)) {
            Ok(_) => chunk_base,
            Err(_) => heap_end,
        }
    }
}

/// The program's allocator.
struct Heap {
    small: TalcLock<spin::Mutex<()>, Regions>,
}

#[global_allocator]
static HEAP: Heap = Heap { small: TalcLock::new(Regions) };

/// Such a block is a region by itself. The answer for a block is the same when it is freed: it depends on the layout alone.
const fn is_large(layout: Layout) -> bool {
    layout.size() >= LARGE_BYTES && layout.align() <= PAGE_BYTES
}

/// A region for one block; null if the kernel refuses it.
fn region_for(layout: Layout) -> *mut u8 {
    call::allocate_memory(length(layout.size()))
        .map_or(core::ptr::null_mut(), |start| core::ptr::with_exposed_provenance_mut(start as usize))
}

// SAFETY: small blocks are `talc`'s. A large block is a region that the kernel has just granted: page-aligned, of at least its size, and
// nobody else's until `FreeMemory`.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            return region_for(layout);
        }
        // SAFETY: the caller keeps this trait's rules.
        unsafe { self.small.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            // A fresh region reads as zeros: writing them would only take frames.
            return region_for(layout);
        }
        // SAFETY: the caller keeps this trait's rules.
        unsafe { self.small.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_large(layout) {
            // The region was granted for this block and not freed before; there is nobody to tell if the kernel disagrees.
            let _ = call::free_memory(address(block));
            return;
        }
        // SAFETY: the caller keeps this trait's rules, and the block came from `small`, since its layout is not large.
        unsafe { self.small.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the new size, rounded up to the alignment, does not overflow.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        match (is_large(layout), is_large(new_layout)) {
            // SAFETY: the caller keeps this trait's rules, and the block came from `small`.
            (false, false) => unsafe { self.small.realloc(block, layout, new_size) },
            (true, true) if layout.size().div_ceil(PAGE_BYTES) == new_size.div_ceil(PAGE_BYTES) => block,
            // SAFETY: the caller keeps this trait's rules.
            _ => unsafe { self.relocate(block, layout, new_layout) },
        }
    }
}

impl Heap {
    /// Moves a block to a new place; if there is none, returns null and leaves the block as it is.
    ///
    /// # Safety
    /// As for [`GlobalAlloc::realloc`].
    unsafe fn relocate(&self, block: *mut u8, layout: Layout, new_layout: Layout) -> *mut u8 {
        // SAFETY: the new block is not the old one, both are at least as long as what is copied, and the old one is not used afterwards.
        unsafe {
            let moved = self.alloc(new_layout);
            if !moved.is_null() {
                core::ptr::copy_nonoverlapping(block, moved, layout.size().min(new_layout.size()));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}
