//! A table whose entries never move.
//!
//! A table that grows by reallocation leaves a hole of its old size in the kernel's heap. What is allocated there later keeps a run of
//! frames from going back to the kernel's pool. The same machine then has room for fewer processes, or for more. Here entries lie in
//! pieces. The list of pieces is made once, with a word for each piece that there can be, and each piece has memory of its own as long as
//! it has an entry. The first few pieces keep theirs: most machines need no others.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::frame_table::OutOfMemory;

type Piece<T, const LEN: usize> = Box<[Option<T>; LEN]>;

/// Up to as many entries as were said when the table was made, each at an index. A piece has `LEN` entries, a power of two.
pub struct Table<T, const LEN: usize = 1> {
    /// Up to the last piece with an entry. The list is never reallocated.
    pieces: Vec<Option<Piece<T, LEN>>>,
    most: usize,
    /// Number of pieces that keep their memory.
    kept: usize,
    /// No index below this one is free.
    full_below: usize,
}

impl<T, const LEN: usize> Table<T, LEN> {
    /// Makes an empty table with room for `most` entries. Its first `kept` pieces keep their memory.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no memory for the list of pieces, or for the pieces that keep theirs.
    pub fn new(most: usize, kept: usize) -> Result<Self, OutOfMemory> {
        let mut pieces = Vec::new();
        pieces.try_reserve_exact(most.div_ceil(LEN)).map_err(|_| OutOfMemory)?;
        for _ in 0..kept.min(most.div_ceil(LEN)) {
            pieces.push(Some(empty_piece().ok_or(OutOfMemory)?));
        }
        Ok(Self { pieces, most, kept, full_below: 0 })
    }

    /// The entry at this index.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&T> {
        self.pieces.get(index / LEN)?.as_ref()?[index % LEN].as_ref()
    }

    /// The entry at this index, to be changed.
    #[inline]
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.pieces.get_mut(index / LEN)?.as_mut()?[index % LEN].as_mut()
    }

    /// The lowest index that has no entry. `None` if the table is full.
    pub fn first_free(&mut self) -> Option<usize> {
        while self.get(self.full_below).is_some() {
            self.full_below += 1;
        }
        (self.full_below < self.most).then_some(self.full_below)
    }

    /// The place of the entry at this index, where the caller puts one if there is none. `None` if there is no memory for it, or the index
    /// is none of the table's.
    pub fn place(&mut self, index: usize) -> Option<&mut Option<T>> {
        if index >= self.most {
            return None;
        }
        let number = index / LEN;
        if number >= self.pieces.len() {
            self.pieces.resize_with(number + 1, || None);
        }
        let piece = &mut self.pieces[number];
        if piece.is_none() {
            *piece = empty_piece();
        }
        Some(&mut piece.as_mut()?[index % LEN])
    }

    /// Drops the entry at this index, if there is one, and the memory of a piece that has no entry left and does not keep it.
    pub fn remove(&mut self, index: usize) {
        let number = index / LEN;
        let Some(place) = self.pieces.get_mut(number) else { return };
        let Some(piece) = place else { return };
        piece[index % LEN] = None;
        self.full_below = self.full_below.min(index);
        if number >= self.kept && piece.iter().all(Option::is_none) {
            *place = None;
            while let Some(None) = self.pieces.last() {
                self.pieces.pop();
            }
        }
    }

    /// All entries with their indices, in order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let pieces = (0..).step_by(LEN).zip(&self.pieces);
        let with_entries = pieces.filter_map(|(first, piece)| Some((first, piece.as_deref()?)));
        with_entries
            .flat_map(|(first, piece)| (first..).zip(piece).filter_map(|(index, entry)| Some((index, entry.as_ref()?))))
    }

    /// All entries, in order of index, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.pieces.iter_mut().flatten().flat_map(|piece| piece.iter_mut().flatten())
    }
}

/// A piece without entries; `None` if there is no memory for it.
fn empty_piece<T, const LEN: usize>() -> Option<Piece<T, LEN>> {
    let mut entries = Vec::new();
    entries.try_reserve_exact(LEN).ok()?;
    entries.resize_with(LEN, || None);
    entries.into_boxed_slice().try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::Table;

    #[test]
    fn entries_do_not_move_when_others_come_and_go() {
        let mut table: Table<u32, 4> = Table::new(500, 2).unwrap();
        let places: Vec<*const u32> = (0..500)
            .map(|index| {
                *table.place(index).unwrap() = Some(7);
                std::ptr::from_ref(table.get(index).unwrap())
            })
            .collect();
        (0..500).filter(|index| index % 40 > 0).for_each(|index| table.remove(index));
        for index in (0..500).step_by(40) {
            assert_eq!(std::ptr::from_ref(table.get(index).unwrap()), places[index]);
        }
    }

    proptest! {
        #[test]
        fn table_behaves_like_a_map(steps in proptest::collection::vec(any::<(u8, u8)>(), 0..300)) {
            const MOST: usize = 50;
            let mut table: Table<u8, 8> = Table::new(MOST, 2).unwrap();
            let mut model = BTreeMap::new();
            for (action, number) in steps {
                let index = usize::from(number % 55);
                match action % 3 {
                    0 => {
                        let place = table.place(index);
                        prop_assert_eq!(place.is_some(), index < MOST);
                        if let Some(place) = place {
                            *place = Some(number);
                            model.insert(index, number);
                        }
                    }
                    1 => {
                        table.remove(index);
                        model.remove(&index);
                    }
                    _ => {
                        if let Some(entry) = table.get_mut(index) {
                            *entry ^= 1;
                        }
                        model.entry(index).and_modify(|entry| *entry ^= 1);
                    }
                }
                prop_assert_eq!(table.get(index), model.get(&index));
                prop_assert_eq!(table.first_free(), (0..MOST).find(|index| !model.contains_key(index)));
                let listed: Vec<_> = table.iter().map(|(index, &entry)| (index, entry)).collect();
                prop_assert_eq!(&listed, &model.iter().map(|(&index, &entry)| (index, entry)).collect::<Vec<_>>());
                prop_assert_eq!(table.iter_mut().count(), listed.len());
            }
        }
    }
}
