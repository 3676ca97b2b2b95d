//! Whose turn it is to change a topic.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

/// Topics that can be changed at the same moment.
const PLACES: usize = 64;
/// How long a change waits for its turn.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Lets the changes of one topic within this process happen one after the other, in the order of arrival.
///
/// The versions of a topic are a chain, so of several changes at once only one can win, and all others would
/// have been written in vain. It spares that work; that nothing is lost is for the versions to see to, which
/// other servers respect as well. Nobody waits for a turn but who changes a topic.
#[derive(Debug)]
pub struct TopicTurns([Semaphore; PLACES]);

impl TopicTurns {
    /// Nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self(std::array::from_fn(|_| Semaphore::new(1)))
    }

    /// Waits for the turn of `topic`; `None` when it does not come.
    pub(super) async fn of(&self, topic: &str) -> Option<SemaphorePermit<'_>> {
        let mut hasher = DefaultHasher::new();
        topic.hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % PLACES as u64).ok()?;
        tokio::time::timeout(WAIT_MAX, self.0.get(place)?.acquire()).await.ok()?.ok()
    }
}

impl Default for TopicTurns {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_does_not_come_is_given_up() {
        let turns = TopicTurns::new();
        let mine = turns.of("t").await;
        assert!(mine.is_some());
        assert!(turns.of("t").await.is_none(), "after ten seconds");
        drop(mine);
        assert!(turns.of("t").await.is_some());
    }
}
