//! For how long this process has reached the Redis that keeps the heartbeats.
//!
//! After an outage of that Redis the heartbeats of all servers are old, also of those that live. Whoever asks first must
//! not take their work: an old heartbeat says something only if its server could have written a younger one.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// See the module.
#[derive(Debug)]
pub(crate) struct Reach {
    /// A longer silence than this may have been an outage.
    gap: Duration,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    since: Since,
    last: Instant,
}

#[derive(Debug, Clone, Copy)]
enum Since {
    Always,
    Then(Instant),
    NotNow,
}

impl Reach {
    /// Nothing is known of the time before this. Heartbeats come each third of the node time-out.
    pub(crate) fn starting(node_timeout: Duration) -> Self {
        let known = Known { since: Since::NotNow, last: Instant::now() };
        Self { gap: node_timeout / 2, known: Mutex::new(known) }
    }

    /// For a clock that a test turns: it jumps, and only what fails is an outage.
    pub(crate) fn given() -> Self {
        let known = Known { since: Since::Always, last: Instant::now() };
        Self { gap: Duration::MAX, known: Mutex::new(known) }
    }

    /// Whether a question was answered.
    pub(crate) fn note(&self, answered: bool) {
        let mut known = self.known.lock();
        let now = Instant::now();
        if !answered {
            known.since = Since::NotNow;
        } else if matches!(known.since, Since::NotNow) || now.duration_since(known.last) > self.gap {
            known.since = Since::Then(now);
        }
        if answered {
            known.last = now;
        }
    }

    /// Milliseconds; nothing when it is not known to have been otherwise.
    pub(crate) fn span(&self) -> Option<u64> {
        let known = self.known.lock();
        let span = match known.since {
            Since::Always => return None,
            Since::NotNow => Duration::ZERO,
            Since::Then(_) if known.last.elapsed() > self.gap => Duration::ZERO,
            Since::Then(since) => since.elapsed(),
        };
        Some(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failure_or_a_silence_begins_the_span_anew() {
        let reach = Reach::starting(Duration::from_millis(80));
        let note = |answered| reach.note(answered);
        assert_eq!(reach.span(), Some(0), "nothing is known at the start");
        for _ in 0..5 {
            note(true);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(reach.span().unwrap() >= 40);
        note(false);
        assert_eq!(reach.span(), Some(0));
        note(true);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(reach.span(), Some(0), "a silence");
        note(true);
        assert!(reach.span().unwrap() < 40);
        assert_eq!(Reach::given().span(), None);
    }
}
