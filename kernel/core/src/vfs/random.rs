//! The device of random bytes.

use crate::rng::Rng;

/// An endless row of bytes that follows from a seed, and a place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomBytes {
    seed: u64,
    position: u64,
}

/// A number of the generator makes so many bytes.
const WORD_BYTES: u64 = 4;

impl RandomBytes {
    /// The row of this seed, at its beginning.
    pub const fn new(seed: u64) -> Self {
        Self { seed, position: 0 }
    }

    /// The place in the row; it starts again at 2^64.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Goes on by so many bytes without reading them.
    pub const fn skip(&mut self, count: u32) {
        self.position = self.position.wrapping_add(count as u64);
    }

    /// Reads the next bytes.
    pub fn read(&mut self, into: &mut [u8]) {
        let mut rng = Rng::from_seed(self.seed);
        rng.skip(self.position / WORD_BYTES);
        let mut word = rng.word().to_le_bytes();
        for byte in into {
            // Below four, so in range.
            *byte = word[(self.position % WORD_BYTES) as usize];
            self.position = self.position.wrapping_add(1);
            if self.position.is_multiple_of(WORD_BYTES) {
                word = rng.word().to_le_bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::RandomBytes;

    fn take(bytes: &mut RandomBytes, count: usize) -> Vec<u8> {
        let mut taken = vec![0; count];
        bytes.read(&mut taken);
        taken
    }

    #[test]
    fn seeds_make_different_rows() {
        let [one, other] = [1, 2].map(|seed| take(&mut RandomBytes::new(seed), 64));
        assert_ne!(one, other);
        let mut counts = [0; 256];
        take(&mut RandomBytes::new(7), 100_000).iter().for_each(|&byte| counts[usize::from(byte)] += 1);
        assert!(counts.iter().all(|count| (250..550).contains(count)), "{counts:?}");
    }

    proptest! {
        #[test]
        fn pieces_and_skips_follow_one_row(seed in any::<u64>(), steps in proptest::collection::vec((any::<bool>(), 0usize..50), 0..40)) {
            let whole = take(&mut RandomBytes::new(seed), 2000);
            let mut bytes = RandomBytes::new(seed);
            let mut at = 0;
            for (reads, count) in steps {
                if reads {
                    prop_assert_eq!(take(&mut bytes, count), whole[at..at + count].to_vec());
                } else {
                    bytes.skip(u32::try_from(count).unwrap());
                }
                at += count;
                prop_assert_eq!(bytes.position(), at as u64);
            }
        }
    }
}
