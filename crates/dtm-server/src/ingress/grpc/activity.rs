//! Whether a connection is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The calls of one connection. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Activity(Arc<Calls>);

#[derive(Debug, Default)]
struct Calls {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// One call; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Call(Activity);

impl Activity {
    pub(super) fn begin(&self) -> Call {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Call(self.clone())
    }

    /// Returns once there was no call for at least `limit`, and at most twice that.
    pub(super) async fn idle_for(&self, limit: Duration) {
        loop {
            let before = self.0.ended.load(Ordering::Relaxed);
            tokio::time::sleep(limit).await;
            if self.0.begun.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_only_when_no_call_is_open_or_was_lately() {
        let activity = Activity::default();
        let open = activity.begin();
        assert!(timeout(10 * LIMIT, activity.idle_for(LIMIT)).await.is_err());
        drop(open);
        let begun = Instant::now();
        activity.idle_for(LIMIT).await;
        assert!(begun.elapsed() >= LIMIT && begun.elapsed() <= 2 * LIMIT);
        let watching = activity.idle_for(LIMIT);
        let calling = async {
            for _ in 0..10 {
                tokio::time::sleep(LIMIT / 2).await;
                drop(activity.begin());
            }
        };
        let begun = Instant::now();
        tokio::join!(watching, calling);
        assert!(begun.elapsed() > 5 * LIMIT, "{:?}", begun.elapsed());
    }
}
