//! The kernel's heap: a library allocator over runs of the kernel frame pool.

use core::alloc::Layout;

use kcore::addr::PAGE_SIZE;
use talc::base::Talc;
use talc::base::binning::Binning;
use talc::source::Source;
use talc::{DefaultBinning, TalcLock};

use super::frames;

/// The heap grows by at least this many frames at once.
const GROWTH_FRAMES: u32 = 16;

/// What the allocator needs of a run besides the allocation itself: its own table the first time, and its tags.
const OVERHEAD_BYTES: usize = 2048;
const _: () = assert!(talc::min_first_heap_size::<DefaultBinning>() <= OVERHEAD_BYTES);

/// Gives the allocator runs of kernel frames.
#[derive(Debug)]
struct KernelFrames;

// SAFETY: `acquire` uses the kernel frame pool only, which does not allocate.
unsafe impl Source for KernelFrames {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let wanted =
            layout.size().checked_add(layout.align()).and_then(|len| len.checked_add(OVERHEAD_BYTES)).ok_or(())?;
        let wanted = u32::try_from(wanted.div_ceil(PAGE_SIZE as usize)).map_err(|_| ())?;
        let count = wanted.max(GROWTH_FRAMES);
        let (first, count) = match frames::take(count) {
            Some(first) => (first, count),
            None => (frames::take(wanted).ok_or(())?, wanted),
        };
        let base = core::ptr::with_exposed_provenance_mut(frames::address_of(first).raw() as usize);
        // SAFETY: the run was taken from the pool just now and is never given back: it is the allocator's alone. The direct map
        // shows it.
        let claimed = unsafe { talc.claim(base, (count * PAGE_SIZE) as usize) };
        claimed.map(|_| ()).ok_or(())
    }
}

/// With one CPU and interrupts off in the kernel, the lock is always free when it is asked for.
#[global_allocator]
static HEAP: TalcLock<spin::Mutex<()>, KernelFrames> = TalcLock::new(KernelFrames);
