//! Changes that are lost: whoever asks about a file is told once.
//!
//! The file system's user finds out, since contents need not go through the file system. It is a mark on the file in memory, so no file's
//! mark is ever another's, however many files are marked, and it is gone when the file is.

use crate::file_system::FileSystem;
use crate::table::FileId;

impl FileSystem {
    /// Changes of this file could not be written, and are lost. Of a file that is gone, nothing is.
    pub fn note_loss(&mut self, id: FileId) {
        if let Some(file) = self.table.get_mut(id) {
            file.has_losses = true;
        }
    }

    /// Changes of this file are lost, and no caller has learned of it yet.
    pub fn has_losses(&self, id: FileId) -> bool {
        self.table.get(id).is_some_and(|file| file.has_losses)
    }

    /// As [`has_losses`](Self::has_losses). The caller learns of the losses, so the mark goes.
    pub fn take_losses(&mut self, id: FileId) -> bool {
        self.table.get_mut(id).is_some_and(|file| core::mem::take(&mut file.has_losses))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use crate::layout::{DATA_START, MAX_FILES};
    use crate::tests::disk::Disk;
    use crate::{FileSystem, Volume};

    /// Few names, so that slots of the table are used again and again.
    const NAMES: [&str; 4] = ["a", "b", "c", "d"];

    fn fresh() -> Volume<Disk> {
        Volume::format(Disk::new(DATA_START + 8)).unwrap()
    }

    proptest! {
        #[test]
        fn losses_behave_like_a_set_of_files_that_exist(steps in proptest::collection::vec(any::<(u8, u8)>(), 0..200)) {
            let mut volume = fresh();
            // Every file there ever was, and those of them that have losses.
            let (mut known, mut model) = (Vec::new(), BTreeSet::new());
            let mut open = BTreeSet::new();
            for (action, choice) in steps {
                let name = NAMES[usize::from(choice) % NAMES.len()];
                let place = usize::from(choice) % known.len().max(1);
                let id = known.get(place).copied();
                match (action % 7, id) {
                    (0, _) => known.extend(volume.create(name).ok()),
                    (1, _) => drop(volume.remove(name)),
                    (2, _) => if let Ok(id) = volume.files.open(name) && !open.insert(id.to_raw()) {
                        volume.files.close(id).unwrap();
                    },
                    (3, Some(id)) => if open.remove(&id.to_raw()) {
                        volume.files.close(id).unwrap();
                    },
                    (4 | 5, Some(id)) => {
                        volume.files.note_loss(id);
                        if volume.files().len_bytes(id).is_ok() {
                            model.insert(id.to_raw());
                        }
                    },
                    (_, Some(id)) => prop_assert_eq!(volume.files.take_losses(id), model.remove(&id.to_raw())),
                    (_, None) => {}
                }
                let exists = |files: &FileSystem, raw| known.iter().any(|id| id.to_raw() == raw && files.len_bytes(*id).is_ok());
                model.retain(|&raw| exists(volume.files(), raw));
            }
            for id in known {
                prop_assert_eq!(volume.files().has_losses(id), model.contains(&id.to_raw()));
            }
        }
    }

    #[test]
    fn each_of_the_maximum_number_of_files_has_its_own_losses() {
        let mut volume = fresh();
        let ids: Vec<_> = (0..MAX_FILES).map(|number| volume.create(&format!("{number}")).unwrap()).collect();
        let files = &mut volume.files;
        ids.iter().step_by(2).for_each(|&id| files.note_loss(id));
        for (number, &id) in ids.iter().enumerate() {
            assert_eq!([files.take_losses(id), files.take_losses(id)], [number % 2 == 0, false], "{number}");
        }
    }
}
