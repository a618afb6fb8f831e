//! Tables of files with wrong entries and a right checksum.

use fakefs::BlockDevice;
use fakefs::layout::{ENTRIES_MAX_BYTES, TABLE_STARTS};
use fuzz_core::Random;

use super::picture::Picture;
use super::reference::{RawEntry, RawTable, tables};

/// Bytes of names that no file may have, or that are hard to tell apart.
const NAMES: [&[u8]; 9] =
    [b"", b"a/b", b"\xFF\xFE", b"\xC3", b"tab\there", b"nul\0", b"swap", b"swap ", "\u{202E}txt".as_bytes()];

/// Replaces a table by one that is wrong, so that it counts or does not. Nothing happens if no table is whole.
pub fn forge(random: &mut Random, disk: &mut Picture) {
    let found = tables(disk);
    let Some((place, table)) = found.get(random.place_in(found.len())) else { return };
    let Some(mut entries) = table.parsed() else { return };
    let mut forged = RawTable { sequence: sequence(random, table.sequence), entries: Vec::new() };
    let block_count = disk.block_count();
    for _ in 0..=random.below(2) {
        change(random, &mut entries, block_count);
    }
    entries.iter().for_each(|entry| entry.put(&mut forged.entries));
    if random.once_in(5) {
        change_bytes(random, &mut forged.entries);
    }
    forged.entries.truncate(ENTRIES_MAX_BYTES);
    let place = if random.once_in(2) { *place } else { 1 - *place };
    disk.set_bytes(TABLE_STARTS[place], &forged.encode());
}

fn sequence(random: &mut Random, now: u64) -> u64 {
    match random.below(6) {
        0 => 0,
        1 => u64::MAX,
        2 => now.wrapping_sub(1),
        3 => now.wrapping_add(2),
        4 => now,
        _ => now.wrapping_add(1),
    }
}

/// Makes one mistake in the entries.
fn change(random: &mut Random, entries: &mut Vec<RawEntry>, block_count: u32) {
    if entries.is_empty() || random.once_in(12) {
        return add(random, entries);
    }
    let other = random.one_of(&entries.iter().collect::<Vec<_>>()).clone();
    let count = entries.len();
    let place = random.place_in(count);
    let entry = &mut entries[place];
    match random.below(9) {
        0 => entry.name = other.name,
        1 => entry.name = random.one_of(&NAMES).to_vec(),
        2 => entry.name = vec![b'n'; random.one_of(&[54, 55, 56, 255])],
        3 => entry.len_bytes = length(random, entry.len_bytes),
        4 => entry.extents.extend(other.extents),
        5 => entry.extents.insert(0, extent(random, block_count)),
        6 => match random.place_in(entry.extents.len()) {
            at if at < entry.extents.len() => entry.extents[at] = near(random, entry.extents[at], block_count),
            _ => entry.extents.push((random.edge(), random.edge())),
        },
        7 => entry.state = random.one_of(&[0, 1, 2, 2, 3, 255]),
        _ => {
            entry.extents.pop();
        }
    }
}

/// Adds entries: one, or more than there may be.
fn add(random: &mut Random, entries: &mut Vec<RawEntry>) {
    let count = if random.once_in(4) { 520 } else { 1 };
    let extents = if random.once_in(2) { Vec::new() } else { vec![(random.edge(), random.edge())] };
    let len_bytes = if extents.is_empty() { 0 } else { random.edge() };
    let state = random.one_of(&[1, 1, 2]);
    entries.extend((0..count).map(|number| RawEntry {
        state,
        name: format!("add{number}").into_bytes(),
        len_bytes,
        extents: extents.clone(),
    }));
}

fn length(random: &mut Random, now: u32) -> u32 {
    match random.below(4) {
        0 => random.edge(),
        1 => now.wrapping_add(4096),
        2 => now / 2,
        _ => now | 4095,
    }
}

fn extent(random: &mut Random, block_count: u32) -> (u32, u32) {
    (
        random.one_of(&[0, 1, 16, 33, block_count, block_count.wrapping_sub(1), u32::MAX]),
        random.one_of(&[0, 1, 2, u32::MAX]),
    )
}

/// An extent that begins or ends a little elsewhere, or far away.
fn near(random: &mut Random, (first, count): (u32, u32), block_count: u32) -> (u32, u32) {
    match random.below(6) {
        0 => (first.wrapping_sub(1), count),
        1 => (first.wrapping_add(1), count),
        2 => (first, count.wrapping_add(1)),
        3 => (first, random.edge()),
        4 => (block_count.wrapping_sub(count), count),
        _ => extent(random, block_count),
    }
}

/// Changes the bytes themselves: a count or a length then speaks of others.
fn change_bytes(random: &mut Random, bytes: &mut Vec<u8>) {
    match random.below(3) {
        0 => bytes.truncate(random.place_in(bytes.len())),
        1 => bytes.extend([1; 7]),
        _ => {
            let at = random.place_in(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.byte();
            }
        }
    }
}
