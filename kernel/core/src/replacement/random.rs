//! The reference policy: a random process, a random resident page of it.

use core::num::NonZeroU32;

use super::owner_lists::OwnerLists;
use super::{Replacement, Residents};
use crate::addr::Frame;
use crate::frame_table::{OutOfMemory, SpaceId};
use crate::memory_map::FrameRange;
use crate::rng::Rng;

/// Draws a process, then a page of it.
pub struct RandomPage {
    rng: Rng,
    pages: OwnerLists,
}

impl RandomPage {
    /// A policy over `frames` whose choices follow from `seed`.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no room for its lists.
    pub fn new(frames: FrameRange, seed: u64) -> Result<Self, OutOfMemory> {
        Ok(Self { rng: Rng::from_seed(seed), pages: OwnerLists::new(frames, SpaceId::COUNT)? })
    }

    /// The course's `getRandomProcess()`, tried again until it has a resident page. Whether the process runs, waits or sleeps makes
    /// no difference.
    fn random_process(&mut self, memory: &dyn Residents) -> Option<(SpaceId, u32)> {
        let owners = memory.owners();
        let count = NonZeroU32::new(owners.count())?;
        let with_pages =
            |position| owners.at(position).filter(|&(owner, resident)| resident > 0 && may_lend(owner, memory));
        let drawn = (0..count.get()).find_map(|_| with_pages(self.rng.below(count)));
        drawn.or_else(|| (0..count.get()).find_map(with_pages))
    }

    /// A page of `owner`, each as likely as any other.
    fn random_page_of(&mut self, owner: SpaceId, resident: u32, memory: &dyn Residents) -> Option<Frame> {
        let count = NonZeroU32::new(memory.frame_count())?;
        let is_its = |frame: &Frame| memory.page_in(*frame).is_some_and(|page| page.space == owner);
        // Whoever has many pages is found by drawing frames, whoever has few by going through its list.
        let expected_draws = count.get() / resident.max(1);
        if expected_draws < resident {
            (0..expected_draws.saturating_mul(3)).find_map(|_| {
                let frame = memory.frame_at(self.rng.below(count));
                is_its(&frame).then_some(frame)
            })
        } else {
            let steps = self.rng.below(NonZeroU32::new(resident)?);
            self.pages.of(owner).nth(steps as usize).filter(is_its)
        }
    }

    /// The newest page that may be borrowed of the first process that has one, from a random one on.
    fn listed_page(&mut self, memory: &dyn Residents) -> Option<Frame> {
        let count = NonZeroU32::new(memory.owners().count())?;
        let start = self.rng.below(count);
        let around = (start..count.get()).chain(0..start).filter_map(|position| memory.owners().at(position));
        let mut lenders = around.filter(|&(owner, _)| may_lend(owner, memory));
        lenders.find_map(|(owner, _)| self.pages.of(owner).find(|&frame| memory.page_in(frame).is_some()))
    }
}

impl Replacement for RandomPage {
    fn name(&self) -> &'static str {
        "random"
    }

    fn goes_by_use(&self) -> bool {
        false
    }

    fn page_arrived(&mut self, owner: SpaceId, frame: Frame) {
        self.pages.add(owner, frame);
    }

    fn page_left(&mut self, owner: SpaceId, frame: Frame) {
        self.pages.remove(owner, frame);
    }

    fn choose(&mut self, memory: &mut dyn Residents) -> Option<Frame> {
        // The page that was drawn may be one that cannot be borrowed now; then another is drawn, though not for ever.
        let drawn = (0..4).find_map(|_| {
            let (owner, resident) = self.random_process(memory)?;
            self.random_page_of(owner, resident, memory)
        });
        drawn.or_else(|| self.listed_page(memory))
    }
}

/// Returns true unless `owner` stands for the files, and they may not lend now.
fn may_lend(owner: SpaceId, memory: &dyn Residents) -> bool {
    owner != SpaceId::FILES || memory.files_lend()
}

#[cfg(test)]
mod tests {
    use super::RandomPage;
    use crate::frame_table::SpaceId;
    use crate::replacement::tests::memory::{Behaviour, Memory, frames};

    #[test]
    fn a_process_with_pages_is_drawn_however_many_have_none() {
        let owner = SpaceId::new(250);
        let mut memory = Memory::new(4, Behaviour::Scripted);
        (Memory::OWNERS..500).for_each(|number| memory.owners.add(SpaceId::new(number)));
        let mut policy = RandomPage::new(frames(4), 1).unwrap();
        assert_eq!(policy.random_process(&memory), None);
        memory.arrive(&mut policy, 2, owner.number(), false);
        for draw in 0..1000 {
            assert_eq!(policy.random_process(&memory), Some((owner, 1)), "draw {draw}");
        }
    }
}
