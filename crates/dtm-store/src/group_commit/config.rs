//! How large queue and batches may be.

use std::num::NonZeroUsize;

/// The bounds of a [`GroupCommit`](super::GroupCommit).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// How many committers write at the same time. More than two make batches small, and throughput falls.
    pub committers: NonZeroUsize,
    /// How many operations may wait for each committer; past it callers wait.
    pub queue_bound: NonZeroUsize,
    /// The largest batch.
    pub batch_max: NonZeroUsize,
}

impl Config {
    const fn at_least_one(number: usize) -> NonZeroUsize {
        match NonZeroUsize::new(number) {
            Some(number) => number,
            None => NonZeroUsize::MIN,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            committers: NonZeroUsize::MIN,
            queue_bound: Self::at_least_one(10_000),
            batch_max: Self::at_least_one(256),
        }
    }
}
