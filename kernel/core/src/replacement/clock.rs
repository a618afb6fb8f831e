//! The clock (F. J. Corbató, "A Paging Experiment with the Multics System", 1968; Tanenbaum, "Modern Operating Systems", "The
//! Clock Page Replacement Algorithm"): a hand goes around the resident pages, passes those that were used since it was last there,
//! and stops at the first that was not.
//!
//! A new page takes the place of the one that left, behind the hand, so it is looked at last.

use super::{Replacement, Residents, Ring};
use crate::addr::Frame;
use crate::frame_table::{OutOfMemory, SpaceId};
use crate::memory_map::FrameRange;

/// The first unused page from the hand on goes.
pub struct Clock {
    ring: Ring,
}

impl Clock {
    /// A policy for pages in `frames`.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no room for the circle.
    pub fn new(frames: FrameRange) -> Result<Self, OutOfMemory> {
        Ok(Self { ring: Ring::new(frames)? })
    }
}

impl Replacement for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn page_arrived(&mut self, _: SpaceId, frame: Frame) {
        self.ring.insert_behind_hand(frame);
    }

    fn page_left(&mut self, _: SpaceId, frame: Frame) {
        self.ring.remove(frame);
    }

    fn choose(&mut self, memory: &mut dyn Residents) -> Option<Frame> {
        self.ring.second_chance(memory)
    }
}
