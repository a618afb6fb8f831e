//! `malloc` and its kin, over the heap of `libsys`: each block is preceded by its size.

use alloc::alloc::{alloc, alloc_zeroed, dealloc, realloc as reallocate};
use core::alloc::Layout;
use core::ptr::null_mut;

/// Blocks are aligned for every type of C; the size has that much room in front of them.
const ALIGN: usize = 16;

/// What is allocated for a block of this size.
fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(ALIGN)?, ALIGN).ok()
}

/// Notes the size in front of the block, and returns the block.
///
/// # Safety
/// `start` is null or was allocated with the layout of `size`.
unsafe fn noted(start: *mut u8, size: usize) -> *mut u8 {
    if start.is_null() {
        return start;
    }
    // SAFETY: the layout has `ALIGN` bytes in front of the block, and is aligned for a `usize`.
    unsafe {
        start.cast::<usize>().write(size);
        start.add(ALIGN)
    }
}

/// Where the block's allocation starts, and its layout.
///
/// # Safety
/// `block` was returned by one of the functions below, and not freed since.
unsafe fn allocation_of(block: *mut u8) -> (*mut u8, Layout) {
    let start = block.wrapping_sub(ALIGN);
    // SAFETY: `noted` wrote the size there, and the same size had a layout then.
    unsafe { (start, Layout::from_size_align_unchecked(start.cast::<usize>().read() + ALIGN, ALIGN)) }
}

#[unsafe(no_mangle)]
extern "C" fn malloc(size: usize) -> *mut u8 {
    // SAFETY: the layout is longer than 0 bytes.
    layout(size).map_or(null_mut(), |layout| unsafe { noted(alloc(layout), size) })
}

#[unsafe(no_mangle)]
extern "C" fn calloc(count: usize, size: usize) -> *mut u8 {
    let Some((size, layout)) = count.checked_mul(size).and_then(|size| Some((size, layout(size)?))) else {
        return null_mut();
    };
    // SAFETY: the layout is longer than 0 bytes.
    unsafe { noted(alloc_zeroed(layout), size) }
}

/// # Safety
/// `block` is null or a block that was not freed.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(block: *mut u8) {
    if !block.is_null() {
        // SAFETY: as above; the layout is the one that it was allocated with.
        unsafe {
            let (start, layout) = allocation_of(block);
            dealloc(start, layout);
        }
    }
}

/// # Safety
/// `block` is null or a block that was not freed.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(block: *mut u8, size: usize) -> *mut u8 {
    let Some(new_layout) = layout(size) else { return null_mut() };
    if block.is_null() {
        return malloc(size);
    }
    // SAFETY: as above; the new size is not 0, and `layout` has checked it.
    unsafe {
        let (start, layout) = allocation_of(block);
        noted(reallocate(start, layout, new_layout.size()), size)
    }
}
