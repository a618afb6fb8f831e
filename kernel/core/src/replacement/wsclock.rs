//! WSClock (R. W. Carr and J. L. Hennessy, "WSCLOCK — A Simple and Effective Algorithm for Virtual Memory Management", 1981;
//! Tanenbaum, "Modern Operating Systems", "The WSClock Page Replacement Algorithm"): a clock that knows when each page was last
//! seen in use. A page not used for longer than tau has dropped out of its owner's working set; the first such page that is clean
//! goes.
//!
//! The original has dirty pages written in passing and goes on until a clean one turns up. A choice here cannot wait for the disk,
//! so if a lap finds no old clean page, the best of what it passed goes: see [`Rank`].
//!
//! Time is counted in faults of all processes, not in the owner's CPU time, and tau is a quarter of the resident pages: a page
//! is old when a quarter of memory has been replaced since it was seen in use.

use super::{FrameMap, Replacement, Residents, Ring};
use crate::addr::Frame;
use crate::frame_table::{OutOfMemory, SpaceId};
use crate::memory_map::FrameRange;

/// Tau is this share of the resident pages, in faults.
const TAUS_PER_TURNOVER: u32 = 4;

/// How readily a page is given up, the best victims first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Out of the working set, and its frame is free at once: the search ends.
    OldClean,
    /// Out of the working set; the original would have it written now and evicted later.
    OldDirty,
    /// "Just claim any clean page."
    YoungClean,
    YoungDirty,
    /// The hand has just seen it in use.
    InUse,
}

/// The first old clean page from the hand on goes.
pub struct WorkingSetClock {
    ring: Ring,
    /// When the page was last seen in use.
    last_use: FrameMap<u64>,
    /// The time of the last choice: a page that arrives does so soon after.
    now: u64,
}

impl WorkingSetClock {
    /// A policy for pages in `frames`.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no room for its books.
    pub fn new(frames: FrameRange) -> Result<Self, OutOfMemory> {
        Ok(Self { ring: Ring::new(frames)?, last_use: FrameMap::new(frames, 0)?, now: 0 })
    }

    /// The best page of a lap, which ends early at one that could not be better.
    fn search(&mut self, memory: &mut dyn Residents) -> Option<Frame> {
        let mut best: Option<(Rank, Frame)> = None;
        for frame in self.ring.lap() {
            if memory.page_in(frame).is_none() {
                continue;
            }
            let rank = if memory.take_accessed(frame) {
                self.last_use.set(frame, self.now);
                Rank::InUse
            } else {
                self.rank_unused(frame, memory.is_dirty(frame))
            };
            if best.is_none_or(|(held, _)| rank < held) {
                best = Some((rank, frame));
            }
            if rank == Rank::OldClean {
                break;
            }
        }
        best.map(|(_, frame)| frame)
    }

    fn rank_unused(&self, frame: Frame, is_dirty: bool) -> Rank {
        let tau = u64::from(self.ring.len() / TAUS_PER_TURNOVER);
        let is_old = self.now.saturating_sub(self.last_use.get(frame)) > tau;
        match (is_old, is_dirty) {
            (true, false) => Rank::OldClean,
            (true, true) => Rank::OldDirty,
            (false, false) => Rank::YoungClean,
            (false, true) => Rank::YoungDirty,
        }
    }
}

impl Replacement for WorkingSetClock {
    fn name(&self) -> &'static str {
        "wsclock"
    }

    fn page_arrived(&mut self, _: SpaceId, frame: Frame) {
        self.ring.insert_behind_hand(frame);
        self.last_use.set(frame, self.now);
    }

    fn page_left(&mut self, _: SpaceId, frame: Frame) {
        self.ring.remove(frame);
    }

    fn choose(&mut self, memory: &mut dyn Residents) -> Option<Frame> {
        self.now = memory.now();
        let victim = self.search(memory)?;
        self.ring.move_hand_to(victim);
        Some(victim)
    }
}
