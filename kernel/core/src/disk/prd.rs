//! The bus master's list of memory (Programming Interface for Bus Master IDE Controller, "Physical Region Descriptor
//! Table").

use super::queue::COMMAND_SEGMENTS_MAX;
use super::request::Segment;
use crate::addr::PhysAddr;

/// A region must not cross a boundary of this many bytes.
const BOUNDARY: u32 = 0x1_0000;

/// More entries than any command needs: a page-sized segment gives at most one, and a longer one gives one for each boundary
/// that it meets. The table fills a page, so it crosses no boundary itself.
pub const PRD_ENTRIES_MAX: usize = 512;

/// The longest command moves 256 KiB: each segment may begin and end within a boundary, and four boundaries are whole.
const _: () = assert!(2 * COMMAND_SEGMENTS_MAX + 4 <= PRD_ENTRIES_MAX);

/// A region of memory for the bus master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrdEntry {
    /// Its first byte; even.
    pub start: PhysAddr,
    /// Its length: 1 to 65,536 bytes.
    pub len_bytes: u32,
    /// No region follows.
    pub is_last: bool,
}

impl PrdEntry {
    /// The two words of the entry: address, then length (65,536 is written as 0) and the mark of the last one.
    pub const fn encode(self) -> [u32; 2] {
        [self.start.raw(), (self.len_bytes % BOUNDARY) | ((self.is_last as u32) << 31)]
    }
}

/// The regions that cover `segments`, in order: neighbours in memory become one region, unless a boundary lies in it.
pub fn prd_entries(segments: impl Iterator<Item = Segment>) -> impl Iterator<Item = PrdEntry> {
    let mut rest = segments;
    let mut run: Option<Segment> = None;
    core::iter::from_fn(move || {
        let mut whole = run.take().or_else(|| rest.next())?;
        // Take in what follows as long as it continues the run and the run does not reach a boundary yet.
        while whole.len_bytes <= room(whole.start) {
            match rest.next() {
                Some(next) if whole.end() == Some(next.start) => whole.len_bytes += next.len_bytes,
                other => {
                    run = other;
                    return Some(PrdEntry { start: whole.start, len_bytes: whole.len_bytes, is_last: run.is_none() });
                }
            }
        }
        let len_bytes = room(whole.start);
        let tail = PhysAddr::new(whole.start.raw() + len_bytes);
        run = Some(Segment { start: tail, len_bytes: whole.len_bytes - len_bytes });
        Some(PrdEntry { start: whole.start, len_bytes, is_last: false })
    })
}

/// How many bytes fit between here and the next boundary.
const fn room(start: PhysAddr) -> u32 {
    BOUNDARY - start.raw() % BOUNDARY
}

#[cfg(test)]
mod tests {
    use super::{BOUNDARY, PrdEntry, prd_entries};
    use crate::addr::PhysAddr;
    use crate::disk::Segment;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    fn entries(runs: &[(u32, u32)]) -> Vec<PrdEntry> {
        let segments = runs.iter().map(|&(start, len_bytes)| Segment { start: PhysAddr::new(start), len_bytes });
        prd_entries(segments).collect()
    }

    fn entry(start: u32, len_bytes: u32, is_last: bool) -> PrdEntry {
        PrdEntry { start: PhysAddr::new(start), len_bytes, is_last }
    }

    #[test]
    fn neighbours_become_one_region() {
        assert_eq!(
            entries(&[(0x1000, 4096), (0x2000, 4096), (0x4000, 512)]),
            [entry(0x1000, 8192, false), entry(0x4000, 512, true)]
        );
    }

    #[test]
    fn a_region_ends_at_every_64_kib() {
        assert_eq!(entries(&[(0xF000, 0x3000)]), [entry(0xF000, 0x1000, false), entry(0x1_0000, 0x2000, true)]);
        assert_eq!(
            entries(&[(0xF000, 0x1000), (0x1_0000, 0x1000)]),
            [entry(0xF000, 0x1000, false), entry(0x1_0000, 0x1000, true)]
        );
    }

    #[test]
    fn a_full_region_has_length_0_on_the_wire() {
        assert_eq!(entries(&[(0x2_0000, 0x1_0000)])[0].encode(), [0x2_0000, 0x8000_0000]);
        assert_eq!(entry(0x3000, 512, false).encode(), [0x3000, 512]);
    }

    proptest! {
        #[test]
        fn every_byte_is_covered_once_and_in_order(runs in proptest::collection::vec((0u32..0x200, 1u32..0x100), 1..64)) {
            let runs: Vec<_> = runs.into_iter().map(|(start, len)| (start * 512, len * 512)).collect();
            let entries = entries(&runs);
            let wanted = runs.iter().flat_map(|&(start, len)| (start..start + len).step_by(512));
            let given = entries.iter().flat_map(|entry| {
                (entry.start.raw()..entry.start.raw() + entry.len_bytes).step_by(512)
            });
            prop_assert!(wanted.eq(given));
            for entry in &entries {
                prop_assert_eq!(entry.start.raw() / BOUNDARY, (entry.start.raw() + entry.len_bytes - 1) / BOUNDARY);
            }
            let last = entries.iter().map(|entry| entry.is_last).collect::<Vec<_>>();
            prop_assert_eq!(last.iter().position(|&is_last| is_last), Some(entries.len() - 1));
        }
    }
}
