//! Changes that are lost: whoever asks about a file is told once.
//!
//! The file system's user finds out, since contents need not go through the file system. It is a mark on the file in memory, so no file's
//! mark is ever another's, however many files are marked, and it is gone when the file is.

use crate::file_system::FileSystem;
use crate::table::{File, FileId};

impl<D> FileSystem<D> {
    /// Changes of this file could not be written, and are lost. Of a file that is gone, nothing is.
    pub fn note_loss(&mut self, id: FileId) {
        if let Some(file) = self.table.get_mut(id) {
            file.has_losses = true;
        }
    }

    /// Whether changes of this file, or of any file, were lost since this was last asked about it.
    pub fn take_losses(&mut self, of: Option<FileId>) -> bool {
        let take = |file: &mut File| core::mem::take(&mut file.has_losses);
        match of {
            Some(id) => self.table.get_mut(id).is_some_and(take),
            None => self.table.iter_mut().map(take).fold(false, |any, one| any | one),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use crate::FileSystem;
    use crate::layout::{DATA_START, MAX_FILES};
    use crate::memory_disk::MemoryDisk;

    /// So few names that slots of the table are used again and again.
    const NAMES: [&str; 4] = ["a", "b", "c", "d"];

    fn fresh() -> FileSystem<MemoryDisk> {
        FileSystem::format(MemoryDisk::new(DATA_START + 8)).unwrap()
    }

    proptest! {
        #[test]
        fn losses_behave_like_a_set_of_files_that_exist(steps in proptest::collection::vec(any::<(u8, u8)>(), 0..200)) {
            let mut files = fresh();
            // Every file there ever was, and those of them that have losses.
            let (mut known, mut model) = (Vec::new(), BTreeSet::new());
            let mut open = BTreeSet::new();
            for (action, choice) in steps {
                let name = NAMES[usize::from(choice) % NAMES.len()];
                let place = usize::from(choice) % known.len().max(1);
                match action % 8 {
                    0 => known.extend(files.create(name).ok()),
                    1 => drop(files.remove(name)),
                    2 => if let Ok(id) = files.open(name) && !open.insert(id.to_raw()) {
                        files.close(id).unwrap();
                    },
                    3 => if let Some(&id) = known.get(place) && open.remove(&id.to_raw()) {
                        files.close(id).unwrap();
                    },
                    4 => if let Some(&id) = known.get(place) {
                        files.grow(id, u32::from(choice) * 100).ok();
                    },
                    5 | 6 => if let Some(&id) = known.get(place) {
                        files.note_loss(id);
                        if files.len_bytes(id).is_ok() {
                            model.insert(id.to_raw());
                        }
                    },
                    _ if choice.is_multiple_of(5) => {
                        prop_assert_eq!(files.take_losses(None), !model.is_empty());
                        model.clear();
                    }
                    _ => if let Some(&id) = known.get(place) {
                        prop_assert_eq!(files.take_losses(Some(id)), model.remove(&id.to_raw()));
                    },
                }
                model.retain(|&id| known.iter().any(|one| one.to_raw() == id && files.len_bytes(*one).is_ok()));
            }
            for id in known {
                prop_assert_eq!(files.take_losses(Some(id)), model.contains(&id.to_raw()));
            }
        }
    }

    #[test]
    fn as_many_files_as_there_can_be_have_losses_each_for_itself() {
        let mut files = fresh();
        let ids: Vec<_> = (0..MAX_FILES).map(|number| files.create(&format!("{number}")).unwrap()).collect();
        ids.iter().step_by(2).for_each(|&id| files.note_loss(id));
        for (number, &id) in ids.iter().enumerate() {
            assert_eq!(
                [files.take_losses(Some(id)), files.take_losses(Some(id))],
                [number % 2 == 0, false],
                "{number}"
            );
        }
        assert!(!files.take_losses(None));
    }
}
