//! A table whose entries never move.
//!
//! A table that grows by reallocation leaves a hole of its old size in the kernel's heap. What is allocated there later keeps a run of
//! frames from going back to the kernel's pool, and the same machine then has room for fewer processes, or for more. Here the list of
//! entries is made once, with a word for each entry that there can be, and each entry has memory of its own as long as it exists.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::frame_table::OutOfMemory;

/// Up to so many entries as were said when the table was made, each at an index.
pub struct Table<T> {
    /// Up to the last entry. Its room is never reallocated.
    places: Vec<Option<Box<[T; 1]>>>,
    most: usize,
}

impl<T> Table<T> {
    /// Makes an empty table with room for `most` entries.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no memory for the list of entries: a word for each.
    pub fn new(most: usize) -> Result<Self, OutOfMemory> {
        let mut places = Vec::new();
        places.try_reserve_exact(most).map_err(|_| OutOfMemory)?;
        Ok(Self { places, most })
    }

    /// The entry at this index.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&T> {
        let [entry] = self.places.get(index)?.as_deref()?;
        Some(entry)
    }

    /// The entry at this index, to be changed.
    #[inline]
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let [entry] = self.places.get_mut(index)?.as_deref_mut()?;
        Some(entry)
    }

    /// The lowest index from `from` on that has no entry. `None` if the table is full.
    pub fn first_free(&self, from: usize) -> Option<usize> {
        let end = self.places.len().max(from);
        (from..end).find(|&index| self.get(index).is_none()).or((end < self.most).then_some(end))
    }

    /// Adds an entry at an index that has none.
    ///
    /// # Errors
    /// The entry, if there is no memory for it, the index is taken or is none of the table's.
    pub fn insert(&mut self, index: usize, entry: T) -> Result<(), T> {
        if index >= self.most || self.get(index).is_some() {
            return Err(entry);
        }
        let boxed = boxed(entry)?;
        if index >= self.places.len() {
            self.places.resize_with(index + 1, || None);
        }
        self.places[index] = Some(boxed);
        Ok(())
    }

    /// Takes the entry at this index out, and frees its memory.
    pub fn remove(&mut self, index: usize) -> Option<T> {
        let [entry] = *self.places.get_mut(index)?.take()?;
        while let Some(None) = self.places.last() {
            self.places.pop();
        }
        Some(entry)
    }

    /// All entries with their indices, in order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.places.iter().enumerate().filter_map(|(index, place)| {
            let [entry] = place.as_deref()?;
            Some((index, entry))
        })
    }

    /// All entries, in order of index, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().filter_map(|place| place.as_deref_mut().map(|[entry]| entry))
    }
}

/// Puts a value on the heap, if there is room.
fn boxed<T>(value: T) -> Result<Box<[T; 1]>, T> {
    let mut place = Vec::new();
    if place.try_reserve_exact(1).is_err() {
        return Err(value);
    }
    place.push(value);
    match place.into_boxed_slice().try_into() {
        Ok(boxed) => Ok(boxed),
        Err(_) => unreachable!("one value was pushed"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::Table;

    #[test]
    fn entries_do_not_move_when_others_come_and_go() {
        let mut table = Table::new(500).unwrap();
        let places: Vec<*const u32> = (0..500)
            .map(|index| {
                table.insert(index, 7).unwrap();
                std::ptr::from_ref(table.get(index).unwrap())
            })
            .collect();
        (0..500).filter(|index| index % 3 > 0).for_each(|index| assert_eq!(table.remove(index), Some(7)));
        for index in (0..500).step_by(3) {
            assert_eq!(std::ptr::from_ref(table.get(index).unwrap()), places[index]);
        }
    }

    proptest! {
        #[test]
        fn table_behaves_like_a_map(steps in proptest::collection::vec(any::<(u8, u8)>(), 0..200)) {
            const MOST: usize = 20;
            let mut table = Table::new(MOST).unwrap();
            let mut model = BTreeMap::new();
            for (action, number) in steps {
                let index = usize::from(number % 24);
                match action % 3 {
                    0 => {
                        let fits = index < MOST && !model.contains_key(&index);
                        prop_assert_eq!(table.insert(index, number), if fits { Ok(()) } else { Err(number) });
                        if fits {
                            model.insert(index, number);
                        }
                    }
                    1 => prop_assert_eq!(table.remove(index), model.remove(&index)),
                    _ => {
                        if let Some(entry) = table.get_mut(index) {
                            *entry ^= 1;
                        }
                        model.entry(index).and_modify(|entry| *entry ^= 1);
                    }
                }
                prop_assert_eq!(table.get(index), model.get(&index));
                prop_assert_eq!(table.first_free(index), (index..MOST).find(|index| !model.contains_key(index)));
                let listed: Vec<_> = table.iter().map(|(index, &entry)| (index, entry)).collect();
                prop_assert_eq!(&listed, &model.iter().map(|(&index, &entry)| (index, entry)).collect::<Vec<_>>());
                prop_assert_eq!(table.iter_mut().count(), listed.len());
            }
        }
    }
}
