//! Where the CPU is while it moves a command's data itself.

use arrayvec::ArrayVec;

use super::queue::COMMAND_SEGMENTS_MAX;
use super::request::{SECTOR_SIZE, Segment};
use crate::addr::{Frame, PAGE_SIZE};

/// Memory within one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The frame.
    pub frame: Frame,
    /// Distance from its start.
    pub offset_bytes: u32,
    /// Length: whole sectors.
    pub len_bytes: u32,
}

/// A place in a command's memory that moves forward, sector by sector.
#[derive(Debug)]
pub struct Cursor {
    segments: ArrayVec<Segment, COMMAND_SEGMENTS_MAX>,
    /// The segment that comes next.
    index: usize,
    /// How much of it is behind us.
    done_bytes: u32,
    sectors_left: u32,
}

impl Cursor {
    /// At the end of no memory at all.
    pub const fn empty() -> Self {
        Self { segments: ArrayVec::new_const(), index: 0, done_bytes: 0, sectors_left: 0 }
    }

    /// Goes to the start of these segments, at most [`COMMAND_SEGMENTS_MAX`]. Each is a whole number of sectors long and starts
    /// at one, as the queue has checked.
    pub fn restart(&mut self, segments: impl Iterator<Item = Segment>) {
        self.segments.clear();
        self.segments.extend(segments);
        self.sectors_left = self.segments.iter().map(|segment| segment.len_bytes / SECTOR_SIZE).sum();
        (self.index, self.done_bytes) = (0, 0);
    }

    /// How many sectors are still ahead.
    pub const fn sectors_left(&self) -> u32 {
        self.sectors_left
    }

    /// Goes forward by up to `sectors_max` sectors, but not beyond the frame or the segment, and returns what it passed.
    /// `None` at the end.
    pub fn advance(&mut self, sectors_max: u32) -> Option<Piece> {
        let segment = *self.segments.get(self.index)?;
        let at = segment.start.raw() + self.done_bytes;
        let offset_bytes = at % PAGE_SIZE;
        let left = segment.len_bytes - self.done_bytes;
        let len_bytes = left.min(PAGE_SIZE - offset_bytes).min(sectors_max * SECTOR_SIZE);
        self.done_bytes += len_bytes;
        self.sectors_left -= len_bytes / SECTOR_SIZE;
        if self.done_bytes == segment.len_bytes {
            (self.index, self.done_bytes) = (self.index + 1, 0);
        }
        Some(Piece { frame: Frame::new(at / PAGE_SIZE), offset_bytes, len_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Piece};
    use crate::addr::{Frame, PAGE_SIZE, PhysAddr};
    use crate::disk::Segment;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    fn cursor(runs: &[(u32, u32)]) -> Cursor {
        let mut cursor = Cursor::empty();
        cursor.restart(runs.iter().map(|&(start, len_bytes)| Segment { start: PhysAddr::new(start), len_bytes }));
        cursor
    }

    #[test]
    fn a_piece_ends_with_its_frame_its_segment_or_the_block() {
        let mut cursor = cursor(&[(0x1E00, 0x400), (0x8000, 0x1000)]);
        let piece = |frame, offset_bytes, len_bytes| Some(Piece { frame: Frame::new(frame), offset_bytes, len_bytes });
        assert_eq!(cursor.advance(16), piece(1, 0xE00, 0x200));
        assert_eq!(cursor.advance(16), piece(2, 0, 0x200));
        assert_eq!(cursor.advance(3), piece(8, 0, 0x600));
        assert_eq!(cursor.sectors_left(), 5);
        assert_eq!(cursor.advance(16), piece(8, 0x600, 0xA00));
        assert_eq!((cursor.advance(16), cursor.sectors_left()), (None, 0));
    }

    proptest! {
        #[test]
        fn every_sector_is_passed_once_and_in_order(
            runs in proptest::collection::vec((0u32..0x200, 1u32..40), 1..40),
            block in 1u32..20,
        ) {
            let runs: Vec<_> = runs.into_iter().map(|(start, len)| (start * 512, len * 512)).collect();
            let mut cursor = cursor(&runs);
            let mut passed = Vec::new();
            while let Some(piece) = cursor.advance(block) {
                prop_assert!(piece.offset_bytes + piece.len_bytes <= PAGE_SIZE);
                prop_assert!(piece.len_bytes <= block * 512);
                let start = piece.frame.start().raw() + piece.offset_bytes;
                passed.extend((start..start + piece.len_bytes).step_by(512));
            }
            let wanted: Vec<u32> = runs.iter().flat_map(|&(start, len)| (start..start + len).step_by(512)).collect();
            prop_assert_eq!(passed, wanted);
        }
    }
}
