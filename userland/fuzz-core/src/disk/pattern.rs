//! The bytes that a step writes. They consist of units of 16 bytes, and each unit names the step.
//!
//! ```text
//! 0   magic "CutU"
//! 4   writer (8 bits) and step (24 bits)
//! 8   the step that made the file (16 bits), and the unit's place in the file (16 bits)
//! 12  a checksum of the seed and the two words before
//! ```

use alloc::vec::Vec;

/// Bytes of a unit. Units begin at multiples of it in the file.
const UNIT_BYTES: u32 = 16;
const MAGIC: [u8; 4] = *b"CutU";

/// What a unit tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The writer.
    pub writer: u32,
    /// The step that has written the unit.
    pub step: u32,
}

/// The bytes that a step of a writer writes to a file.
pub fn pattern(seed: u64, Mark { writer, step }: Mark, made: u32, offset: u32, len: u32) -> Vec<u8> {
    let end = offset + len;
    let units = offset / UNIT_BYTES..end.div_ceil(UNIT_BYTES);
    let bytes = units.flat_map(|unit| unit_of(seed, writer << 24 | step & 0xFF_FFFF, made << 16 | unit & 0xFFFF));
    bytes.skip((offset % UNIT_BYTES) as usize).take(len as usize).collect()
}

fn unit_of(seed: u64, who: u32, place: u32) -> [u8; UNIT_BYTES as usize] {
    let mut unit = [0; UNIT_BYTES as usize];
    let words = [u32::from_le_bytes(MAGIC), who, place, checksum(seed, who, place)];
    for (to, word) in unit.chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    unit
}

/// SplitMix64 (G. Steele and others, "Fast Splittable Pseudorandom Number Generators"), cut to a word.
fn checksum(seed: u64, who: u32, place: u32) -> u32 {
    let state = seed ^ (u64::from(who) << 32 | u64::from(place)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    u32::try_from(mixed >> 32).unwrap_or(0)
}

/// The marks of all whole units in bytes that begin at a multiple of 16 bytes of a file.
pub fn marks(seed: u64, bytes: &[u8]) -> impl Iterator<Item = Mark> {
    bytes.chunks_exact(UNIT_BYTES as usize).filter_map(move |unit| {
        let word = |at: usize| Some(u32::from_le_bytes(*unit.get(at..)?.first_chunk()?));
        let (who, place) = (word(4)?, word(8)?);
        let is_whole = unit.starts_with(&MAGIC) && word(12)? == checksum(seed, who, place);
        is_whole.then_some(Mark { writer: who >> 24, step: who & 0xFF_FFFF })
    })
}

#[cfg(test)]
mod tests {
    use super::{Mark, marks, pattern};

    #[test]
    fn bytes_follow_from_their_place_however_they_are_cut() {
        let mark = Mark { writer: 2, step: 77 };
        let whole = pattern(5, mark, 3, 0, 1000);
        for (offset, len) in [(0, 1), (7, 30), (16, 16), (999, 1), (500, 500)] {
            let part = pattern(5, mark, 3, offset, len);
            assert_eq!(part, whole[offset as usize..][..len as usize]);
        }
    }

    #[test]
    fn whole_units_name_their_step_and_others_do_not() {
        let mark = Mark { writer: 2, step: 77 };
        let mut bytes = pattern(5, mark, 3, 4096, 64);
        assert_eq!(marks(5, &bytes).collect::<Vec<_>>(), [mark; 4]);
        assert_eq!(marks(6, &bytes).count(), 0, "another seed");
        bytes[20] ^= 1;
        assert_eq!(marks(5, &bytes).count(), 3);
        assert_eq!(marks(5, &[0; 512]).count(), 0);
    }
}
