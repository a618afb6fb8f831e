//! The reference policy: a random process, a random resident page of it.

use core::num::NonZeroU32;

use super::{Candidates, Replacement};
use crate::addr::Frame;
use crate::frame_table::SpaceId;
use crate::rng::Rng;

/// Draws a process, then a page of it.
pub struct RandomPage {
    rng: Rng,
}

impl RandomPage {
    /// A policy whose choices follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng::from_seed(seed) }
    }

    /// The course's `random_process()`, tried again until it has a resident page. Whether the process runs, waits or sleeps makes
    /// no difference.
    fn random_process(&mut self, candidates: &Candidates<'_>) -> Option<(SpaceId, u32)> {
        let owners = candidates.owners;
        let count = NonZeroU32::new(owners.count())?;
        let drawn = (0..count.get()).find_map(|_| resident_at(owners.at(self.rng.below(count))));
        drawn.or_else(|| (0..count.get()).find_map(|position| resident_at(owners.at(position))))
    }

    /// Draws frames until one holds a page of `owner`: with every page equally likely, and no list of pages to keep.
    fn random_page_of(&mut self, owner: SpaceId, resident: u32, candidates: &Candidates<'_>) -> Option<Frame> {
        let count = NonZeroU32::new(candidates.frames.frame_count())?;
        let expected_draws = count.get() / resident.max(1);
        let drawn = (0..=expected_draws.saturating_mul(4)).find_map(|_| {
            let frame = candidates.frames.frame_at(self.rng.below(count));
            candidates.page_in(frame).filter(|page| page.space == owner).map(|_| frame)
        });
        drawn.or_else(|| candidates.scan(self.rng.below(count), |page| page.space == owner))
    }
}

impl Replacement for RandomPage {
    fn name(&self) -> &'static str {
        "random"
    }

    fn choose(&mut self, candidates: &Candidates<'_>) -> Option<Frame> {
        let (owner, resident) = self.random_process(candidates)?;
        self.random_page_of(owner, resident, candidates).or_else(|| candidates.scan(0, |_| true))
    }
}

fn resident_at(entry: Option<(SpaceId, u32)>) -> Option<(SpaceId, u32)> {
    entry.filter(|&(_, resident)| resident > 0)
}

#[cfg(test)]
mod tests {
    use super::RandomPage;
    use crate::addr::Frame;
    use crate::frame_table::{FrameTable, SpaceId};
    use crate::replacement::{Candidates, Owners, Replacement};

    #[test]
    fn when_nobody_has_a_resident_page_the_search_ends() {
        let frames = FrameTable::new(Frame::new(100), 50).unwrap();
        let mut owners = Owners::default();
        let mut policy = RandomPage::new(1);
        for count in 0..4 {
            let candidates = Candidates { frames: &frames, owners: &owners, must_own_slot: false };
            assert_eq!(policy.choose(&candidates), None, "{count} owners");
            owners.add(SpaceId::new(count)).unwrap();
        }
    }
}
