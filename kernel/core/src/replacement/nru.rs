//! Not recently used (Tanenbaum, "Modern Operating Systems", "The Not Recently Used Page Replacement Algorithm"): pages fall
//! into four classes, and a random page of the lowest class that is not empty goes.
//!
//! ```text
//!   class 0: not used, clean      class 2: used, clean
//!   class 1: not used, dirty      class 3: used, dirty
//! ```
//!
//! "Used" is what is left over from the running period: the book's clock tick is here a quarter of the resident pages in faults.

use core::num::NonZeroU32;

use super::{FrameMap, Period, Replacement, Residents, Ring};
use crate::addr::Frame;
use crate::frame_table::{OutOfMemory, SpaceId};
use crate::memory_map::FrameRange;
use crate::rng::Rng;

/// A period lasts this share of the resident pages, in faults: long enough to tell pages apart, short enough to forget.
const PERIODS_PER_TURNOVER: u32 = 4;

/// A random page of the lowest class goes.
pub struct NotRecentlyUsed {
    ring: Ring,
    /// The page was used in this period. The accessed bit cannot say so itself: asking clears it.
    used: FrameMap<bool>,
    period: Period,
    rng: Rng,
}

impl NotRecentlyUsed {
    /// A policy for pages in `frames`, whose draws follow from `seed`.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no room for its books.
    pub fn new(frames: FrameRange, seed: u64) -> Result<Self, OutOfMemory> {
        let (ring, used) = (Ring::new(frames)?, FrameMap::new(frames, false)?);
        Ok(Self { ring, used, period: Period::default(), rng: Rng::from_seed(seed) })
    }

    /// Draws from the lowest class in one pass: the n-th page of a class takes the place of the one held with a chance of 1/n.
    fn draw(&mut self, memory: &mut dyn Residents) -> Option<Frame> {
        let mut held: Option<(u8, Frame)> = None;
        let mut seen = NonZeroU32::MIN;
        for frame in self.ring.lap() {
            if memory.page_in(frame).is_none() {
                continue;
            }
            let is_used = self.used.get(frame) || memory.take_accessed(frame);
            self.used.set(frame, is_used);
            let class = 2 * u8::from(is_used) + u8::from(memory.is_dirty(frame));
            match held {
                Some((lowest, _)) if class > lowest => {}
                Some((lowest, _)) if class == lowest => {
                    seen = seen.saturating_add(1);
                    if self.rng.below(seen) == 0 {
                        held = Some((class, frame));
                    }
                }
                _ => (held, seen) = (Some((class, frame)), NonZeroU32::MIN),
            }
        }
        held.map(|(_, frame)| frame)
    }

    /// Nobody was used yet in the period that begins.
    fn forget_use(&mut self, memory: &mut dyn Residents) {
        for frame in self.ring.lap() {
            self.used.set(frame, false);
            if memory.page_in(frame).is_some() {
                memory.take_accessed(frame);
            }
        }
    }
}

impl Replacement for NotRecentlyUsed {
    fn name(&self) -> &'static str {
        "nru"
    }

    fn page_arrived(&mut self, _: SpaceId, frame: Frame) {
        self.ring.insert_newest(frame);
        self.used.set(frame, false);
    }

    fn page_left(&mut self, _: SpaceId, frame: Frame) {
        self.ring.remove(frame);
    }

    fn choose(&mut self, memory: &mut dyn Residents) -> Option<Frame> {
        let victim = self.draw(memory);
        // After the draw, which shall know the whole period.
        if self.period.is_over(memory.now(), self.ring.len() / PERIODS_PER_TURNOVER) {
            self.forget_use(memory);
        }
        victim
    }
}
