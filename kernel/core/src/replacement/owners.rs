//! Which address spaces exist and how many of their pages are resident.

use alloc::vec::Vec;

use crate::frame_table::{OutOfMemory, SpaceId};

/// The spaces that exist, with their resident pages counted.
pub struct Owners {
    /// The spaces that exist, in no particular order.
    list: Vec<SpaceId>,
    /// What is known of each space, by [`SpaceId`]; `None` for one that does not exist.
    entries: Vec<Option<Entry>>,
}

/// What is known of a space.
#[derive(Clone, Copy)]
struct Entry {
    /// Its place in the list.
    place: u32,
    resident: u32,
}

impl Owners {
    /// Makes the lists, without spaces.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no memory for them: they have room for every space that there can be.
    pub fn new() -> Result<Self, OutOfMemory> {
        let (mut list, mut entries) = (Vec::new(), Vec::new());
        list.try_reserve_exact(SpaceId::COUNT).map_err(|_| OutOfMemory)?;
        entries.try_reserve_exact(SpaceId::COUNT).map_err(|_| OutOfMemory)?;
        entries.resize(SpaceId::COUNT, None);
        Ok(Self { list, entries })
    }

    /// Adds a space with no resident pages, which does not exist yet.
    ///
    /// # Panics
    /// If its id is none that there can be.
    pub fn add(&mut self, space: SpaceId) {
        debug_assert!(self.entries[space.index()].is_none(), "{space:?} exists already");
        self.entries[space.index()] = Some(Entry { place: self.count(), resident: 0 });
        self.list.push(space);
    }

    /// Forgets a space.
    pub fn remove(&mut self, space: SpaceId) {
        let Some(Entry { place, .. }) = self.entries.get_mut(space.index()).and_then(Option::take) else { return };
        self.list.swap_remove(place as usize);
        if let Some(&moved) = self.list.get(place as usize)
            && let Some(entry) = self.entry_mut(moved)
        {
            entry.place = place;
        }
    }

    /// One more page of `space` is resident.
    #[inline]
    pub fn page_arrived(&mut self, space: SpaceId) {
        if let Some(entry) = self.entry_mut(space) {
            entry.resident += 1;
        }
    }

    /// So many pages of `space` less are resident.
    #[inline]
    pub fn pages_left(&mut self, space: SpaceId, count: u32) {
        if let Some(entry) = self.entry_mut(space) {
            entry.resident -= count;
        }
    }

    /// How many spaces exist.
    #[inline]
    pub fn count(&self) -> u32 {
        u32::try_from(self.list.len()).unwrap_or(u32::MAX)
    }

    /// The space at this position of the list, and its resident pages.
    #[inline]
    pub fn at(&self, position: u32) -> Option<(SpaceId, u32)> {
        let space = *self.list.get(position as usize)?;
        Some((space, self.resident(space)))
    }

    /// How many pages of `space` are resident.
    #[inline]
    pub fn resident(&self, space: SpaceId) -> u32 {
        self.entries.get(space.index()).copied().flatten().map_or(0, |entry| entry.resident)
    }

    #[inline]
    fn entry_mut(&mut self, space: SpaceId) -> Option<&mut Entry> {
        self.entries.get_mut(space.index())?.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::Owners;
    use crate::frame_table::SpaceId;

    proptest! {
        #[test]
        fn owners_count_like_a_map(steps in proptest::collection::vec((0u16..8, any::<u8>()), 0..200)) {
            let mut owners = Owners::new().unwrap();
            let mut model: BTreeMap<SpaceId, u32> = BTreeMap::new();
            for (number, action) in steps {
                let space = SpaceId::new(number);
                match (action % 4, model.get_mut(&space)) {
                    (0, None) => {
                        owners.add(space);
                        model.insert(space, 0);
                    }
                    (0, Some(_)) => {
                        owners.remove(space);
                        model.remove(&space);
                    }
                    (1 | 2, Some(count)) => {
                        owners.page_arrived(space);
                        *count += 1;
                    }
                    (3, Some(count)) if *count > 0 => {
                        owners.pages_left(space, 1);
                        *count -= 1;
                    }
                    _ => {}
                }
                let mut listed: Vec<_> = (0..owners.count()).filter_map(|position| owners.at(position)).collect();
                listed.sort_unstable();
                prop_assert_eq!(listed, model.iter().map(|(&space, &count)| (space, count)).collect::<Vec<_>>());
            }
        }
    }
}
