//! The file system's rules, one by one. Against a map, and on disks that stop and lie: `model.rs`.

mod model;

use std::collections::BTreeMap;

use crate::layout::DATA_START;
use crate::memory_disk::{MemoryDisk, MemoryDiskError};
use crate::{Damage, FileSystem, FsError};

type Files = FileSystem<MemoryDisk>;
/// What is in each file, by name.
type Contents = BTreeMap<String, Vec<u8>>;

fn fresh(data_blocks: u32) -> Files {
    Files::format(MemoryDisk::new(DATA_START + data_blocks)).unwrap()
}

fn contents(files: &mut Files) -> Contents {
    let names: Vec<_> = files.entries().map(|entry| (entry.name.to_owned(), entry.id, entry.len_bytes)).collect();
    let read = |(name, id, len): (String, _, u32)| {
        let mut bytes = vec![0xEE; len as usize + 3];
        let count = files.read_at(id, 0, &mut bytes).unwrap();
        bytes.truncate(count);
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}

#[test]
fn what_is_written_is_read_after_mounting_again() {
    let mut files = fresh(10);
    let id = files.create("hello").unwrap();
    files.write_at(id, 0, b"Hello").unwrap();
    files.write_at(id, 5000, b"far").unwrap();
    let mut files = Files::mount(files.into_device()).unwrap();
    let bytes = contents(&mut files).remove("hello").unwrap();
    assert_eq!((&bytes[..5], &bytes[5..5000], &bytes[5000..]), (&b"Hello"[..], &[0; 4995][..], &b"far"[..]));
    assert_eq!(files.check(), Ok(()));
}

#[test]
fn names_are_checked() {
    let mut files = fresh(4);
    for name in ["", "a/b", "a\nb", &"x".repeat(56)] {
        assert_eq!(files.create(name), Err(FsError::BadName), "{name:?}");
    }
    files.create(&"x".repeat(55)).unwrap();
    files.create("ünïcode").unwrap();
    assert_eq!(files.create("ünïcode"), Err(FsError::AlreadyExists));
    assert_eq!(files.remove("other"), Err(FsError::NoSuchFile));
}

#[test]
fn a_removed_file_lives_until_its_last_user_closes_it() {
    let mut files = fresh(4);
    let id = files.create("a").unwrap();
    files.write_at(id, 0, &[7; 8192]).unwrap();
    assert_eq!(files.open("a"), Ok(id));
    files.remove("a").unwrap();
    assert_eq!((files.lookup("a"), files.free_blocks()), (None, 2));
    let mut byte = [0];
    assert_eq!((files.read_at(id, 8191, &mut byte), byte), (Ok(1), [7]));
    files.close(id).unwrap();
    assert_eq!((files.free_blocks(), files.len_bytes(id)), (4, Err(FsError::NoSuchFile)));
    let other = files.create("b").unwrap();
    assert_ne!(other, id, "a stale id never names another file");
    assert_eq!(files.close(other), Err(FsError::NoSuchFile));
}

#[test]
fn a_file_is_removed_and_no_other_that_has_its_name_by_now() {
    let mut files = fresh(4);
    let first = files.create("a").unwrap();
    files.open("a").unwrap();
    files.remove("a").unwrap();
    let second = files.create("a").unwrap();
    assert_eq!(files.remove_file(first), Err(FsError::NoSuchFile));
    assert_eq!(files.lookup("a"), Some(second));
    assert_eq!(files.remove_file(second), Ok(()));
    assert_eq!((files.lookup("a"), files.remove_file(second)), (None, Err(FsError::NoSuchFile)));
}

#[test]
fn blocks_of_a_file_that_was_removed_while_open_are_free_after_mounting() {
    let mut files = fresh(4);
    let id = files.create("a").unwrap();
    files.write_at(id, 0, &[7; 4096]).unwrap();
    files.open("a").unwrap();
    files.remove("a").unwrap();
    let files = Files::mount(files.into_device()).unwrap();
    assert_eq!((files.free_blocks(), files.entries().count()), (4, 0));
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    let mut files = fresh(3);
    let id = files.create("a").unwrap();
    files.write_at(id, 0, &[1; 4096]).unwrap();
    assert_eq!(files.write_at(id, 0, &[2; 4 * 4096]), Err(FsError::Full));
    assert_eq!(files.write_at(id, u32::MAX, &[2; 2]), Err(FsError::TooLong));
    assert_eq!(files.preallocate(id, 4 * 4096), Err(FsError::Full));
    assert_eq!(contents(&mut files)["a"], [1; 4096]);
    assert_eq!((files.free_blocks(), files.check()), (2, Ok(())));
}

#[test]
fn preallocated_blocks_follow_each_other() {
    let mut files = fresh(100);
    let first = files.create("first").unwrap();
    files.write_at(first, 0, &[1; 10]).unwrap();
    let swap = files.create("swap").unwrap();
    files.preallocate(swap, 90 * 4096).unwrap();
    let extents = files.extents(swap).unwrap();
    assert_eq!((extents.len(), extents[0].block_count), (1, 90));
    assert_eq!(files.block_of(swap, 89).map(|block| block.number()), Some(extents[0].first.number() + 89));
    assert_eq!(files.block_of(swap, 90), None);
}

#[test]
fn a_fragmented_file_is_whole() {
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
    assert!(files.extents(id).unwrap().len() > 1);
    let mut files = Files::mount(files.into_device()).unwrap();
    assert_eq!(contents(&mut files)["long"], data);
}

#[test]
fn files_in_many_pieces_leave_a_table_that_can_be_written() {
    let mut files = fresh(9000);
    let ids = ["a", "b"].map(|name| files.create(name).unwrap());
    for id in ids {
        files.open(if id == ids[0] { "a" } else { "b" }).unwrap();
    }
    let grown = (1..4400).flat_map(|blocks| ids.map(|id| (id, blocks * 4096)));
    let refused = grown.map(|(id, len)| files.grow(id, len)).find(Result::is_err);
    assert_eq!(refused, Some(Err(FsError::TableFull)));
    assert_eq!(files.check(), Ok(()));
    assert_eq!(files.commit_growth(), Ok(()), "what has grown cannot be written down");
    assert_eq!(files.remove("a"), Ok(()), "there is no way back");
    files.close(ids[0]).unwrap();
    let id = files.create("c").unwrap();
    assert_eq!(files.grow(id, 4096), Ok(()));
    assert_eq!(Files::mount(files.into_device()).unwrap().entries().count(), 2);
}

#[test]
fn reserved_blocks_are_a_files_own_but_no_part_of_its_length() {
    let mut files = fresh(10);
    let id = files.create("log").unwrap();
    files.reserve(id, 4 * 4096).unwrap();
    files.reserve(id, 10).unwrap();
    assert_eq!((files.len_bytes(id), files.free_blocks()), (Ok(0), 6));
    assert!(matches!(files.reserve(id, 11 * 4096), Err(FsError::Full)));
    assert_eq!((files.free_blocks(), files.check()), (6, Ok(())));
    files.grow(id, 4 * 4096).unwrap();
    assert_eq!(files.free_blocks(), 6, "it has grown into what it had");
    files.remove("log").unwrap();
    assert_eq!((files.free_blocks(), files.check()), (10, Ok(())));
}

#[test]
fn growth_is_on_disk_once_it_was_committed() {
    let mut files = FileSystem::format(MemoryDisk::new(60)).unwrap();
    let id = files.create("log").unwrap();
    files.grow(id, 5000).unwrap();
    files.grow(id, 10).unwrap();
    assert_eq!((files.len_bytes(id), files.extents(id).unwrap()[0].block_count), (Ok(5000), 2));
    assert!(matches!(files.grow(id, 60 * 4096), Err(FsError::Full)));
    assert_eq!(files.len_bytes(id), Ok(5000));
    files.commit_growth().unwrap();
    let files = FileSystem::mount(files.into_device()).unwrap();
    let id = files.lookup("log").unwrap();
    assert_eq!(files.len_bytes(id), Ok(5000));
    files.check().unwrap();
}

#[test]
fn what_is_open_can_be_opened_again_without_its_name() {
    let mut files = fresh(10);
    let id = files.create("a").unwrap();
    assert_eq!(files.open_again(id), Err(FsError::NoSuchFile), "nobody has it open");
    files.open("a").unwrap();
    files.remove("a").unwrap();
    files.open_again(id).unwrap();
    files.close(id).unwrap();
    assert!(files.len_bytes(id).is_ok());
    files.close(id).unwrap();
    assert_eq!(files.len_bytes(id), Err(FsError::NoSuchFile));
}

#[test]
fn damage_is_named() {
    let sound = || fresh(4).into_device();
    let damage = |change: fn(&mut Vec<u8>)| {
        let mut disk = sound();
        change(disk.bytes());
        Files::mount(disk).map(|_| ()).unwrap_err()
    };
    assert_eq!(damage(|bytes| bytes[0] ^= 1), Damage::NoSuperblock.into());
    assert_eq!(damage(|bytes| bytes[13] ^= 1), Damage::Checksum.into());
    assert_eq!(damage(|bytes| bytes.truncate(30 * 4096)), Damage::CutShort.into());
    assert_eq!(damage(Vec::clear), Damage::NoSuperblock.into());
    assert_eq!(damage(|bytes| bytes[4096..33 * 4096].fill(0)), Damage::NoTable.into());
    assert!(matches!(Files::format(MemoryDisk::new(DATA_START)), Err(FsError::DeviceTooSmall)));
    let mut disk = sound();
    disk.fail_reads(1);
    assert!(matches!(Files::mount(disk), Err(FsError::Device(MemoryDiskError::Told))));
}
