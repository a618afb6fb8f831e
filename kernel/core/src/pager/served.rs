//! The pages that were mapped for the last few faults: they are not borrowed.
//!
//! A page that was mapped for a fault is used only when its instruction is tried again, and that may need more pages first: an instruction
//! on two pages with two operands on two pages each. Without this, two of them could push each other out for ever.

use alloc::vec::Vec;

use crate::addr::Frame;
use crate::frame_table::OutOfMemory;
use crate::memory_map::FrameRange;

/// More than any instruction needs.
const SERVED_MAX: usize = 8;

/// The frames of the pages that were mapped last.
pub(super) struct Served {
    base: Frame,
    /// Whether each frame is one of them.
    marks: Vec<bool>,
    /// Which they are, by position; the oldest at `oldest`, or at 0 if that is the end.
    ring: [u32; SERVED_MAX],
    oldest: usize,
}

impl Served {
    /// None yet. A byte for each frame.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no room for it.
    pub fn new(frames: FrameRange) -> Result<Self, OutOfMemory> {
        let mut marks = Vec::new();
        marks.try_reserve_exact(frames.count as usize).map_err(|_| OutOfMemory)?;
        marks.resize(frames.count as usize, false);
        Ok(Self { base: frames.first, marks, ring: [u32::MAX; SERVED_MAX], oldest: 0 })
    }

    /// The page in `frame` was mapped for a fault.
    #[inline]
    pub fn note(&mut self, frame: Frame) {
        let position = frame.number().wrapping_sub(self.base.number());
        match self.marks.get_mut(position as usize) {
            Some(mark) if !*mark => *mark = true,
            _ => return,
        }
        let oldest = self.oldest % SERVED_MAX;
        let before = core::mem::replace(&mut self.ring[oldest], position);
        self.oldest = oldest + 1;
        if let Some(mark) = self.marks.get_mut(before as usize) {
            *mark = false;
        }
    }

    /// The page in `frame` is one of them.
    #[inline]
    pub fn contains(&self, frame: Frame) -> bool {
        self.marks.get(frame.number().wrapping_sub(self.base.number()) as usize).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::{SERVED_MAX, Served};
    use crate::addr::Frame;
    use crate::memory_map::FrameRange;

    #[test]
    fn the_last_few_are_known() {
        let mut served = Served::new(FrameRange { first: Frame::new(7), count: 20 }).unwrap();
        for number in [7, 8, 8, 7] {
            served.note(Frame::new(number));
        }
        assert!(served.contains(Frame::new(7)) && served.contains(Frame::new(8)) && !served.contains(Frame::new(9)));
        let others = u32::try_from(SERVED_MAX).unwrap();
        (9..9 + others).for_each(|number| served.note(Frame::new(number)));
        assert!(!served.contains(Frame::new(7)) && !served.contains(Frame::new(8)));
        assert!((9..9 + others).all(|number| served.contains(Frame::new(number))));
        served.note(Frame::new(100));
        assert!(!served.contains(Frame::new(100)), "none of the pool's");
    }
}
