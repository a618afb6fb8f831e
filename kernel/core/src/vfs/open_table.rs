//! What is open in the whole machine, and how many share it.

use crate::process_table::MAX_PROCESSES;
use crate::table::Table;

use super::handles::HANDLES_MAX;

/// Names a descriptor inside the kernel. Whoever holds one counts as one that shares it, and gives it back once.
#[derive(Debug, PartialEq, Eq)]
pub struct DescriptorId(u32);

struct Entry<T> {
    /// Taken out by the last that shares it.
    thing: Option<T>,
    /// How many ids of it there are.
    shared_by: u32,
}

/// As many things as all processes together can have handles.
const MOST: usize = MAX_PROCESSES as usize * HANDLES_MAX;

/// Number of things whose memory is allocated and freed together. With this many, the list of all pieces stays short.
const PIECE_LEN: usize = 32;

/// Everything that is open.
pub struct OpenTable<T> {
    /// Made when something is opened for the first time, at boot.
    entries: Option<Table<Entry<T>, PIECE_LEN>>,
    count: u32,
}

impl<T> OpenTable<T> {
    /// Nothing is open.
    pub const fn new() -> Self {
        Self { entries: None, count: 0 }
    }

    /// Takes in something that was opened.
    ///
    /// # Errors
    /// The thing, if the kernel has no memory for one more.
    pub fn open(&mut self, thing: T) -> Result<DescriptorId, T> {
        if self.entries.is_none() {
            self.entries = Table::new(MOST, 1).ok();
        }
        let Some(entries) = &mut self.entries else { return Err(thing) };
        let Some(index) = entries.first_free() else { return Err(thing) };
        let Ok(number) = u32::try_from(index) else { return Err(thing) };
        let Some(place) = entries.place(index) else { return Err(thing) };
        *place = Some(Entry { thing: Some(thing), shared_by: 1 });
        self.count += 1;
        Ok(DescriptorId(number))
    }

    fn entry_mut(&mut self, id: &DescriptorId) -> Option<&mut Entry<T>> {
        self.entries.as_mut()?.get_mut(id.0 as usize)
    }

    /// One more that shares it. `None` if it is not open or shared by too many.
    pub fn share(&mut self, id: &DescriptorId) -> Option<DescriptorId> {
        let entry = self.entry_mut(id)?;
        entry.shared_by = entry.shared_by.checked_add(1)?;
        Some(DescriptorId(id.0))
    }

    /// What was opened.
    pub fn get_mut(&mut self, id: &DescriptorId) -> Option<&mut T> {
        self.entry_mut(id)?.thing.as_mut()
    }

    /// One fewer shares it. Returns the thing if that was the last one.
    pub fn release(&mut self, id: DescriptorId) -> Option<T> {
        let entry = self.entry_mut(&id)?;
        entry.shared_by -= 1;
        if entry.shared_by > 0 {
            return None;
        }
        let thing = entry.thing.take();
        self.count -= 1;
        self.entries.as_mut()?.remove(id.0 as usize);
        thing
    }

    /// How many things are open.
    pub const fn count(&self) -> u32 {
        self.count
    }
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
