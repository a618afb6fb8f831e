//! What is open in the whole machine, and how many share it.

use crate::process_table::MAX_PROCESSES;
use crate::table::Table;

use super::handles::HANDLES_MAX;

/// Names a descriptor inside the kernel. Whoever holds one counts as one that shares it, and gives it back once.
#[derive(Debug, PartialEq, Eq)]
pub struct DescriptorId(u32);

struct Entry<T> {
    thing: T,
    /// How many ids of it there are.
    shared_by: u32,
}

/// Entries whose memory comes and goes together.
const PIECE_LEN: usize = 32;
/// Pieces for as many things as all processes together can have handles.
const PIECES_MAX: usize = MAX_PROCESSES as usize * HANDLES_MAX / PIECE_LEN;

struct Piece<T> {
    entries: [Option<Entry<T>>; PIECE_LEN],
    used: usize,
}

/// Everything that is open.
pub struct OpenTable<T> {
    /// Made when something is opened for the first time, at boot.
    pieces: Option<Table<Piece<T>>>,
    count: u32,
}

impl<T> OpenTable<T> {
    /// Nothing is open.
    pub const fn new() -> Self {
        Self { pieces: None, count: 0 }
    }

    /// Takes in something that was opened.
    ///
    /// # Errors
    /// The thing, if the kernel has no memory for one more.
    pub fn open(&mut self, thing: T) -> Result<DescriptorId, T> {
        let Some(pieces) = self.pieces() else { return Err(thing) };
        let with_room = pieces.iter().find(|(_, piece)| piece.used < PIECE_LEN).map(|(number, _)| number);
        let Some(number) = with_room.or_else(|| add_piece(pieces)) else { return Err(thing) };
        let Some(piece) = pieces.get_mut(number) else { return Err(thing) };
        let Some(place) = piece.entries.iter().position(Option::is_none) else { return Err(thing) };
        let Ok(id) = u32::try_from(number * PIECE_LEN + place) else { return Err(thing) };
        piece.entries[place] = Some(Entry { thing, shared_by: 1 });
        piece.used += 1;
        self.count += 1;
        Ok(DescriptorId(id))
    }

    fn pieces(&mut self) -> Option<&mut Table<Piece<T>>> {
        if self.pieces.is_none() {
            self.pieces = Table::new(PIECES_MAX).ok();
        }
        self.pieces.as_mut()
    }

    fn entry_mut(&mut self, id: &DescriptorId) -> Option<&mut Option<Entry<T>>> {
        let index = id.0 as usize;
        self.pieces.as_mut()?.get_mut(index / PIECE_LEN)?.entries.get_mut(index % PIECE_LEN)
    }

    /// One more that shares it. `None` if it is not open or shared by too many.
    pub fn share(&mut self, id: &DescriptorId) -> Option<DescriptorId> {
        let entry = self.entry_mut(id)?.as_mut()?;
        entry.shared_by = entry.shared_by.checked_add(1)?;
        Some(DescriptorId(id.0))
    }

    /// What was opened.
    pub fn get_mut(&mut self, id: &DescriptorId) -> Option<&mut T> {
        Some(&mut self.entry_mut(id)?.as_mut()?.thing)
    }

    /// One fewer shares it. Returns the thing if that was the last one.
    pub fn release(&mut self, id: DescriptorId) -> Option<T> {
        let place = self.entry_mut(&id)?;
        let entry = place.as_mut()?;
        entry.shared_by -= 1;
        if entry.shared_by > 0 {
            return None;
        }
        let released = place.take();
        self.count -= 1;
        let (pieces, number) = (self.pieces.as_mut()?, id.0 as usize / PIECE_LEN);
        let piece = pieces.get_mut(number)?;
        piece.used -= 1;
        if piece.used == 0 {
            pieces.remove(number);
        }
        released.map(|entry| entry.thing)
    }

    /// How many things are open.
    pub const fn count(&self) -> u32 {
        self.count
    }
}

/// Adds a piece without entries; returns its number. `None` if there is no memory for it.
fn add_piece<T>(pieces: &mut Table<Piece<T>>) -> Option<usize> {
    let number = pieces.first_free(0)?;
    let piece = Piece { entries: [const { None }; PIECE_LEN], used: 0 };
    pieces.insert(number, piece).is_ok().then_some(number)
}

impl<T> Default for OpenTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{DescriptorId, OpenTable};

    proptest! {
        #[test]
        fn a_thing_is_closed_when_the_last_one_lets_go(steps in proptest::collection::vec((0u8..3, any::<usize>()), 0..300)) {
            let mut table = OpenTable::new();
            // The model: which thing each holder holds.
            let mut holders: Vec<(DescriptorId, usize)> = Vec::new();
            for (number, (what, choice)) in steps.into_iter().enumerate() {
                let chosen = choice.checked_rem(holders.len());
                match (what, chosen) {
                    (1, Some(chosen)) => {
                        let thing = holders[chosen].1;
                        holders.push((table.share(&holders[chosen].0).unwrap(), thing));
                    }
                    (2, Some(chosen)) => {
                        let (id, thing) = holders.swap_remove(chosen);
                        let is_last = holders.iter().all(|holder| holder.1 != thing);
                        prop_assert_eq!(table.release(id), is_last.then_some(thing));
                    }
                    _ => holders.push((table.open(number).unwrap(), number)),
                }
                let mut things: Vec<usize> = holders.iter().map(|holder| holder.1).collect();
                things.sort_unstable();
                things.dedup();
                prop_assert_eq!(table.count() as usize, things.len());
                for (id, thing) in &holders {
                    prop_assert_eq!(table.get_mut(id).copied(), Some(*thing));
                }
            }
            prop_assert!(table.count() as usize <= holders.len());
        }
    }
}
