//! The kernel's heap: a library allocator over runs of the kernel frame pool.
//!
//! A run of which nothing is in use goes back to the pool, so that what a thousand processes took is there for something else when they
//! have ended.

use core::alloc::Layout;

use kcore::addr::{Frame, PAGE_SIZE, VirtAddr};
use kcore::kernel_pool::RUN_FRAMES;
use talc::base::Talc;
use talc::base::binning::Binning;
use talc::source::Source;
use talc::{DefaultBinning, TalcLock};

use super::frames;
use super::layout::physical;

/// The heap grows by at least this many bytes at once.
const GROWTH_BYTES: usize = (RUN_FRAMES * PAGE_SIZE) as usize;

/// What the allocator needs of a run besides the allocation itself: its own table the first time, and its tags.
const OVERHEAD_BYTES: usize = 2048;
const _: () = assert!(talc::min_first_heap_size::<DefaultBinning>() <= OVERHEAD_BYTES);

/// Gives the allocator runs of kernel frames.
#[derive(Debug)]
struct KernelFrames;

// SAFETY: `acquire` and `resize` use the kernel frame pool only, which does not allocate. `resize` returns one of its two arguments,
// as it may; nobody else changes the extent of a heap.
unsafe impl Source for KernelFrames {
    const TRACK_HEAP_END: bool = true;

    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let wanted =
            layout.size().checked_add(layout.align()).and_then(|len| len.checked_add(OVERHEAD_BYTES)).ok_or(())?;
        let wanted = u32::try_from(wanted.div_ceil(PAGE_SIZE as usize)).map_err(|_| ())?;
        let count = wanted.max(RUN_FRAMES);
        let (first, count) = match frames::take(count) {
            Some(first) => (first, count),
            None => (frames::take(wanted).ok_or(())?, wanted),
        };
        let base = core::ptr::with_exposed_provenance_mut(frames::address_of(first).raw() as usize);
        // SAFETY: the run was taken from the pool just now, and is given back only when `resize` takes all of it from the allocator
        // again: it is the allocator's alone. The direct map shows it.
        let claimed = unsafe { talc.claim(base, (count * PAGE_SIZE) as usize) };
        claimed.map(|_| ()).ok_or(())
    }

    unsafe fn resize(&mut self, chunk_base: *mut u8, heap_end: *mut u8, is_heap_base: bool) -> *mut u8 {
        if !is_heap_base {
            return heap_end;
        }
        // Before the first chunk of a run stands the allocator's tag, and nothing before that.
        let Ok(tag) = u32::try_from(chunk_base.addr() - 1) else { return heap_end };
        let run = Frame::containing(physical(VirtAddr::new(tag)));
        if heap_end.addr() == frames::address_of(run).raw() as usize + GROWTH_BYTES {
            frames::release_run(run);
        } else {
            frames::release(run);
        }
        chunk_base
    }
}

/// With one CPU and interrupts off in the kernel, the lock is always free when it is asked for.
#[global_allocator]
static HEAP: TalcLock<spin::Mutex<()>, KernelFrames> = TalcLock::new(KernelFrames);
