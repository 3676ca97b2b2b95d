//! Chance, derived from the seed: one independent stream for each purpose, so that a change of one part leaves
//! the others as they were.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A stream of random choices.
#[derive(Debug, Clone)]
pub(crate) struct Chance(StdRng);

impl Chance {
    /// The stream of `purpose` in the run of `seed`.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        Self(StdRng::seed_from_u64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ purpose))
    }

    /// Whether something that happens in `percent` of all cases happens.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.0.random_range(0..100) < percent
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high)
    }

    /// As [`between`](Self::between), for sizes.
    pub(crate) fn size(&mut self, low: usize, high: usize) -> usize {
        self.0.random_range(low..=high)
    }

    /// A span of `low` to `high` milliseconds.
    pub(crate) fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }

    /// One of several.
    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.size(0, choices.len() - 1)]
    }

    /// A value in `percent` of all cases.
    pub(crate) fn maybe<T>(&mut self, percent: u32, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.percent(percent).then(|| value(self))
    }

    /// A stream for somebody else.
    pub(crate) fn fork(&mut self) -> Self {
        Self(StdRng::seed_from_u64(self.0.random()))
    }
}
