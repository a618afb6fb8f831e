//! A volume against a map of names to bytes, on disks that lose power in the middle, fail, and hold damaged bytes.

use std::collections::BTreeMap;

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

use super::{BALLAST, Contents, Files, add_ballast, contents, fresh, is_ballast};

/// A step: which action, on which file, where, and with how many bytes.
type Step = (u8, u8, u16, u16);

/// The name of the file that a step is about.
fn name_of((_, file, ..): Step) -> String {
    format!("file{}", file % 5)
}

/// Takes one step on both. Returns whether it was acknowledged; the model has changed then. A step that has nothing to do is not.
fn step(files: &mut Files, model: &mut Contents, one: Step) -> bool {
    let (action, _, offset, len) = one;
    let name = name_of(one);
    let (offset, len) = (usize::from(offset) % 9000, usize::from(len) % 9000);
    let done = match (action % 4, files.files().lookup(&name)) {
        (0, _) => files.create(&name).map(|_| drop(model.insert(name, Vec::new()))).is_ok(),
        (1, _) if action >= 128 => files.remove(&name).map(|()| drop(model.remove(&name))).is_ok(),
        (_, Some(id)) => {
            let data = vec![action | 1; len];
            let written = files.write_at(id, u32::try_from(offset).unwrap(), &data).is_ok();
            if written && !data.is_empty() {
                let bytes = model.get_mut(&name).unwrap();
                bytes.resize(bytes.len().max(offset + len), 0);
                bytes[offset..offset + len].copy_from_slice(&data);
            }
            written && !data.is_empty()
        }
        _ => false,
    };
    files.files().check().unwrap();
    done
}

/// Every state of a file that a disk may have: `None` for no file.
type Versions = BTreeMap<String, Vec<Option<Vec<u8>>>>;

/// A file may be a mixture of its versions if each byte, and the length, is that of one.
fn is_one_of(found: Option<&Vec<u8>>, versions: &[Option<Vec<u8>>]) -> bool {
    let Some(found) = found else { return versions.contains(&None) };
    let versions: Vec<&Vec<u8>> = versions.iter().flatten().collect();
    let fits = |(at, byte): (usize, &u8)| versions.iter().any(|version| version.get(at) == Some(byte));
    versions.iter().any(|version| version.len() == found.len()) && found.iter().enumerate().all(fits)
}

/// Files with these contents, on a disk that does not fail.
fn copy_of(contents: &Contents) -> Files {
    let mut files = fresh(12);
    for (name, bytes) in contents {
        let id = files.create(name).unwrap();
        files.write_at(id, 0, bytes).unwrap();
    }
    files
}

/// Takes steps until the disk has no power. Returns the versions that each file may have then.
fn run(files: &mut Files, steps: &[Step], mut known: Contents) -> Versions {
    let mut versions = Versions::new();
    for name in steps.iter().map(|&one| name_of(one)) {
        versions.insert(name.clone(), vec![known.get(&name).cloned()]);
    }
    for &one in steps {
        if files.device.is_off() {
            break;
        }
        let mut model = known.clone();
        // The result of the step if nothing fails: its data may get to the disk before it is acknowledged.
        step(&mut copy_of(&known), &mut model, one);
        versions.get_mut(&name_of(one)).unwrap().push(model.get(&name_of(one)).cloned());
        let is_acknowledged = step(files, &mut known, one);
        known = contents(files);
        let all_is_saved = files.files().is_saved(files.files().last_change());
        for (name, versions) in &mut versions {
            let now = known.get(name).cloned();
            if is_acknowledged && (all_is_saved || *name == name_of(one)) {
                *versions = vec![now];
            } else {
                versions.push(now);
            }
        }
    }
    versions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn files_behave_like_a_map(steps in proptest::collection::vec(any::<Step>(), 1..40), remount in any::<u8>()) {
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
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn power_cut_keeps_every_acknowledged_step_and_no_half_step(
        steps in proptest::collection::vec(any::<Step>(), 1..12),
        failing in proptest::collection::btree_set(0u32..60, 0..4),
        cut in 0u32..60,
        seed in any::<u64>(),
    ) {
        let mut files = fresh(12);
        add_ballast(&mut files);
        files.device.operations = 0;
        files.device.failing = failing;
        files.device.power_cut = Some(cut);
        let versions = run(&mut files, &steps, Contents::new());
        let disk = files.into_device().after_power_cut(seed);
        let mut files = Files::mount(disk).unwrap();
        files.files().check().unwrap();
        let found = contents(&mut files);
        prop_assert_eq!(found.keys().filter(|name| is_ballast(name)).count(), BALLAST);
        prop_assert!(found.keys().all(|name| is_ballast(name) || versions.contains_key(name)));
        for (name, versions) in &versions {
            prop_assert!(is_one_of(found.get(name), versions), "{}: {:?}", name, found.get(name).map(Vec::len));
        }
    }

    #[test]
    fn disk_that_works_again_gets_all_changes(
        steps in proptest::collection::vec(any::<Step>(), 1..12),
        failing in proptest::collection::btree_set(0u32..40, 0..20),
    ) {
        let mut files = fresh(12);
        files.device.operations = 0;
        files.device.failing = failing;
        run(&mut files, &steps, Contents::new());
        files.device.failing.clear();
        files.create("one more").unwrap();
        prop_assert!(files.files().is_saved(files.files().last_change()));
        let before = contents(&mut files);
        prop_assert_eq!(contents(&mut Files::mount(files.into_device()).unwrap()), before);
    }

    #[test]
    fn changed_byte_of_metadata_is_noticed_or_harmless(place in 0usize..4200, flip in 1u8..) {
        let mut files = fresh(12);
        for name in ["one", "two", "three"] {
            let id = files.create(name).unwrap();
            files.write_at(id, 0, &[9; 5000]).unwrap();
        }
        let before = contents(&mut files);
        let mut disk = files.into_device();
        // The superblock, and the start of the copy that counts or of the other.
        for start in [0, 4096, 17 * 4096] {
            disk.bytes[start + place % 4096] ^= flip;
            if let Ok(mut files) = Files::mount(disk.clone()) {
                prop_assert!(files.files().check().is_ok());
                let found = contents(&mut files);
                prop_assert!(found.iter().all(|(name, bytes)| before.get(name).is_some_and(|old| old.starts_with(bytes) )));
            }
            disk.bytes[start + place % 4096] ^= flip;
        }
    }
}
