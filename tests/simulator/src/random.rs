//! Randomness that can be had again: the same seed, life and purpose give the same draws, whatever else is drawn.

use std::ops::RangeInclusive;

use rand::rngs::ChaCha12Rng;
use rand::{Rng as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};

/// ChaCha with 12 rounds, whose stream is fixed by its definition. What is drawn from the stream is computed here and not
/// by `rand`, whose methods may change from version to version.
#[derive(Debug)]
pub struct Random(ChaCha12Rng);

const DIGITS: &[u8] = b"0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Random {
    /// Of one life of a seed, for one purpose: each purpose has a stream of its own, so that one more draw for the one
    /// shifts nothing of the others.
    pub fn new(seed: u64, life: u64, purpose: &str) -> Self {
        Self(ChaCha12Rng::from_seed(Sha256::digest(format!("{seed}\n{life}\n{purpose}")).into()))
    }

    /// From 0 to less than `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.0.next_u64()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or_default()
    }

    pub fn between(&mut self, range: RangeInclusive<i64>) -> i64 {
        let width = range.end().saturating_sub(*range.start()).unsigned_abs() + 1;
        range.start().saturating_add_unsigned(self.below(width))
    }

    /// From 0 to less than 1.
    pub fn share(&mut self) -> f64 {
        // 53 bits fill a float's digits.
        let bits = u32::try_from(self.0.next_u64() >> 32).unwrap_or_default();
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    /// Whether something happens that happens with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// One of `items`, which must not be empty.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        let bound = u64::try_from(items.len()).unwrap_or_default();
        items[usize::try_from(self.below(bound)).unwrap_or_default()]
    }

    pub fn digits(&mut self, length: usize) -> String {
        self.text(DIGITS, length)
    }

    /// Lower-case hexadecimal.
    pub fn hex(&mut self, length: usize) -> String {
        self.text(HEX, length)
    }

    pub fn letters(&mut self, length: usize) -> String {
        self.text(LETTERS, length)
    }

    /// Of the form of a UUID v4.
    pub fn uuid(&mut self) -> String {
        let variant = self.pick(b"89ab");
        format!(
            "{}-{}-4{}-{}{}-{}",
            self.hex(8),
            self.hex(4),
            self.hex(3),
            char::from(variant),
            self.hex(3),
            self.hex(12)
        )
    }

    fn text(&mut self, letters: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(self.pick(letters))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_same_for_ever() {
        let mut random = Random::new(7, 3, "a purpose");
        let drawn = format!("{} {} {}", random.below(1_000_000), random.digits(6), random.hex(8));
        assert_eq!(
            drawn, "554645 619012 6ec0ef3d",
            "a seed that somebody wrote down must play the same lives in any later version"
        );
        assert_ne!(Random::new(7, 3, "another").hex(8), Random::new(7, 3, "a purpose").hex(8));
    }

    #[test]
    fn bounds_are_kept() {
        let mut random = Random::new(1, 1, "bounds");
        for _ in 0..1_000 {
            assert!(random.below(3) < 3);
            assert!((-2..=2).contains(&random.between(-2..=2)));
            assert!((0.0..1.0).contains(&random.share()));
        }
        assert_eq!(random.below(0), 0);
    }
}
