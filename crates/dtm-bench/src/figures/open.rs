//! Transactions that are open on a server until it is killed, and who calls their branches afterwards.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::load::{Branches, Held, Ledger};
use crate::server::ServerProcess;

/// How long all of them may take to be driven again.
const PATIENCE: Duration = Duration::from_secs(120);

/// The group of branches that hang.
const GROUP: usize = 0;

/// Open transactions.
pub(super) struct Open {
    held: Held,
    ledger: Arc<Ledger>,
}

impl Open {
    /// Opens `count`; the branch of each hangs when this returns.
    pub(super) async fn on(server: &ServerProcess, branches: &Branches, count: u32) -> crate::Result<Self> {
        let held = Held { name: "held", group: GROUP, count, timeout: 3_600, at: branches.addresses.slow };
        held.open(server.http, branches).await?;
        Ok(Self { held, ledger: Arc::new(Ledger::new("held", count, 1, 1)) })
    }

    /// Once their server is dead: from now on branches answer, and who is called is written down.
    pub(super) async fn answer(&self, branches: &Branches) -> crate::Result {
        branches.until_none_hangs(GROUP).await?;
        branches.record_held(&self.ledger);
        self.held.close(branches).await
    }

    /// Waits until the branch of each was called again.
    pub(super) async fn until_called(&self) -> crate::Result {
        let deadline = Instant::now() + PATIENCE;
        while self.ledger.tally().missing > 0 {
            if Instant::now() > deadline {
                let missing = self.ledger.tally().missing;
                return Err(format!(
                    "{missing} of {} were not driven again within {PATIENCE:?}",
                    self.held.count
                )
                .into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// When they were called, after this moment, sorted.
    pub(super) fn called_after(&self, moment: Instant) -> Vec<Duration> {
        let mut times: Vec<Duration> =
            self.ledger.call_times().map(|time| time.saturating_duration_since(moment)).collect();
        times.sort_unstable();
        times
    }
}

/// The time within which `percent` of all were called.
pub(super) fn within(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_hundredth_is_left_out_of_99_percent() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(within(&times, 99), Duration::from_millis(198));
        assert_eq!(within(&times, 100), Duration::from_millis(200));
        assert_eq!(within(&[], 99), Duration::ZERO);
    }
}
