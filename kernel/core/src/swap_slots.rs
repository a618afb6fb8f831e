//! The slots of the swap file: handed out from a next-page counter, used again when the counter comes round.

use alloc::vec::Vec;
use core::fmt;

use crate::addr::SwapSlot;
use crate::frame_table::OutOfMemory;
use crate::pte::Pte;

/// Which slots are used.
pub struct SwapSlots {
    /// A bit for each slot; bits past the last slot are set.
    used: Vec<u32>,
    bad: Vec<u32>,
    total: u32,
    used_count: u32,
    bad_count: u32,
    /// The course's next-page counter: where the search for a free slot starts.
    next: u32,
}

/// Why a slot cannot be freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwapSlotError {
    /// The swap file has no such slot.
    NoSuchSlot(SwapSlot),
    /// Nobody owns it.
    AlreadyFree(SwapSlot),
}

impl fmt::Display for SwapSlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchSlot(slot) => write!(f, "the swap file has no slot {}", slot.number()),
            Self::AlreadyFree(slot) => write!(f, "slot {} is already free", slot.number()),
        }
    }
}

impl SwapSlots {
    /// A map of `total` free slots; more than a page-table entry can name are ignored.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no room for the map: 2 bits a slot.
    pub fn new(total: u32) -> Result<Self, OutOfMemory> {
        let total = total.min(Pte::SLOT_LIMIT);
        let words = total.div_ceil(32) as usize;
        let zeros = || -> Result<Vec<u32>, OutOfMemory> {
            let mut words_of_zero = Vec::new();
            words_of_zero.try_reserve_exact(words).map_err(|_| OutOfMemory)?;
            words_of_zero.resize(words, 0);
            Ok(words_of_zero)
        };
        let (mut used, bad) = (zeros()?, zeros()?);
        if let Some(last) = used.last_mut()
            && !total.is_multiple_of(32)
        {
            *last = u32::MAX << (total % 32);
        }
        Ok(Self { used, bad, total, used_count: 0, bad_count: 0, next: 0 })
    }

    /// Hands out the next free slot.
    #[inline]
    pub fn assign(&mut self) -> Option<SwapSlot> {
        if self.free_count() == 0 {
            return None;
        }
        let number = self.free_from(self.next).or_else(|| self.free_from(0))?;
        self.used[(number / 32) as usize] |= 1 << (number % 32);
        self.used_count += 1;
        self.next = if number + 1 < self.total { number + 1 } else { 0 };
        Some(SwapSlot::new(number))
    }

    /// Hands out up to `count` slots that lie side by side: the first run of `count` free ones from the counter on, else the longest
    /// seen. `None` only if no slot is free. Returns the first slot and how many there are.
    pub fn assign_run(&mut self, count: u32) -> Option<(SwapSlot, u32)> {
        let (mut best, mut start, mut looked) = (0..0, self.next, 0);
        while looked < self.total && best.len() < count as usize {
            if !best.is_empty() && looked > Self::RUN_SEARCH_MAX {
                break;
            }
            let Some(first) = self.free_from(start) else {
                looked += self.total - start;
                start = 0;
                continue;
            };
            let mut end = first + 1;
            while end < self.total && end - first < count && !self.is_used(SwapSlot::new(end)) {
                end += 1;
            }
            if end - first > best.end - best.start {
                best = first..end;
            }
            looked += end - start;
            start = end;
        }
        if best.is_empty() || self.free_count() == 0 {
            return None;
        }
        best.clone().for_each(|number| self.used[(number / 32) as usize] |= 1 << (number % 32));
        let len = best.end - best.start;
        self.used_count += len;
        self.next = if best.end < self.total { best.end } else { 0 };
        Some((SwapSlot::new(best.start), len))
    }

    /// How many slots are looked through for a longer run once there is some run: a search through a full map would cost more than
    /// a few short writes.
    const RUN_SEARCH_MAX: u32 = 4096;

