//! The reference policy: a random process, a random resident page of it.

use core::num::NonZeroU32;

use super::{Replacement, Residents, any_page, scan};
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
    fn random_process(&mut self, memory: &dyn Residents) -> Option<(SpaceId, u32)> {
        let owners = memory.owners();
        let count = NonZeroU32::new(owners.count())?;
        let drawn = (0..count.get()).find_map(|_| resident_at(owners.at(self.rng.below(count))));
        drawn.or_else(|| (0..count.get()).find_map(|position| resident_at(owners.at(position))))
    }

    /// Draws frames until one holds a page of `owner`: with every page equally likely, and no list of pages to keep.
    fn random_page_of(&mut self, owner: SpaceId, resident: u32, memory: &dyn Residents) -> Option<Frame> {
        let count = NonZeroU32::new(memory.frame_count())?;
        let expected_draws = count.get() / resident.max(1);
        let drawn = (0..=expected_draws.saturating_mul(4)).find_map(|_| {
            let frame = memory.frame_at(self.rng.below(count));
            memory.page_in(frame).filter(|page| page.space == owner).map(|_| frame)
        });
        drawn.or_else(|| scan(memory, self.rng.below(count), |page| page.space == owner))
    }
}

impl Replacement for RandomPage {
    fn name(&self) -> &'static str {
        "random"
    }

    fn goes_by_use(&self) -> bool {
        false
    }

    fn choose(&mut self, memory: &mut dyn Residents) -> Option<Frame> {
        let drawn = self.random_process(memory);
        drawn.and_then(|(owner, resident)| self.random_page_of(owner, resident, memory)).or_else(|| any_page(memory))
    }
}

fn resident_at(entry: Option<(SpaceId, u32)>) -> Option<(SpaceId, u32)> {
    entry.filter(|&(_, resident)| resident > 0)
}
