//! A little randomness, so that what failed together does not come back together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::Rng;

/// Where the randomness of pauses comes from. It decides nothing but how long a pause is.
#[derive(Debug)]
pub struct Jitter(AtomicU64);

impl Jitter {
    /// Another one in each process.
    #[must_use]
    pub fn random() -> Self {
        Self::seeded(rand::rng().random())
    }

    /// The same one each time, for a run that has to be repeatable.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// `span` and up to `share` of it more.
    pub(super) fn lengthened(&self, span: Duration, share: f64) -> Duration {
        span + span.mul_f64(share * self.fraction())
    }

    /// From 0 to below 1: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    fn fraction(&self) -> f64 {
        const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut mixed = self.0.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let [a, b, c, d, ..] = (mixed ^ (mixed >> 31)).to_be_bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_lengthened_by_no_more_than_its_share_and_not_always_by_the_same() {
        let (jitter, span) = (Jitter::seeded(7), Duration::from_secs(10));
        let spans: Vec<Duration> = (0..100).map(|_| jitter.lengthened(span, 0.5)).collect();
        assert!(spans.iter().all(|long| (span..span.mul_f64(1.5)).contains(long)), "{spans:?}");
        assert!(spans.iter().any(|long| *long < span.mul_f64(1.1)));
        assert!(spans.iter().any(|long| *long > span.mul_f64(1.4)));
    }

    #[test]
    fn the_same_seed_gives_the_same_pauses() {
        let pauses = |seed| {
            let jitter = Jitter::seeded(seed);
            (0..10).map(|_| jitter.lengthened(Duration::from_secs(1), 1.0)).collect::<Vec<_>>()
        };
        assert_eq!(pauses(1), pauses(1));
        assert_ne!(pauses(1), pauses(2));
    }
}