    /// The first free slot at `start` or behind it.
    #[inline]
    fn free_from(&self, start: u32) -> Option<u32> {
        let first_word = start / 32;
        let below_start = (1u32 << (start % 32)) - 1;
        let words = self.used.get(first_word as usize..)?;
        (first_word..).zip(words).find_map(|(index, &word)| {
            let word = if index == first_word { word | below_start } else { word };
            (word != u32::MAX).then(|| index * 32 + word.trailing_ones())
        })
    }

    /// Takes a slot back.
    ///
    /// # Errors
    /// `NoSuchSlot` behind the end of the swap file; `AlreadyFree`, also for a slot that was [marked bad](Self::mark_bad). Nothing has
    /// changed then.
    #[inline]
    pub fn free(&mut self, slot: SwapSlot) -> Result<(), SwapSlotError> {
        if slot.number() >= self.total {
            return Err(SwapSlotError::NoSuchSlot(slot));
        }
        let (word, bit) = ((slot.number() / 32) as usize, 1 << (slot.number() % 32));
        if self.used[word] & bit == 0 || self.bad[word] & bit != 0 {
            return Err(SwapSlotError::AlreadyFree(slot));
        }
        self.used[word] &= !bit;
        self.used_count -= 1;
        Ok(())
    }

    /// Takes a free slot out of use for good: the disk cannot write it. A slot in use is left alone.
    pub fn mark_bad(&mut self, slot: SwapSlot) {
        if self.is_used(slot) || slot.number() >= self.total {
            return;
        }
        let (word, bit) = ((slot.number() / 32) as usize, 1 << (slot.number() % 32));
        self.used[word] |= bit;
        self.bad[word] |= bit;
        self.bad_count += 1;
    }

    /// Some page owns the slot, or it is bad.
    pub fn is_used(&self, slot: SwapSlot) -> bool {
        let word = self.used.get((slot.number() / 32) as usize);
        word.is_some_and(|word| word & 1 << (slot.number() % 32) != 0)
    }

    /// How many slots there are, bad ones included.
    pub const fn total(&self) -> u32 {
        self.total
    }

    /// How many slots pages own.
    pub const fn used_count(&self) -> u32 {
        self.used_count
    }

    /// How many slots can still be handed out.
    #[inline]
    pub const fn free_count(&self) -> u32 {
        self.total - self.used_count - self.bad_count
    }

