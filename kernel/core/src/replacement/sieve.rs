//! SIEVE (Zhang, Yang, Yue, Vigfusson and Rashmi, "SIEVE is Simpler than LRU: an Efficient Turn-Key Eviction Algorithm for Web
//! Caches", NSDI 2024): a clock whose pages never move and whose new pages go to the newest end, not behind the hand.
//!
//! The hand sweeps from the oldest to the newest, keeps what was used (lazy promotion: a page is moved neither when it is used nor
//! when it is passed) and evicts what was not. Between the hand and the newest end, pages that are used once are sifted out soon
//! (quick demotion), while those behind it have proved themselves.
//!
//! In a cache the request that brings an object in does not count as a visit. Here the CPU sets the accessed bit when the access
//! that faulted is tried again, so the newest page's bit is forgotten once, at the next choice; else each page would look visited.

use super::{Replacement, Residents, Ring};
use crate::addr::Frame;
use crate::frame_table::{OutOfMemory, SpaceId};
use crate::memory_map::FrameRange;

/// The first unused page from the hand on goes; new pages come in front.
pub struct Sieve {
    ring: Ring,
    /// The page that arrived since the last choice, the latest if there are several.
    newcomer: Option<Frame>,
}

impl Sieve {
    /// A policy for pages in `frames`.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no room for the circle.
    pub fn new(frames: FrameRange) -> Result<Self, OutOfMemory> {
        Ok(Self { ring: Ring::new(frames)?, newcomer: None })
    }
}

impl Replacement for Sieve {
    fn name(&self) -> &'static str {
        "sieve"
    }

    fn page_arrived(&mut self, _: SpaceId, frame: Frame) {
        self.ring.insert_newest(frame);
        self.newcomer = Some(frame);
    }

    fn page_left(&mut self, _: SpaceId, frame: Frame) {
        self.ring.remove(frame);
    }

    fn choose(&mut self, memory: &mut dyn Residents) -> Option<Frame> {
        if let Some(frame) = self.newcomer.take()
            && memory.page_in(frame).is_some()
        {
            memory.take_accessed(frame);
        }
        self.ring.second_chance(memory)
    }
}
