//! The kernel frame pool: a run of physical memory that the direct map shows.

use kcore::addr::{Frame, VirtAddr};
use kcore::frame_pool::{ContiguousFramePool, FramePoolError};
use kcore::kernel_pool::KernelPool;

use super::layout::direct;
use crate::cell::KernelCell;

static KERNEL_POOL: KernelCell<Option<KernelPool<'static>>> = KernelCell::new(None);

/// Sets the pool, once, at boot.
pub fn init(pool: ContiguousFramePool<'static>) {
    KERNEL_POOL.with(|place| *place = Some(KernelPool::new(pool)));
}

/// Takes `count` contiguous frames; `None` if there is no such run. Their contents are whatever they were.
pub fn take(count: u32) -> Option<Frame> {
    KERNEL_POOL.with(|pool| {
        let pool = pool.as_mut()?;
        if count == 1 { pool.get_frame() } else { pool.get_frames(count) }
    })
}

/// Gives back the run of frames that starts at `first`.
///
/// # Panics
/// If no run of the pool starts there.
pub fn release(first: Frame) {
    with_pool(first, |pool| pool.release_frames(first));
}

/// Gives back a run of [`RUN_FRAMES`](kcore::kernel_pool::RUN_FRAMES) frames that starts at `first`.
///
/// # Panics
/// If no run of the pool starts there.
pub fn release_run(first: Frame) {
    with_pool(first, |pool| pool.release_run(first));
}

fn with_pool(first: Frame, release: impl FnOnce(&mut KernelPool<'static>) -> Result<(), FramePoolError>) {
    if let Some(Err(error)) = KERNEL_POOL.with(|pool| pool.as_mut().map(release)) {
        panic!("the kernel released {first:?} which it did not have: {error:?}");
    }
}

/// How many frames of the pool nobody uses.
pub fn free_count() -> u32 {
    KERNEL_POOL.with(|pool| pool.as_ref().map_or(0, KernelPool::free_count))
}

/// Where the direct map shows a frame of the pool.
pub fn address_of(frame: Frame) -> VirtAddr {
    direct(frame.start())
}
