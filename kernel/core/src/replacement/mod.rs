//! Who gives up a frame: one policy a file, the same code in the kernel and on the host.

mod owners;
mod random;

pub use owners::Owners;
pub use random::RandomPage;

use crate::addr::Frame;
use crate::frame_table::{FrameTable, FrameUse, OwnedPage};

/// Chooses victims.
pub trait Replacement {
    /// The policy's name, as in `policy=NAME`.
    fn name(&self) -> &'static str;

    /// Chooses a frame to borrow; `None` only if there is no candidate at all.
    fn choose(&mut self, candidates: &Candidates<'_>) -> Option<Frame>;
}

/// The frames that may be borrowed now.
pub struct Candidates<'a> {
    /// What each frame is used for.
    pub frames: &'a FrameTable,
    /// Who has how many resident pages.
    pub owners: &'a Owners,
    /// The swap file is full: only a page that already owns a slot can be written.
    pub must_own_slot: bool,
}

impl Candidates<'_> {
    /// The page in `frame`, if the frame may be borrowed. Tables, and pages on their way from or to the disk (the one being
    /// filled for the current fault among them), never are.
    #[inline]
    pub fn page_in(&self, frame: Frame) -> Option<OwnedPage> {
        match self.frames.get(frame) {
            FrameUse::Resident { owner, slot } if !self.must_own_slot || slot.is_some() => Some(owner),
            _ => None,
        }
    }

    /// The first candidate that `accept` takes, looking at every frame once, from position `start` on and around.
    pub fn scan(&self, start: u32, mut accept: impl FnMut(OwnedPage) -> bool) -> Option<Frame> {
        let count = self.frames.frame_count();
        (start..count)
            .chain(0..start.min(count))
            .map(|index| self.frames.frame_at(index))
            .find(|&frame| self.page_in(frame).is_some_and(&mut accept))
    }
}
