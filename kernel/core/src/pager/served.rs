//! The pages that were mapped for the last few faults: they are not borrowed.
//!
//! A page that was mapped for a fault is used only when its instruction is tried again, and that may need more pages first: an instruction
//! on two pages with two operands on two pages each. Without this, two of them could push each other out for ever.

use alloc::vec::Vec;

use crate::addr::Frame;
use crate::frame_table::OutOfMemory;
use crate::memory_map::FrameRange;
use crate::pager::RESERVE_FRAMES;

/// More than the six pages that an instruction can need, and fewer than the frames that never hold a table. So one frame is left to borrow
/// even if all other frames hold tables.
const SERVED_MAX: usize = RESERVE_FRAMES as usize - 1;

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
        let oldest = if self.oldest < SERVED_MAX { self.oldest } else { 0 };
        let before = core::mem::replace(&mut self.ring[oldest], position);
        self.oldest = oldest + 1;
        if let Some(mark) = self.marks.get_mut(before as usize) {
            *mark = false;
        }
    }

    /// The page in `frame` was mapped for a fault, as a copy of the page in `original`. The copy takes the place of its original, if that is
    /// one of them.
    pub fn note_instead(&mut self, original: Frame, frame: Frame) {
        let position_of = |frame: Frame| frame.number().wrapping_sub(self.base.number());
        let (old, new) = (position_of(original), position_of(frame));
        let place = self.ring.iter().position(|&position| position == old);
        let (Some(place), Some(false)) = (place, self.marks.get(new as usize)) else { return self.note(frame) };
        self.ring[place] = new;
        self.marks[old as usize] = false;
        self.marks[new as usize] = true;
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

    #[test]
    fn copies_take_the_places_of_their_originals() {
        let mut served = Served::new(FrameRange { first: Frame::new(7), count: 40 }).unwrap();
        let most = u32::try_from(SERVED_MAX).unwrap();
        for index in 0..most {
            let (original, copy) = (Frame::new(7 + index), Frame::new(27 + index));
            served.note(original);
            served.note_instead(original, copy);
            assert!(!served.contains(original));
        }
        assert!((27..27 + most).all(|number| served.contains(Frame::new(number))));
        // An original that was mapped long ago has no place.
        served.note_instead(Frame::new(7), Frame::new(8));
        assert!(served.contains(Frame::new(8)) && !served.contains(Frame::new(7)) && !served.contains(Frame::new(27)));
        served.note_instead(Frame::new(8), Frame::new(28));
        assert!(served.contains(Frame::new(28)), "a page that is one of them stays one");
    }
}
