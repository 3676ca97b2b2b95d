//! The store that the simulation drives.

use std::sync::Arc;
use std::time::Duration;

use dtm_store::Clock;

use super::{FaultPlan, Faults};
use crate::memory::{MemoryStore, Tables};

/// A [`MemoryStore`] that fails as its [`FaultPlan`] says.
///
/// ```
/// # use std::{sync::Arc, time::Duration};
/// # use dtm_store::{Epoch, NodeName, NodeStore};
/// # use dtm_testkit::{CrashAt, FaultPlan, ManualClock, SimStore};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let crash = CrashAt { write: 2, loses_unacknowledged: true };
/// let plan = FaultPlan { seed: 7, crash: Some(crash), ..FaultPlan::default() };
/// let store = SimStore::with_plan(Arc::new(ManualClock::default()), Duration::from_secs(3), plan);
/// let node = NodeName::parse("a").unwrap();
/// assert_eq!(store.join(&node).await.unwrap(), Epoch(1));
/// store.join(&node).await.unwrap_err();
/// assert!(store.has_crashed());
/// let store = store.restart(FaultPlan::default());
/// assert_eq!(store.join(&node).await.unwrap(), Epoch(2), "the second one was lost");
/// # }
/// ```
pub type SimStore = MemoryStore<Faults>;

impl SimStore {
    /// An empty store that fails as `plan` says.
    #[must_use]
    pub fn with_plan(clock: Arc<dyn Clock>, node_timeout: Duration, plan: FaultPlan) -> Self {
        Self::with_content(clock, node_timeout, plan, Tables::default())
    }

    /// The store after a crash or a restart: with what is durable, under a new plan. The old one must not be
    /// used any more; it refuses everything from now on.
    #[must_use]
    pub fn restart(&self, plan: FaultPlan) -> Self {
        self.medium.crash(false);
        Self::with_content(Arc::clone(&self.clock), self.node_timeout, plan, self.medium.tables())
    }

    /// Changes the plan from the next call on, for example to end the faults. Writes go on counting.
    pub fn replace_plan(&self, plan: FaultPlan) {
        self.medium.replace_plan(plan);
    }

    /// Crashes now: everything is refused until the store is [`restart`](Self::restart)ed.
    pub fn crash(&self, loses_unacknowledged: bool) {
        self.medium.crash(loses_unacknowledged);
    }

    /// Whether the store has crashed.
    #[must_use]
    pub fn has_crashed(&self) -> bool {
        self.medium.has_crashed()
    }

    /// How many writes have happened since it was opened. A run without a crash says how many there are to
    /// crash at.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.medium.writes()
    }

    fn with_content(clock: Arc<dyn Clock>, node_timeout: Duration, plan: FaultPlan, content: Tables) -> Self {
        Self { clock, node_timeout, medium: Faults::new(plan, content) }
    }
}
