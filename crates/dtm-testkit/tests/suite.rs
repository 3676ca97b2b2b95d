//! The reference implementation passes the suite, also while every call is late.
#![expect(clippy::expect_used, reason = "a harness of tests has nobody to report an error to")]

use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::{Gid, Timestamp};
use dtm_store::suite::StoreUnderTest;
use dtm_store::{Clock as _, Store};
use dtm_testkit::{FaultPlan, ManualClock, MemoryStore, SimStore};

const NODE_TIMEOUT: Duration = Duration::from_secs(3);

struct Memory {
    clock: ManualClock,
    store: Arc<MemoryStore>,
}

impl Memory {
    fn open() -> Self {
        let clock = ManualClock::default();
        let store = Arc::new(MemoryStore::new(Arc::new(clock.clone()), NODE_TIMEOUT));
        Self { clock, store }
    }
}

#[async_trait::async_trait]
impl StoreUnderTest for Memory {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as _
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    fn node_timeout(&self) -> Duration {
        NODE_TIMEOUT
    }

    async fn with_node_timeout(&self, node_timeout: Duration) -> Option<Arc<dyn Store>> {
        Some(Arc::new(self.store.with_node_timeout(node_timeout)))
    }

    async fn reopen(&mut self) {
        self.store = Arc::new(self.store.reopen());
    }

    async fn corrupt(&mut self, gid: &Gid) {
        self.store.corrupt(gid).await.expect("the record is there");
    }
}

/// The simulated store without faults other than delays, restarted by a crash that loses what it may lose.
struct Sim {
    clock: ManualClock,
    store: Arc<SimStore>,
}

fn late() -> FaultPlan {
    FaultPlan { seed: 1, delay_max: Duration::from_micros(50), ..FaultPlan::default() }
}

impl Sim {
    fn open() -> Self {
        let clock = ManualClock::default();
        let store = Arc::new(SimStore::with_plan(Arc::new(clock.clone()), NODE_TIMEOUT, late()));
        Self { clock, store }
    }
}

#[async_trait::async_trait]
impl StoreUnderTest for Sim {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as _
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    fn node_timeout(&self) -> Duration {
        NODE_TIMEOUT
    }

    async fn with_node_timeout(&self, _: Duration) -> Option<Arc<dyn Store>> {
        None // as in memory
    }

    async fn reopen(&mut self) {
        self.store.crash(true);
        self.store = Arc::new(self.store.restart(late()));
    }

    async fn corrupt(&mut self, gid: &Gid) {
        self.store.corrupt(gid).await.expect("the record is there");
    }
}

mod memory {
    use super::*;
    dtm_store::store_suite!(Memory::open());
}

mod sim {
    use super::*;
    dtm_store::store_suite!(Sim::open());
}
