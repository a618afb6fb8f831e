//! Disks that a writer may leave, and disks that it may not.

use std::collections::BTreeMap;

use proptest::prelude::{ProptestConfig, any, prop, prop_assert, prop_assert_eq, proptest};

use super::{Found, History, Mark, pattern};
use crate::disk::{Step, made_by, name, steps};

const WRITER: u32 = 1;
const COUNT: u32 = 80;

/// The disk after all steps before `begun`. Each file has the contents of its last Sync.
fn disk(seed: u64, begun: u32) -> Found {
    let history = History::new(seed, WRITER, COUNT);
    let exists = |made: u32| made < begun && history.files[&made].removed.is_none_or(|step| step >= begun);
    let saved = |made: u32| {
        let synced = history.files[&made].syncs.iter().rfind(|sync| sync.step < begun);
        synced.map_or_else(Vec::new, |sync| sync.bytes.clone())
    };
    history.files.keys().filter(|&&made| exists(made)).map(|&made| (name(WRITER, made), saved(made))).collect()
}

/// The contents of each file right after this step, saved or not.
fn memory(seed: u64, end: u32) -> BTreeMap<u32, Vec<u8>> {
    let mut files = BTreeMap::<u32, Vec<u8>>::new();
    for (step, what) in (0..end).zip(steps(seed, WRITER, COUNT)) {
        match what {
            Step::Create => drop(files.insert(step, Vec::new())),
            Step::Remove { made } => drop(files.remove(&made)),
            Step::Sync { .. } => {}
            Step::Write { made, offset, len } => {
                let file = files.get_mut(&made).unwrap();
                let mark = Mark { writer: WRITER, step };
                let end = (offset + len) as usize;
                file.resize(file.len().max(end), 0);
                file[offset as usize..end].copy_from_slice(&pattern(seed, mark, made, offset, len));
            }
        }
    }
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn disk_with_exactly_what_was_acknowledged_is_right(seed in any::<u64>(), begun in 0..COUNT) {
        let history = History::new(seed, WRITER, COUNT);
        prop_assert_eq!(history.judge(begun, &disk(seed, begun)), Ok(()));
        // Files of others are none of its business.
        let mut more = disk(seed, begun);
        more.insert("cut2-0".into(), vec![1]);
        more.insert("swap".into(), vec![1]);
        prop_assert_eq!(history.judge(begun, &more), Ok(()));
    }

    #[test]
    fn newer_bytes_in_old_lengths_are_right(seed in any::<u64>(), begun in 0..COUNT, every in 1_usize..5) {
        let history = History::new(seed, WRITER, COUNT);
        let memory = memory(seed, begun);
        let mut found = disk(seed, begun);
        for (name, bytes) in &mut found {
            let Some(newest) = memory.get(&made_by(name).unwrap().1) else { continue };
            for (sector, newest) in bytes.chunks_mut(512).zip(newest.chunks(512)).step_by(every) {
                sector.copy_from_slice(&newest[..sector.len()]);
            }
        }
        prop_assert_eq!(history.judge(begun, &found), Ok(()));
    }

    #[test]
    fn lost_file_byte_or_length_is_noticed(seed in any::<u64>(), begun in 1..COUNT, choice in any::<prop::sample::Index>()) {
        let history = History::new(seed, WRITER, COUNT);
        let good = disk(seed, begun);
        let is_leaving = |name: &String| {
            history.removal_of(made_by(name).unwrap().1) == Some(begun)
        };
        let names: Vec<&String> = good.keys().filter(|name| !is_leaving(name)).collect();
        if !names.is_empty() {
            let name = *choice.get(&names);
            let mut lost = good.clone();
            let mut bytes = lost.remove(name).unwrap();
            prop_assert!(history.judge(begun, &lost).unwrap_err().contains("is lost"));
            if let Some(last) = bytes.len().checked_sub(1) {
                bytes[choice.index(last + 1)] ^= 0x80;
                lost.insert(name.clone(), bytes.clone());
                prop_assert!(history.judge(begun, &lost).unwrap_err().contains("wrong byte"));
                bytes.truncate(last);
                lost.insert(name.clone(), bytes);
                prop_assert!(history.judge(begun, &lost).is_err());
            }
        }
    }

    #[test]
    fn removed_or_strange_file_is_noticed(seed in any::<u64>()) {
        let history = History::new(seed, WRITER, COUNT);
        let end = history.step_count();
        let mut found = disk(seed, end);
        found.insert(name(WRITER, COUNT + 1000), Vec::new());
        prop_assert!(history.judge(end, &found).unwrap_err().contains("nobody made"));
        found.remove(&name(WRITER, COUNT + 1000));
        prop_assert_eq!(history.judge(end, &found), Ok(()));
        if let Some((&made, _)) = history.files.iter().find(|(_, file)| file.removed.is_some()) {
            found.insert(name(WRITER, made), Vec::new());
            prop_assert!(history.judge(end, &found).unwrap_err().contains("was acknowledged"));
        }
    }
}
