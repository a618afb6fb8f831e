//! One value for each frame.

use alloc::vec::Vec;

use crate::addr::Frame;
use crate::frame_table::OutOfMemory;
use crate::memory_map::FrameRange;

/// What a policy knows about each frame.
pub struct FrameMap<T> {
    first: Frame,
    values: Vec<T>,
}

impl<T: Copy> FrameMap<T> {
    /// A map that has `value` for each of `frames`.
    ///
    /// # Errors
    /// `OutOfMemory` if the allocator has no room for it.
    pub fn new(frames: FrameRange, value: T) -> Result<Self, OutOfMemory> {
        let len = frames.count as usize;
        let mut values = Vec::new();
        values.try_reserve_exact(len).map_err(|_| OutOfMemory)?;
        values.resize(len, value);
        Ok(Self { first: frames.first, values })
    }

    /// The frame's value.
    ///
    /// # Panics
    /// If the frame is none of the map's.
    #[inline]
    pub fn get(&self, frame: Frame) -> T {
        let Some(&value) = self.values.get(self.index(frame)) else { not_here(frame) };
        value
    }

    /// Gives the frame another value.
    ///
    /// # Panics
    /// If the frame is none of the map's.
    #[inline]
    pub fn set(&mut self, frame: Frame, value: T) {
        let index = self.index(frame);
        let Some(place) = self.values.get_mut(index) else { not_here(frame) };
        *place = value;
    }

    #[inline]
    const fn index(&self, frame: Frame) -> usize {
        frame.number().wrapping_sub(self.first.number()) as usize
    }
}

#[cold]
fn not_here(frame: Frame) -> ! {
    panic!("the replacement policy keeps no books of {frame:?}")
}
