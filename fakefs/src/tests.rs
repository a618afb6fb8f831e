//! The file system's rules, one by one. Against models, on disks that lose power and fail: `model.rs` and `driver.rs`.

pub mod disk;
mod driver;
mod model;

use std::collections::BTreeMap;

use crate::commit::Commits;
use crate::layout::{DATA_START, MAX_FILES, TABLE_BLOCKS};
use crate::{Block, Damage, FsError, MountError, Volume, VolumeError};
use disk::{Disk, DiskError};

type Files = Volume<Disk>;
/// The contents of each file, by name.
type Contents = BTreeMap<String, Vec<u8>>;

fn fresh(data_blocks: u32) -> Files {
    Files::format(Disk::new(DATA_START + data_blocks)).unwrap()
}

fn contents(files: &mut Files) -> Contents {
    let entries = files.files().entries();
    let names: Vec<_> = entries.map(|entry| (entry.name.to_owned(), entry.id, entry.len_bytes)).collect();
    let read = |(name, id, len): (String, _, u32)| {
        let mut bytes = vec![0xEE; len as usize + 3];
        let count = files.read_at(id, 0, &mut bytes).unwrap();
        bytes.truncate(count);
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}

/// Makes files with long names, so that the table is longer than a sector and can be torn.
fn add_ballast(files: &mut Files) {
    for number in 0..BALLAST {
        files.create(&format!("{number:055}")).unwrap();
    }
}

const BALLAST: usize = 12;

/// The file is one of the [ballast](add_ballast).
const fn is_ballast(name: &str) -> bool {
    name.len() == 55
}

/// A refusal, as a volume returns it.
const fn refused<T>(error: FsError) -> Result<T, VolumeError<DiskError>> {
    Err(VolumeError::Refused(error))
}

#[test]
fn written_bytes_are_read_after_mounting_again() {
    let mut files = fresh(10);
    let id = files.create("hello").unwrap();
    files.write_at(id, 0, b"Hello").unwrap();
    files.write_at(id, 5000, b"far").unwrap();
    let mut files = Files::mount(files.into_device()).unwrap();
    let bytes = contents(&mut files).remove("hello").unwrap();
    assert_eq!((&bytes[..5], &bytes[5..5000], &bytes[5000..]), (&b"Hello"[..], &[0; 4995][..], &b"far"[..]));
    assert_eq!(files.files().check(), Ok(()));
}

#[test]
fn names_are_checked() {
    let mut files = fresh(4);
    for name in ["", "a/b", "a\nb", &"x".repeat(56)] {
        assert_eq!(files.create(name), refused(FsError::BadName), "{name:?}");
    }
    files.create(&"x".repeat(55)).unwrap();
    files.create("ünïcode").unwrap();
    assert_eq!(files.create("ünïcode"), refused(FsError::AlreadyExists));
    assert_eq!(files.remove("other"), refused(FsError::NoSuchFile));
}

#[test]
fn removed_file_lives_until_its_last_user_closes_it() {
    let mut files = fresh(4);
    let id = files.create("a").unwrap();
    files.write_at(id, 0, &[7; 8192]).unwrap();
    assert_eq!(files.files.open("a"), Ok(id));
    files.remove("a").unwrap();
    assert_eq!((files.files().lookup("a"), files.files().free_blocks()), (None, 2));
    let mut byte = [0];
    assert_eq!((files.read_at(id, 8191, &mut byte), byte), (Ok(1), [7]));
    files.files.close(id).unwrap();
    assert_eq!((files.files().free_blocks(), files.files().len_bytes(id)), (4, Err(FsError::NoSuchFile)));
    let other = files.create("b").unwrap();
    assert_ne!(other, id, "an old id never names another file");
    assert_eq!(files.files.close(other), Err(FsError::NoSuchFile));
}

#[test]
fn blocks_of_a_file_removed_while_open_are_free_after_mounting() {
    let mut files = fresh(4);
    let id = files.create("a").unwrap();
    files.write_at(id, 0, &[7; 4096]).unwrap();
    files.files.open("a").unwrap();
    files.remove("a").unwrap();
    let files = Files::mount(files.into_device()).unwrap();
    assert_eq!((files.files().free_blocks(), files.files().entries().count()), (4, 0));
}

#[test]
fn file_without_a_committed_name_cannot_be_opened_and_goes_when_it_is_closed() {
    let mut files = fresh(4);
    let id = files.files.create("a").unwrap();
    assert_eq!(
        (files.files.open("a"), files.files.create("a")),
        (Err(FsError::NoSuchFile), Err(FsError::AlreadyExists))
    );
    assert_eq!((files.files().entries().count(), files.files.remove(id)), (0, Err(FsError::NoSuchFile)));
    files.files.close(id).unwrap();
    assert_eq!(files.files().len_bytes(id), Err(FsError::NoSuchFile));
    files.create("a").unwrap();
}

#[test]
fn removal_that_fails_keeps_the_file_and_its_blocks() {
    let mut files = fresh(4);
    let id = files.create("a").unwrap();
    files.write_at(id, 0, &[7; 4096]).unwrap();
    // The first flush, the table, the second flush.
    for failing in 0..3 {
        files.device.failing = [files.device.operations + failing].into();
        assert_eq!(files.remove("a"), Err(VolumeError::Device(DiskError::Told)));
        assert_eq!((files.files().lookup("a"), files.files().free_blocks()), (Some(id), 3));
        assert_eq!(files.create("a"), refused(FsError::AlreadyExists));
    }
    assert_eq!(contents(&mut files)["a"], [7; 4096]);
    files.remove("a").unwrap();
    assert_eq!((files.files().lookup("a"), files.files().free_blocks()), (None, 4));
}

#[test]
fn full_disk_refuses_and_loses_nothing() {
    let mut files = fresh(3);
    let id = files.create("a").unwrap();
    files.write_at(id, 0, &[1; 4096]).unwrap();
    assert_eq!(files.write_at(id, 0, &[2; 4 * 4096]), refused(FsError::Full));
    assert_eq!(files.write_at(id, u32::MAX, &[2; 2]), refused(FsError::TooLong));
    assert_eq!(files.preallocate(id, 4 * 4096), refused(FsError::Full));
    assert_eq!(contents(&mut files)["a"], [1; 4096]);
    assert_eq!((files.files().free_blocks(), files.files().check()), (2, Ok(())));
}

#[test]
fn preallocated_blocks_follow_each_other() {
    let mut files = fresh(100);
    let first = files.create("first").unwrap();
    files.write_at(first, 0, &[1; 10]).unwrap();
    let swap = files.create("swap").unwrap();
    files.preallocate(swap, 90 * 4096).unwrap();
    let files = Files::mount(files.into_device()).unwrap();
    let files = files.files();
    let swap = files.lookup("swap").unwrap();
    let extents = files.extents(swap).unwrap();
    assert_eq!((extents.len(), extents[0].block_count), (1, 90));
    assert_eq!(files.block_of(swap, 89).map(|block| block.number()), Some(extents[0].first.number() + 89));
    assert_eq!(files.block_of(swap, 90), None);
}

#[test]
fn refused_preallocation_changes_nothing() {
    let mut files = fresh(20);
    let swap = files.create("swap").unwrap();
    files.preallocate(swap, 4 * 4096).unwrap();
    let free = files.files().free_blocks();
    for pages in [free + 5, 1 << 19] {
        assert_eq!(files.preallocate(swap, pages * 4096), Err(VolumeError::Refused(FsError::Full)));
        assert_eq!(files.files().len_bytes(swap), Ok(4 * 4096));
        assert_eq!(files.files().free_blocks(), free);
    }
    files.preallocate(swap, (free + 4) * 4096).unwrap();
    files.preallocate(swap, 4096).unwrap();
    let files = Files::mount(files.into_device()).unwrap();
    let swap = files.files().lookup("swap").unwrap();
    assert_eq!(files.files().len_bytes(swap), Ok((free + 4) * 4096), "a file never gets shorter");
}

#[test]
fn fragmented_file_is_whole() {
    let mut files = fresh(8);
    for name in ["a", "b", "c", "d"] {
        let id = files.create(name).unwrap();
        files.write_at(id, 0, &[1; 4096]).unwrap();
        let filler = files.create(&format!("{name}{name}")).unwrap();
        files.write_at(filler, 0, &[2; 4096]).unwrap();
    }
    ["aa", "bb", "cc", "dd"].into_iter().for_each(|name| files.remove(name).unwrap());
    let id = files.create("long").unwrap();
    let data: Vec<u8> = (0..4 * 4096u32).map(|index| index.to_le_bytes()[0] ^ index.to_le_bytes()[1]).collect();
    files.write_at(id, 0, &data).unwrap();
    assert!(files.files().extents(id).unwrap().len() > 1);
    let mut files = Files::mount(files.into_device()).unwrap();
    assert_eq!(contents(&mut files)["long"], data);
}

#[test]
fn files_in_many_pieces_leave_a_table_that_can_be_written() {
    let mut files = fresh(9000);
    let ids = ["a", "b"].map(|name| files.create(name).unwrap());
    for name in ["a", "b"] {
        files.files.open(name).unwrap();
    }
    let system = &mut files.files;
    let mut grow = |id, len| {
        let free = system.free_blocks();
        system.reserve(id, len).inspect_err(|_| assert_eq!(system.free_blocks(), free))?;
        system.grow(id, len);
        system.contents_saved(id, len);
        system.end_reservation(id);
        Ok(())
    };
    let grown = (1..4400).flat_map(|blocks| ids.map(|id| (id, blocks * 4096)));
    let refusal = grown.map(|(id, len)| grow(id, len)).find(Result::is_err);
    assert_eq!(refusal, Some(Err(FsError::TableFull)));
    assert_eq!(files.files().check(), Ok(()));
    files.write_at(ids[1], 0, b"the table is written").unwrap();
    // The last bytes of the table go to names.
    let names = (0..).map(|number| files.create(&format!("{number}"))).find(Result::is_err);
    assert_eq!(names, Some(refused(FsError::TableFull)));
    assert_eq!(files.remove("a"), Ok(()), "there is no way back");
    files.files.close(ids[0]).unwrap();
    let id = files.create("c").unwrap();
    files.write_at(id, 0, &[3; 4096]).unwrap();
    let len = files.files().len_bytes(ids[1]);
    let files = Files::mount(files.into_device()).unwrap();
    assert_eq!(files.files().len_bytes(files.files().lookup("b").unwrap()), len);
    assert_eq!(files.files().check(), Ok(()));
}

#[test]
fn reserved_blocks_past_the_length_are_given_back_by_the_last_writer() {
    let mut files = fresh(10);
    let id = files.create("log").unwrap();
    let files = &mut files.files;
    files.reserve(id, 4 * 4096).unwrap();
    files.reserve(id, 10).unwrap();
    assert_eq!((files.len_bytes(id), files.free_blocks()), (Ok(0), 6));
    assert_eq!(files.reserve(id, 11 * 4096), Err(FsError::Full));
    assert_eq!((files.free_blocks(), files.check()), (6, Ok(())));
    files.grow(id, 2 * 4096 + 1);
    files.end_reservation(id);
    assert_eq!(files.surplus(id), None, "another writer is at work");
    files.trim(id);
    assert_eq!(files.free_blocks(), 6);
    files.end_reservation(id);
    assert_eq!(files.surplus(id), Some(3));
    files.trim(id);
    assert_eq!((files.free_blocks(), files.len_bytes(id), files.check()), (7, Ok(2 * 4096 + 1), Ok(())));
}

#[test]
fn blocks_past_the_length_are_free_after_mounting() {
    let mut files = fresh(10);
    let id = files.create("log").unwrap();
    files.write_at(id, 0, &[1; 5000]).unwrap();
    // The machine stops while a writer has reserved blocks, and a commit has written them down.
    files.files.reserve(id, 9 * 4096).unwrap();
    files.create("other").unwrap();
    assert_eq!(files.files().free_blocks(), 1);
    let mut files = Files::mount(files.into_device()).unwrap();
    assert_eq!((files.files().free_blocks(), files.files().check()), (8, Ok(())));
    assert_eq!(contents(&mut files)["log"], [1; 5000]);
}

#[test]
fn length_is_on_the_device_only_after_the_contents() {
    let mut files = fresh(10);
    let id = files.create("log").unwrap();
    files.files.reserve(id, 5000).unwrap();
    files.files.grow(id, 5000);
    files.files.end_reservation(id);
    files.create("other").unwrap();
    let on_device = |files: &Files| {
        let mounted = Files::mount(files.device.clone()).unwrap();
        mounted.files().len_bytes(mounted.files().lookup("log").unwrap())
    };
    assert_eq!((files.files().len_bytes(id), files.files().has_unsaved_length(id)), (Ok(5000), true));
    assert_eq!(on_device(&files), Ok(0));
    files.files.contents_saved(id, 4096);
    files.create("a third").unwrap();
    assert_eq!(on_device(&files), Ok(4096));
    assert!(files.files().has_unsaved_length(id));
}

#[test]
fn open_file_can_be_opened_again_without_its_name() {
    let mut files = fresh(10);
    let id = files.create("a").unwrap();
    assert_eq!(files.files.open_again(id), Err(FsError::NoSuchFile), "it is not open");
    files.files.open("a").unwrap();
    files.remove("a").unwrap();
    files.files.open_again(id).unwrap();
    files.files.close(id).unwrap();
    assert!(files.files().len_bytes(id).is_ok());
    files.files.close(id).unwrap();
    assert_eq!(files.files().len_bytes(id), Err(FsError::NoSuchFile));
}

#[test]
fn table_holds_the_maximum_number_of_files() {
    let mut files = fresh(1);
    for number in 0..MAX_FILES {
        files.create(&format!("{number}")).unwrap();
    }
    assert_eq!(files.create("one more"), refused(FsError::TableFull));
    assert_eq!(Files::mount(files.into_device()).unwrap().files().entries().count(), MAX_FILES);
}

#[test]
fn newest_table_counts_when_the_highest_sequence_number_is_passed() {
    let mut files = fresh(10);
    files.files.commits = Commits::new(u64::MAX - 4, 0, Block::zeros(TABLE_BLOCKS as usize).unwrap());
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    // The first two commits replace both copies.
    files.create(names[0]).unwrap();
    for (at, name) in names.into_iter().enumerate().skip(1) {
        files.create(name).unwrap();
        files = Files::mount(files.into_device()).unwrap();
        assert!(contents(&mut files).keys().eq(&names[..=at]), "{name}");
    }
}

#[test]
fn damage_is_named() {
    let sound = || fresh(4).into_device();
    let damage = |change: fn(&mut Vec<u8>)| {
        let mut disk = sound();
        change(&mut disk.bytes);
        Files::mount(disk).map(|_| ()).unwrap_err()
    };
    assert_eq!(damage(|bytes| bytes[0] ^= 1), Damage::NoSuperblock.into());
    assert_eq!(damage(|bytes| bytes[13] ^= 1), Damage::Checksum.into());
    assert_eq!(damage(|bytes| bytes.truncate(30 * 4096)), Damage::CutShort.into());
    assert_eq!(damage(Vec::clear), Damage::NoSuperblock.into());
    assert_eq!(damage(|bytes| bytes[4096..33 * 4096].fill(0)), Damage::NoTable.into());
    assert!(matches!(Files::format(Disk::new(DATA_START)), Err(MountError::DeviceTooSmall)));
    let mut disk = sound();
    disk.is_unreadable = true;
    assert!(matches!(Files::mount(disk), Err(MountError::Device(DiskError::Told))));
}
