//! Random choices that can be made again.

use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng as _;

/// A generator whose numbers follow from a seed and the number of a case.
#[derive(Clone, Debug)]
pub struct Random(Pcg32);

impl Random {
    /// The generator of one case.
    pub fn new(seed: u64, case: u64) -> Self {
        Self(Pcg32::new(seed, case))
    }

    /// Any number.
    pub fn word(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A number in `0..bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        let product = u64::from(self.0.next_u32()) * u64::from(bound);
        u32::try_from(product >> 32).unwrap_or(0)
    }

    /// True once in `count` times.
    pub fn once_in(&mut self, count: u32) -> bool {
        self.below(count) == 0
    }

    /// One of the values.
    ///
    /// # Panics
    /// If there is none.
    pub fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.place_in(values.len())]
    }

    /// A place in a list of this length; 0 if the list is empty.
    pub fn place_in(&mut self, len: usize) -> usize {
        self.below(u32::try_from(len).unwrap_or(u32::MAX)) as usize
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        self.word().to_le_bytes()[0]
    }

    /// Fills a buffer.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(4) {
            part.copy_from_slice(&self.word().to_le_bytes()[..part.len()]);
        }
    }

    /// A number as mistakes are made with: near 0, near a power of two, near the largest, or anywhere.
    pub fn edge(&mut self) -> u32 {
        let near = self.below(5).wrapping_sub(2);
        match self.below(5) {
            0 => near,
            1 => (1_u32 << self.below(32)).wrapping_add(near),
            2 => (self.below(64) << 12).wrapping_add(near),
            3 => u32::MAX.wrapping_sub(self.below(4096)),
            _ => self.word(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn numbers_follow_from_seed_and_case() {
        let numbers = |seed, case| {
            let mut random = Random::new(seed, case);
            [0; 8].map(|_| random.word())
        };
        assert_eq!(numbers(1, 2), numbers(1, 2));
        assert_ne!(numbers(1, 2), numbers(1, 3));
        assert_ne!(numbers(1, 2), numbers(2, 2));
    }

    #[test]
    fn bounds_hold_and_every_value_comes() {
        let mut random = Random::new(1, 1);
        let mut counts = [0; 7];
        (0..7000).for_each(|_| counts[random.below(7) as usize] += 1);
        assert!(counts.iter().all(|&count| (800..1200).contains(&count)), "{counts:?}");
        assert_eq!((random.below(0), random.place_in(0)), (0, 0));
    }
}
