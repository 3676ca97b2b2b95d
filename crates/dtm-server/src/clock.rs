//! The time that all servers of one store agree on.
//!
//! Due times and time-outs that one server writes are compared by another one. So each goes by the clock of the store,
//! which it reads now and then; between two readings its own clock counts on.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use dtm_core::model::Timestamp;
use dtm_store::{Clock, Error, Store, SystemClock};
use tokio::task::AbortHandle;

/// The pause between two readings: for so long a step of this machine's own clock is noticed by nobody.
const INTERVAL: Duration = Duration::from_secs(2);
/// A difference that is worth a line in the log, in milliseconds.
const REMARKABLE: i64 = 1_000;

/// The clock of this machine, put right by the one of the store if the store has one.
#[derive(Debug, Default)]
pub struct StoreClock {
    /// How far the store's clock is ahead, in milliseconds.
    ahead: AtomicI64,
}

/// Reads the store's clock until it is dropped.
#[derive(Debug)]
pub struct Following(AbortHandle);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        let machine = SystemClock.now().as_millis();
        Timestamp::from_millis(machine.saturating_add_signed(self.ahead.load(Ordering::Relaxed)))
    }
}

impl StoreClock {
    /// Goes by the clock of `store` from now on.
    ///
    /// # Errors
    /// [`Error`] when the store does not tell the time.
    pub async fn of(store: &Arc<dyn Store>) -> Result<Arc<Self>, Error> {
        let clock = Self::default();
        clock.agree(store.as_ref()).await?;
        Ok(Arc::new(clock))
    }

    /// Keeps to the clock of `store`.
    #[must_use]
    pub fn follow(self: &Arc<Self>, store: &Arc<dyn Store>) -> Following {
        // Weak: reading the clock must not keep a closed store open.
        let (clock, store) = (Arc::clone(self), Arc::downgrade(store));
        let following = tokio::spawn(async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
                let Some(store) = store.upgrade() else { return };
                if let Err(error) = clock.agree(store.as_ref()).await {
                    tracing::debug!(%error, "the store does not tell the time; trying again");
                }
            }
        });
        Following(following.abort_handle())
    }

    async fn agree(&self, store: &dyn Store) -> Result<(), Error> {
        let asked = SystemClock.now();
        let Some(theirs) = store.now().await? else { return Ok(()) };
        self.adjust(asked, theirs, SystemClock.now());
        Ok(())
    }

    /// What was read lies between the question and the answer; a difference that this explains is none.
    fn adjust(&self, asked: Timestamp, theirs: Timestamp, answered: Timestamp) {
        let [asked, theirs, answered] = [asked, theirs, answered].map(signed);
        let known = self.ahead.load(Ordering::Relaxed);
        let (least, most) = (theirs - answered, theirs - asked);
        if (least..=most).contains(&known) || answered < asked {
            return;
        }
        let ahead = if known < least { least } else { most };
        self.ahead.store(ahead, Ordering::Relaxed);
        if (ahead - known).abs() >= REMARKABLE {
            tracing::warn!(
                milliseconds = ahead,
                "the clock of the store is ahead of this machine's by so much (behind, if negative); servers go by the \
                 store's: let both be set by NTP"
            );
        }
    }
}

fn signed(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(readings: &[(u64, u64, u64)]) -> i64 {
        let clock = StoreClock::default();
        for (asked, theirs, answered) in readings {
            let at = Timestamp::from_millis;
            clock.adjust(at(*asked), at(*theirs), at(*answered));
        }
        clock.ahead.load(Ordering::Relaxed)
    }

    #[test]
    fn a_difference_is_taken_over_as_far_as_it_is_certain() {
        assert_eq!(after(&[(100_000, 160_000, 100_010)]), 59_990);
        assert_eq!(after(&[(100_000, 40_000, 100_010)]), -60_000);
        assert_eq!(after(&[(100_000, 100_005, 100_010)]), 0, "the way there and back explains it");
        assert_eq!(after(&[(100_000, 160_000, 100_010), (101_000, 101_005, 101_010)]), 5);
    }

    #[test]
    fn an_answer_that_took_long_or_a_clock_that_was_set_meanwhile_changes_nothing_that_may_be_right() {
        assert_eq!(after(&[(100_000, 160_000, 100_010), (200_000, 261_000, 230_000)]), 59_990);
        assert_eq!(after(&[(100_000, 100_000, 40_000)]), 0);
    }
}
