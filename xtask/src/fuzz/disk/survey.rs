//! Judges what `fakefs` makes of a disk: it mounts what it must, refuses what it must, and works on what it has mounted.

use std::collections::BTreeMap;

use fakefs::{BLOCK_SIZE, FsError, Volume, VolumeError};
use fuzz_core::Random;

use super::picture::{OutOfRange, Picture, SECTOR};
use super::reference::{Listed, expected};

type Files = Volume<Picture>;
/// Names and contents.
type Contents = BTreeMap<String, Vec<u8>>;

/// What became of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was mounted, and everything on it works.
    Works,
    /// It was refused, as it had to be.
    Refused,
}

/// Mounts a disk and works on it.
///
/// # Errors
/// What is wrong.
pub fn survey(random: &mut Random, disk: &Picture) -> Result<Fate, String> {
    let expected = expected(disk);
    let mut volume = match (Volume::mount(disk.clone()), expected.as_ref()) {
        (Err(_), None) => return Ok(Fate::Refused),
        (Err(error), Some(_)) => return Err(format!("a sound disk is refused: {error}")),
        (Ok(_), None) => return Err("an unsound disk is mounted".into()),
        (Ok(volume), Some(_)) => volume,
    };
    sound(&volume)?;
    if Some(listed(&volume)) != expected {
        return Err(format!("mounting finds {:?}, and the disk has {expected:?}", listed(&volume)));
    }
    let mut model = Contents::new();
    for file in expected.iter().flatten() {
        let bytes = read(&mut volume, &file.name)?;
        if bytes != contents_on(disk, file) {
            return Err(format!("`{}` has other bytes than its blocks", file.name));
        }
        model.insert(file.name.clone(), bytes);
    }
    for step in 0..4 {
        work(random, &mut volume, &mut model, step)?;
        sound(&volume)?;
        compare(&mut volume, &model)?;
        volume =
            Volume::mount(volume.into_device()).map_err(|error| format!("it is refused after a change: {error}"))?;
        sound(&volume)?;
        compare(&mut volume, &model)?;
    }
    Ok(Fate::Works)
}

fn sound(volume: &Files) -> Result<(), String> {
    volume.files().check().map_err(|error| error.to_string())
}

/// The files that a volume knows, in the order of their names.
fn listed(volume: &Files) -> Vec<Listed> {
    let files = volume.files();
    let blocks = |id| {
        files.extents(id).unwrap_or_default().iter().flat_map(|extent| {
            let first = extent.first.number();
            first..first.saturating_add(extent.block_count)
        })
    };
    let mut listed: Vec<Listed> = files
        .entries()
        .map(|entry| Listed { name: entry.name.into(), len_bytes: entry.len_bytes, blocks: blocks(entry.id).collect() })
        .collect();
    listed.sort();
    listed
}

/// What the disk has in the blocks of a file.
fn contents_on(disk: &Picture, file: &Listed) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.blocks.iter().for_each(|&block| bytes.extend_from_slice(&disk.bytes(block, BLOCK_SIZE as usize)));
    bytes.truncate(file.len_bytes as usize);
    bytes
}

fn read(volume: &mut Files, name: &str) -> Result<Vec<u8>, String> {
    let id = volume.files().lookup(name).ok_or_else(|| format!("`{name}` is gone"))?;
    let mut bytes = vec![0; volume.files().len_bytes(id).unwrap_or(0) as usize];
    let len = volume.read_at(id, 0, &mut bytes).map_err(|error| format!("`{name}` cannot be read: {error}"))?;
    bytes.truncate(len);
    Ok(bytes)
}

/// Makes one change to the files, and to the model if the file system has not refused it.
fn work(random: &mut Random, volume: &mut Files, model: &mut Contents, step: u32) -> Result<(), String> {
    let known: Vec<String> = model.keys().cloned().collect();
    let old = known.get(random.place_in(known.len())).cloned();
    let result = match (random.below(3), old) {
        (0, Some(name)) => volume.remove(&name).map(|()| drop(model.remove(&name))),
        (1, Some(name)) => {
            let bytes = model.entry(name.clone()).or_default();
            write(random, volume, &name, bytes)
        }
        _ => {
            let name = format!("new{step}");
            match volume.create(&name) {
                Ok(_) => write(random, volume, &name, model.entry(name.clone()).or_default()),
                Err(error) => Err(error),
            }
        }
    };
    match result {
        Ok(()) | Err(VolumeError::Refused(FsError::Full | FsError::TableFull | FsError::AlreadyExists)) => Ok(()),
        Err(error) => Err(format!("a change fails: {error}")),
    }
}

/// Writes somewhere into a file, or past its end.
fn write(
    random: &mut Random,
    volume: &mut Files,
    name: &str,
    model: &mut Vec<u8>,
) -> Result<(), VolumeError<OutOfRange>> {
    let offset = random.place_in(model.len() + 2 * SECTOR);
    let data = vec![random.byte(); 1 + random.place_in(6000)];
    let id = volume.files().lookup(name).ok_or(FsError::NoSuchFile)?;
    volume.write_at(id, u32::try_from(offset).map_err(|_| FsError::TooLong)?, &data)?;
    model.resize(model.len().max(offset + data.len()), 0);
    model[offset..offset + data.len()].copy_from_slice(&data);
    Ok(())
}

fn compare(volume: &mut Files, model: &Contents) -> Result<(), String> {
    let names: Vec<String> = listed(volume).into_iter().map(|file| file.name).collect();
    if !names.iter().eq(model.keys()) {
        return Err(format!("the files are {names:?}, and must be {:?}", model.keys()));
    }
    for (name, bytes) in model {
        if read(volume, name)? != *bytes {
            return Err(format!("`{name}` has other bytes after a change"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use fuzz_core::Random;

    use super::super::{base, damage, reference};
    use super::{Fate, survey};

    /// The fate of 500 damaged disks, and of each before.
    #[test]
    fn damaged_disks_are_mounted_or_refused_as_the_description_says() {
        let mut works = 0;
        for case in 0..500 {
            let mut random = Random::new(1, case);
            let mut disk = base::file_system(&mut Random::new(1, case / 10));
            assert_eq!(survey(&mut random.clone(), &disk), Ok(Fate::Works), "undamaged {case}");
            damage::damage(&mut random, &mut disk);
            works +=
                u32::from(survey(&mut random, &disk).unwrap_or_else(|what| panic!("{case}: {what}")) == Fate::Works);
        }
        assert!((100..400).contains(&works), "{works} of 500 work");
    }

    #[test]
    fn reader_of_the_description_reads_what_was_written() {
        for seed in 0..50 {
            let disk = base::file_system(&mut Random::new(seed, 0));
            let tables = reference::tables(&disk);
            let (_, table) = &tables[0];
            let mut entries = Vec::new();
            table.parsed().unwrap().iter().for_each(|entry| entry.put(&mut entries));
            assert_eq!(entries, table.entries);
            assert_eq!(reference::RawTable::decode(&table.encode()).as_ref(), Some(table));
        }
    }
}
