//! Repeatable random choices.

use core::num::NonZeroU32;

use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng as _;

/// A generator whose numbers follow from its seed.
pub struct Rng(Pcg32);

impl Rng {
    /// A generator for this seed.
    pub fn from_seed(seed: u64) -> Self {
        /// Any odd-making constant will do; one stream serves all.
        const STREAM: u64 = 0x626F_7272_6F77;
        Self(Pcg32::new(seed, STREAM))
    }

    /// Passes over so many numbers, in a few steps.
    pub fn skip(&mut self, count: u64) {
        self.0.advance(count);
    }

    /// Any number.
    pub fn word(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A number in `0..bound`, each equally likely but for at most `bound` in 2^32.
    #[inline]
    pub fn below(&mut self, bound: NonZeroU32) -> u32 {
        let product = u64::from(self.0.next_u32()) * u64::from(bound.get());
        u32::try_from(product >> 32).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU32;

    use super::Rng;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let bound = NonZeroU32::new(1000).unwrap();
        let draw = |seed| (0..50).scan(Rng::from_seed(seed), |rng, _| Some(rng.below(bound))).collect::<Vec<_>>();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn every_number_below_the_bound_comes_about_equally_often() {
        let mut rng = Rng::from_seed(1);
        let mut counts = [0u32; 10];
        (0..100_000).for_each(|_| counts[rng.below(NonZeroU32::new(10).unwrap()) as usize] += 1);
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
    }
}
