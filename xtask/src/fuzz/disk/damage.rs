//! Damage to a disk.

use abi::image::PARAMETERS_SECTOR;
use fakefs::BlockDevice;
use fakefs::layout::{DATA_START, TABLE_BLOCKS, TABLE_STARTS};
use fuzz_core::Random;

use super::picture::{Picture, SECTOR, SECTORS_PER_BLOCK};
use super::{forge, reference};

/// Where the entries of the partition table begin and end in the first sector.
const PARTITION_ENTRIES: std::ops::Range<usize> = 446..510;

/// What a piece of damage is aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// The superblock.
    Superblock,
    /// A copy of the table, mostly its first block.
    Table,
    /// A table with a right checksum, but wrong entries.
    Forgery,
    /// The contents of files.
    Contents,
    /// Any block of the file system.
    Anywhere,
    /// The entries of the partition table.
    Partitions,
    /// The parameters that the boot loader reads.
    Parameters,
    /// The end of the disk.
    End,
}

/// Aims at a file system; those that leave it readable come more often.
const AT_FILE_SYSTEM: [Aim; 12] = [
    Aim::Forgery,
    Aim::Forgery,
    Aim::Forgery,
    Aim::Forgery,
    Aim::Forgery,
    Aim::Table,
    Aim::Table,
    Aim::Table,
    Aim::Superblock,
    Aim::Contents,
    Aim::Anywhere,
    Aim::End,
];
/// Aims at an image that is booted.
const AT_IMAGE: [Aim; 12] = [
    Aim::Forgery,
    Aim::Forgery,
    Aim::Table,
    Aim::Table,
    Aim::Superblock,
    Aim::Contents,
    Aim::Contents,
    Aim::Contents,
    Aim::Anywhere,
    Aim::Partitions,
    Aim::Parameters,
    Aim::End,
];

/// Damages a disk in one to four places. Before the file system, only the partition table's entries and the boot parameters are hit. The
/// code of boot loader and kernel stays as it is, since no checksum protects it.
pub fn damage(random: &mut Random, disk: &mut Picture) {
    let aims = if disk.first_sector() == 0 { AT_FILE_SYSTEM } else { AT_IMAGE };
    for _ in 0..=random.below(5).saturating_sub(1) {
        let aim = random.one_of(&aims);
        hit(random, disk, aim);
    }
}

fn hit(random: &mut Random, disk: &mut Picture, aim: Aim) {
    let blocks = disk.block_count();
    match aim {
        Aim::Forgery => forge::forge(random, disk),
        Aim::End => cut_short(random, disk),
        Aim::Partitions => scribble(random, disk, 0, PARTITION_ENTRIES),
        Aim::Parameters => scribble(random, disk, PARAMETERS_SECTOR, 0..SECTOR),
        Aim::Superblock => {
            let first = disk.first_sector();
            scribble(random, disk, first, 0..20);
            if random.once_in(2) {
                reference::repair_superblock(disk);
            }
        }
        Aim::Table => {
            let within = if random.once_in(2) { 0 } else { random.below(TABLE_BLOCKS) };
            let start = random.one_of(&TABLE_STARTS);
            spoil_block(random, disk, start + within);
        }
        Aim::Contents => {
            let block = DATA_START + random.below(blocks.saturating_sub(DATA_START));
            spoil_block(random, disk, block);
        }
        Aim::Anywhere => {
            let block = random.below(blocks);
            spoil_block(random, disk, block);
        }
    }
}

/// Changes a few bytes in a range of a sector.
fn scribble(random: &mut Random, disk: &mut Picture, number: u32, range: std::ops::Range<usize>) {
    let mut sector = disk.sector(number);
    for _ in 0..=random.below(4) {
        let place = range.start + random.place_in(range.len());
        sector[place] = match random.below(3) {
            0 => sector[place] ^ 1 << random.below(8),
            1 => 0,
            _ => random.byte(),
        };
    }
    disk.set_sector(number, sector);
}

/// Flips bits in a block of the file system, or overwrites it or some of its sectors: with random bytes, zeros, or another block.
fn spoil_block(random: &mut Random, disk: &mut Picture, block: u32) {
    let other = random.below(disk.block_count());
    let way = random.below(5);
    let has_torn_edge = random.once_in(3);
    for within in 0..SECTORS_PER_BLOCK {
        let place = |block: u32| disk.first_sector() + block * SECTORS_PER_BLOCK + within;
        let number = place(block);
        let mut sector = disk.sector(number);
        match way {
            0 | 1 if within == 0 || random.once_in(4) => {
                let at = random.place_in(SECTOR);
                sector[at] ^= 1 << random.below(8);
            }
            0 | 1 => {}
            _ if has_torn_edge && random.once_in(2) => {}
            2 => random.fill(&mut sector),
            3 => sector = [0; SECTOR],
            _ => sector = disk.sector(place(other)),
        }
        if number < disk.sector_count() {
            disk.set_sector(number, sector);
        }
    }
}

/// Cuts off the end: some blocks, or most of the disk.
fn cut_short(random: &mut Random, disk: &mut Picture) {
    let all = disk.sector_count();
    let lost = match random.below(3) {
        0 => 1 + random.below(64),
        1 => random.below(all),
        _ => random.below(all - disk.first_sector()),
    };
    disk.truncate(all.saturating_sub(lost).max(disk.first_sector().min(all)));
}
