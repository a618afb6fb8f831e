//! The heap: a library allocator over `AllocateMemory`.

use core::alloc::Layout;

use talc::TalcLock;
use talc::base::Talc;
use talc::base::binning::Binning;
use talc::source::Source;

use crate::call;

/// The heap grows by at least this much: only a promise, pages are found when they are touched.
const GROWTH_BYTES: usize = 64 << 10;

/// What the allocator needs of a region besides the allocation itself.
const OVERHEAD_BYTES: usize = 2048;

/// Gives the allocator regions of memory.
#[derive(Debug)]
struct Regions;

// SAFETY: `acquire` makes a call and does not allocate.
unsafe impl Source for Regions {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let wanted =
            layout.size().checked_add(layout.align()).and_then(|len| len.checked_add(OVERHEAD_BYTES)).ok_or(())?;
        let len = wanted.max(GROWTH_BYTES);
        let start = call::allocate_memory(u32::try_from(len).map_err(|_| ())?).map_err(|_| ())?;
        // SAFETY: the region was granted just now; nobody else knows it.
        let claimed = unsafe { talc.claim(core::ptr::with_exposed_provenance_mut(start as usize), len) };
        claimed.map(|_| ()).ok_or(())
    }
}

#[global_allocator]
static HEAP: TalcLock<spin::Mutex<()>, Regions> = TalcLock::new(Regions);
