//! The partition table in a disk's first sector (UEFI Specification, "Legacy Master Boot Record (MBR)").

/// A run of sectors of 512 bytes, counted from the start of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionRange {
    /// The first sector.
    pub first_sector: u32,
    /// How many sectors.
    pub sector_count: u32,
}

impl PartitionRange {
    /// The sector behind the last; `None` if that has no number.
    pub const fn end(&self) -> Option<u32> {
        self.first_sector.checked_add(self.sector_count)
    }
}

const SIGNATURE: [u8; 2] = [0x55, 0xAA];
const SIGNATURE_OFFSET: usize = 510;
const TABLE_OFFSET: usize = 446;
const ENTRY_BYTES: usize = 16;
const TYPE_OFFSET: usize = 4;

/// The first of the four partitions that is of type `kind` and has any sectors; `None` also if `sector` does not end with the signature.
pub fn find(sector: &[u8; 512], kind: u8) -> Option<PartitionRange> {
    if sector[SIGNATURE_OFFSET..] != SIGNATURE {
        return None;
    }
    let (entries, _) = sector[TABLE_OFFSET..SIGNATURE_OFFSET].as_chunks::<ENTRY_BYTES>();
    entries.iter().filter(|entry| entry[TYPE_OFFSET] == kind).find_map(|entry| {
        let (words, _) = entry[8..].as_chunks::<4>();
        let [first_sector, sector_count] = [u32::from_le_bytes(words[0]), u32::from_le_bytes(words[1])];
        (sector_count > 0).then_some(PartitionRange { first_sector, sector_count })
    })
}

#[cfg(test)]
mod tests {
    use super::{PartitionRange, find};

    fn sector_with(index: usize, kind: u8, first: u32, count: u32) -> [u8; 512] {
        let mut sector = [0; 512];
        sector[510..].copy_from_slice(&[0x55, 0xAA]);
        let entry = &mut sector[446 + 16 * index..][..16];
        entry[4] = kind;
        entry[8..12].copy_from_slice(&first.to_le_bytes());
        entry[12..16].copy_from_slice(&count.to_le_bytes());
        sector
    }

    #[test]
    fn the_partition_of_the_wanted_type_is_found_in_any_place() {
        for index in 0..4 {
            let sector = sector_with(index, 0x7F, 2048, 1000);
            assert_eq!(find(&sector, 0x7F), Some(PartitionRange { first_sector: 2048, sector_count: 1000 }));
            assert_eq!(find(&sector, 0x83), None);
        }
    }

    #[test]
    fn a_sector_without_signature_or_sectors_has_no_partition() {
        let mut sector = sector_with(0, 0x7F, 2048, 1000);
        sector[510] = 0;
        assert_eq!(find(&sector, 0x7F), None);
        assert_eq!(find(&sector_with(0, 0x7F, 2048, 0), 0x7F), None);
    }

    #[test]
    fn an_end_that_wraps_is_noticed() {
        assert_eq!(PartitionRange { first_sector: u32::MAX, sector_count: 1 }.end(), None);
    }
}
