//! When the client sends a request again on its own.

use std::time::Duration;

/// How often, and how soon, a request is sent again when no connection came about, a connection broke, or a
/// gateway answered 502, 503 or 504 (over gRPC: `UNAVAILABLE`). Every request carries its gid, and the server does not start the same
/// gid twice, so this is on by default. A time-out is *not* followed by another try: the caller has waited
/// long enough and decides. No attempt begins after the time-out of the request either.
///
/// With several addresses, one attempt is one at each of them: the other ones are asked first, each after a
/// tenth of the first pause.
///
/// ```
/// use std::time::Duration;
/// use dtm_client::{Client, Retry};
///
/// let patient = Retry::default().attempts(5).pause(Duration::from_millis(200), Duration::from_secs(3));
/// let client = Client::builder("http://localhost:36789/api/dtmsvr").retry(patient).build()?;
/// # let _ = client;
/// # Ok::<(), dtm_client::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    attempts: u32,
    first_pause: Duration,
    longest_pause: Duration,
}

impl Default for Retry {
    /// Three attempts; pauses of up to 100 ms, then up to 200 ms.
    fn default() -> Self {
        Self { attempts: 3, first_pause: Duration::from_millis(100), longest_pause: Duration::from_secs(2) }
    }
}

impl Retry {
    /// One attempt only.
    #[must_use]
    pub fn never() -> Self {
        Self::default().attempts(1)
    }

    /// At most this many attempts in all; 0 counts as 1.
    #[must_use]
    pub const fn attempts(self, attempts: u32) -> Self {
        Self { attempts: if attempts == 0 { 1 } else { attempts }, ..self }
    }

    /// The bound of the pause after the first attempt, which doubles up to `longest`. The pause itself is
    /// drawn at random below the bound, so that many clients do not come back in step.
    #[must_use]
    pub const fn pause(self, first: Duration, longest: Duration) -> Self {
        Self { first_pause: first, longest_pause: longest, ..self }
    }

    /// The pause after attempt `made` (1 is the first), or `None` when there is no further attempt.
    pub(crate) fn pause_after(&self, made: u32) -> Option<Duration> {
        (made < self.attempts).then(|| self.bound_after(made).mul_f64(rand::random::<f64>()))
    }

    /// The pause before another address is asked.
    pub(crate) fn pause_between_addresses(&self) -> Duration {
        (self.first_pause / 10).mul_f64(rand::random::<f64>())
    }

    fn bound_after(&self, made: u32) -> Duration {
        let doublings = made.saturating_sub(1).min(31);
        self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end_with_the_attempts() {
        let retry =
            Retry::default().attempts(4).pause(Duration::from_millis(100), Duration::from_millis(250));
        let bounds: Vec<u128> = (1..=3).map(|made| retry.bound_after(made).as_millis()).collect();
        assert_eq!(bounds, [100, 200, 250]);
        assert!((1..=3).all(|made| retry.pause_after(made).is_some()));
        assert_eq!(retry.pause_after(4), None);
        assert_eq!(Retry::never().pause_after(1), None);
        assert_eq!(Retry::default().attempts(0), Retry::never());
    }

    #[test]
    fn a_pause_is_drawn_below_its_bound() {
        let retry = Retry::default();
        let drawn: Vec<Duration> = (0..100).filter_map(|_| retry.pause_after(1)).collect();
        assert!(drawn.iter().all(|pause| *pause <= Duration::from_millis(100)));
        assert!(drawn.iter().any(|pause| *pause != drawn[0]), "always the same pause: no jitter");
    }

    #[test]
    fn a_very_late_attempt_does_not_overflow() {
        let retry = Retry::default().attempts(u32::MAX);
        assert_eq!(retry.bound_after(u32::MAX - 1), Duration::from_secs(2));
    }
}
