//! The file system against a map of names to bytes, on disks that stop in the middle of a change and that lie.

use std::collections::BTreeMap;

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

use super::{Contents, Files, contents, fresh};

/// One step on both; returns whether it was carried out.
fn step(files: &mut Files, model: &mut Contents, (action, file, offset, len): (u8, u8, u16, u16)) -> bool {
    let name = format!("file{}", file % 5);
    let (offset, len) = (usize::from(offset) % 9000, usize::from(len) % 9000);
    let done = match (action % 4, files.lookup(&name)) {
        (0, _) => files.create(&name).map(|_| drop(model.insert(name, Vec::new()))).is_ok(),
        (1, _) if action >= 128 => files.remove(&name).map(|()| drop(model.remove(&name))).is_ok(),
        (_, Some(id)) => {
            let data = vec![action; len];
            let written = files.write_at(id, u32::try_from(offset).unwrap(), &data).is_ok();
            if written && !data.is_empty() {
                let bytes = model.get_mut(&name).unwrap();
                bytes.resize(bytes.len().max(offset + len), 0);
                bytes[offset..offset + len].copy_from_slice(&data);
            }
            written
        }
        _ => true,
    };
    files.check().unwrap();
    done
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn files_behave_like_a_map(steps in proptest::collection::vec(any::<(u8, u8, u16, u16)>(), 1..40), remount in any::<u8>()) {
        let mut files = fresh(12);
        let mut model = Contents::new();
        for (index, &one) in steps.iter().enumerate() {
            step(&mut files, &mut model, one);
            if index % (usize::from(remount % 7) + 1) == 0 {
                files = Files::mount(files.into_device()).unwrap();
            }
            prop_assert_eq!(&contents(&mut files), &model);
        }
    }

    #[test]
    fn stopping_at_any_write_leaves_the_names_and_lengths_of_before_or_after(
        steps in proptest::collection::vec(any::<(u8, u8, u16, u16)>(), 1..12),
        last in any::<(u8, u8, u16, u16)>(),
        writes in 0u32..12,
    ) {
        let mut files = fresh(12);
        let mut model = Contents::new();
        for one in steps {
            step(&mut files, &mut model, one);
        }
        let lengths = |model: &Contents| -> BTreeMap<_, _> { model.iter().map(|(name, bytes)| (name.clone(), bytes.len())).collect() };
        let before = lengths(&model);
        let mut disk = files.into_device();
        // What the step does if nothing stops it.
        let mut after = model.clone();
        step(&mut Files::mount(disk.clone()).unwrap(), &mut after, last);
        let after = lengths(&after);
        disk.stop_after_writes(writes);
        let mut files = Files::mount(disk).unwrap();
        step(&mut files, &mut model, last);
        prop_assert_eq!(lengths(&contents(&mut files)), lengths(&model));
        let mut disk = files.into_device();
        disk.repair();
        let found = lengths(&contents(&mut Files::mount(disk).unwrap()));
        prop_assert!(found == after || found == before);
    }

    #[test]
    fn a_changed_byte_of_metadata_is_noticed_or_harmless(place in 0usize..4200, flip in 1u8..) {
        let mut files = fresh(12);
        for name in ["one", "two", "three"] {
            let id = files.create(name).unwrap();
            files.write_at(id, 0, &[9; 5000]).unwrap();
        }
        let before = contents(&mut files);
        let mut disk = files.into_device();
        // The superblock, and the start of the copy that counts or of the other.
        for start in [0, 4096, 17 * 4096] {
            disk.bytes()[start + place % 4096] ^= flip;
            if let Ok(mut files) = Files::mount(disk.clone()) {
                prop_assert!(files.check().is_ok());
                let found = contents(&mut files);
                prop_assert!(found.iter().all(|(name, bytes)| before.get(name).is_some_and(|old| old.starts_with(bytes) )));
            }
            disk.bytes()[start + place % 4096] ^= flip;
        }
    }
}
