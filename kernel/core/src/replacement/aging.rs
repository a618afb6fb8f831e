//! Aging (Tanenbaum, "Modern Operating Systems", "Simulating LRU in Software"): each page has a counter that is halved
//! every so often; a page that was used meanwhile gets the highest bit. The page with the lowest counter goes, of several the oldest.
//!
//! The book's clock tick is here an eighth of the resident pages in faults, so the eight bits remember about as long as it takes
//! to replace all of memory once. A new page begins with the highest bit: it is in use, or nobody would have brought it in.

use super::{FrameMap, Period, Replacement, Residents, Ring};
use crate::addr::Frame;
use crate::frame_table::{OutOfMemory, SpaceId};
use crate::memory_map::FrameRange;

/// Used in the period that ended last.
const JUST_USED: u8 = 1 << 7;

/// The counters shift this often while all resident pages are replaced once: as often as they have bits.
const PERIODS_PER_TURNOVER: u32 = u8::BITS;

/// The page with the lowest counter goes.
pub struct Aging {
    ring: Ring,
    counters: FrameMap<u8>,
    period: Period,
}

impl Aging {
    /// A policy for pages in `frames`.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no room for its books.
    pub fn new(frames: FrameRange) -> Result<Self, OutOfMemory> {
        Ok(Self { ring: Ring::new(frames)?, counters: FrameMap::new(frames, 0)?, period: Period::default() })
    }

    fn shift_counters(&mut self, memory: &mut dyn Residents) {
        for frame in self.ring.lap() {
            let is_used = memory.page_in(frame).is_some() && memory.take_accessed(frame);
            let newest_bit = if is_used { JUST_USED } else { 0 };
            self.counters.set(frame, self.counters.get(frame) >> 1 | newest_bit);
        }
    }

    /// How much the page was used lately.
    #[cfg(test)]
    pub fn counter(&self, frame: Frame) -> u8 {
        self.counters.get(frame)
    }
}

impl Replacement for Aging {
    fn name(&self) -> &'static str {
        "aging"
    }

    fn page_arrived(&mut self, _: SpaceId, frame: Frame) {
        self.ring.insert_newest(frame);
        self.counters.set(frame, JUST_USED);
    }

    fn page_left(&mut self, _: SpaceId, frame: Frame) {
        self.ring.remove(frame);
    }

    fn choose(&mut self, memory: &mut dyn Residents) -> Option<Frame> {
        if self.period.is_over(memory.now(), self.ring.len() / PERIODS_PER_TURNOVER) {
            self.shift_counters(memory);
        }
        let candidates = self.ring.lap().filter(|&frame| memory.page_in(frame).is_some());
        candidates.min_by_key(|&frame| self.counters.get(frame))
    }
}