    /// How many slots the disk could not write.
    pub const fn bad_count(&self) -> u32 {
        self.bad_count
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{SwapSlotError, SwapSlots};
    use crate::addr::SwapSlot;

    #[test]
    fn slots_count_up_and_freed_ones_are_used_when_the_counter_comes_round() {
        let mut slots = SwapSlots::new(3).unwrap();
        let mut assign = || slots.assign().map(SwapSlot::number);
        assert_eq!([assign(), assign()], [Some(0), Some(1)]);
        slots.free(SwapSlot::new(0)).unwrap();
        assert_eq!(slots.assign(), Some(SwapSlot::new(2)));
        assert_eq!(slots.assign(), Some(SwapSlot::new(0)));
        assert_eq!(slots.assign(), None);
        assert_eq!(slots.free(SwapSlot::new(3)), Err(SwapSlotError::NoSuchSlot(SwapSlot::new(3))));
    }

    #[test]
    fn a_run_is_as_long_as_asked_if_one_is_free_and_else_the_longest() {
        let mut slots = SwapSlots::new(10).unwrap();
        assert_eq!(slots.assign_run(4), Some((SwapSlot::new(0), 4)));
        assert_eq!(slots.assign_run(5), Some((SwapSlot::new(4), 5)));
        for number in [1, 2, 5] {
            slots.free(SwapSlot::new(number)).unwrap();
        }
        assert_eq!(slots.assign_run(3), Some((SwapSlot::new(1), 2)), "slot 9 alone is shorter");
        assert_eq!(slots.assign_run(1), Some((SwapSlot::new(5), 1)), "the counter stands behind the last run");
        assert_eq!([slots.assign_run(8), slots.assign_run(8)], [Some((SwapSlot::new(9), 1)), None]);
    }

    #[test]
    fn runs_are_handed_out_one_after_the_other_until_the_counter_comes_round() {
        let mut slots = SwapSlots::new(10).unwrap();
        for first in [0, 3, 6, 0, 3] {
            assert_eq!(slots.assign_run(3), Some((SwapSlot::new(first), 3)));
            (first..first + 3).for_each(|number| slots.free(SwapSlot::new(number)).unwrap());
        }
    }

    #[test]
    fn once_there_is_some_run_only_so_many_slots_are_searched_for_a_longer_one() {
        // Every hundredth slot is free, and `pair` with the slot after it.
        let found = [4010, 5010].map(|pair| {
            let mut slots = SwapSlots::new(2 * SwapSlots::RUN_SEARCH_MAX).unwrap();
            while slots.assign().is_some() {}
            for number in (0..slots.total()).step_by(100).chain([pair, pair + 1]) {
                slots.free(SwapSlot::new(number)).unwrap();
            }
            slots.assign_run(2)
        });
        let (first, pair) = (Some((SwapSlot::new(0), 1)), Some((SwapSlot::new(4010), 2)));
        assert_eq!(found, [pair, first], "the second pair is too far away");
    }

    #[test]
    fn freeing_twice_names_the_slot() {
        let mut slots = SwapSlots::new(1000).unwrap();
        let error = slots.free(SwapSlot::new(812)).unwrap_err();
        assert_eq!(error.to_string(), "slot 812 is already free");
    }

    /// What the slots should be: which are used and bad, and the next-page counter.
    struct Model {
        total: u32,
        used: BTreeSet<u32>,
        bad: BTreeSet<u32>,
        next: u32,
    }

    impl Model {
        /// The run that is handed out: of all places from the counter on, the first with the longest run of at most `count` free slots.
        fn assign_run(&mut self, count: u32) -> Option<(SwapSlot, u32)> {
            let run_at = |start: u32| {
                let end = self.total.min(start + count);
                let is_free = |slot: &u32| !self.used.contains(slot) && !self.bad.contains(slot);
                u32::try_from((start..end).take_while(is_free).count()).unwrap()
            };
            let places = || (self.next..self.total).chain(0..self.next);
            let longest = places().map(run_at).max().filter(|&len| len > 0)?;
            let first = places().find(|&start| run_at(start) == longest).unwrap();
            self.used.extend(first..first + longest);
            self.next = (first + longest) % self.total;
            Some((SwapSlot::new(first), longest))
        }
    }

    proptest! {
        #[test]
        fn slots_behave_like_a_set_with_a_counter(
            total in 0u32..100,
            steps in proptest::collection::vec((any::<u8>(), 0u32..110), 0..400),
        ) {
            let mut slots = SwapSlots::new(total).unwrap();
            let mut model = Model { total, used: BTreeSet::new(), bad: BTreeSet::new(), next: 0 };
            for (action, number) in steps {
                let slot = SwapSlot::new(number);
                match action % 8 {
                    0..3 => prop_assert_eq!(slots.assign(), model.assign_run(1).map(|(slot, _)| slot)),
                    3 if number > 0 => prop_assert_eq!(slots.assign_run(number), model.assign_run(number)),
                    3 => prop_assert_eq!(slots.assign_run(number % 9 + 1), model.assign_run(number % 9 + 1)),
                    4..7 => prop_assert_eq!(slots.free(slot).is_ok(), model.used.remove(&number)),
                    _ => {
                        slots.mark_bad(slot);
                        if number < total && !model.used.contains(&number) {
                            model.bad.insert(number);
                        }
                    }
                }
                let (used, bad) = (model.used.len(), model.bad.len());
                prop_assert_eq!((slots.used_count() as usize, slots.bad_count() as usize), (used, bad));
                prop_assert_eq!(slots.free_count() as usize, total as usize - used - bad);
            }
        }
    }
}
