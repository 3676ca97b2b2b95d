//! A little randomness, so that what failed together does not come back together.

use std::time::Duration;

use rand::Rng;

/// `span` and up to `share` of it more.
pub(super) fn lengthened(span: Duration, share: f64) -> Duration {
    span + span.mul_f64(share * rand::rng().random::<f64>())
}
