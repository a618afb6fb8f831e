//! First in, first out (Tanenbaum, "Modern Operating Systems", "The First-In, First-Out Page Replacement Algorithm"): the page
//! that has been resident longest goes, used or not. The baseline that the clock improves on; with more frames it can fault more
//! often (Belady's anomaly).

use super::{Replacement, Residents, Ring};
use crate::addr::Frame;
use crate::frame_table::{OutOfMemory, SpaceId};
use crate::memory_map::FrameRange;

/// The oldest page goes.
pub struct Fifo {
    /// Its hand stays where it is: the circle is a queue.
    queue: Ring,
}

impl Fifo {
    /// A policy for pages in `frames`.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no room for the queue.
    pub fn new(frames: FrameRange) -> Result<Self, OutOfMemory> {
        Ok(Self { queue: Ring::new(frames)? })
    }
}

impl Replacement for Fifo {
    fn name(&self) -> &'static str {
        "fifo"
    }

    fn goes_by_use(&self) -> bool {
        false
    }

    fn page_arrived(&mut self, _: SpaceId, frame: Frame) {
        self.queue.insert_newest(frame);
    }

    fn page_left(&mut self, _: SpaceId, frame: Frame) {
        self.queue.remove(frame);
    }

    fn choose(&mut self, memory: &mut dyn Residents) -> Option<Frame> {
        self.queue.lap().find(|&frame| memory.page_in(frame).is_some())
    }
}
