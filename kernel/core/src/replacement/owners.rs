//! Which address spaces exist and how many of their pages are resident.

use alloc::vec::Vec;

use crate::frame_table::{OutOfMemory, SpaceId};

/// The spaces that exist, in no particular order, with their resident pages counted.
#[derive(Default)]
pub struct Owners {
    list: Vec<(SpaceId, u32)>,
    /// For each space, its place in `list` plus one; 0 if it does not exist.
    places: Vec<u32>,
}

impl Owners {
    /// Adds a space with no resident pages.
    ///
    /// # Errors
    /// `OutOfMemory` if the list cannot grow; nothing has changed.
    pub fn add(&mut self, space: SpaceId) -> Result<(), OutOfMemory> {
        self.list.try_reserve(1).map_err(|_| OutOfMemory)?;
        if self.places.len() <= space.index() {
            let missing = space.index() + 1 - self.places.len();
            self.places.try_reserve(missing).map_err(|_| OutOfMemory)?;
            self.places.resize(space.index() + 1, 0);
        }
        debug_assert_eq!(self.places[space.index()], 0, "{space:?} exists already");
        self.list.push((space, 0));
        self.places[space.index()] = self.count();
        Ok(())
    }

    /// Forgets a space.
    pub fn remove(&mut self, space: SpaceId) {
        let Some(place) = self.place(space) else { return };
        self.list.swap_remove(place);
        if let Some(&(moved, _)) = self.list.get(place) {
            self.places[moved.index()] = self.places[space.index()];
        }
        self.places[space.index()] = 0;
    }

    /// One more page of `space` is resident.
    #[inline]
    pub fn page_arrived(&mut self, space: SpaceId) {
        if let Some(place) = self.place(space) {
            self.list[place].1 += 1;
        }
    }

    /// One page of `space` less is resident.
    #[inline]
    pub fn page_left(&mut self, space: SpaceId) {
        if let Some(place) = self.place(space) {
            self.list[place].1 -= 1;
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
        self.list.get(position as usize).copied()
    }

    /// How many pages of `space` are resident.
    pub fn resident(&self, space: SpaceId) -> u32 {
        self.place(space).map_or(0, |place| self.list[place].1)
    }

    #[inline]
    fn place(&self, space: SpaceId) -> Option<usize> {
        let place = *self.places.get(space.index())?;
        (place as usize).checked_sub(1)
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
            let mut owners = Owners::default();
            let mut model: BTreeMap<SpaceId, u32> = BTreeMap::new();
            for (number, action) in steps {
                let space = SpaceId::new(number);
                match (action % 4, model.get_mut(&space)) {
                    (0, None) => {
                        owners.add(space).unwrap();
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
                        owners.page_left(space);
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
