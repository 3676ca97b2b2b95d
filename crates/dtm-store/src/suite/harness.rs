//! What the suite needs to know about a store.

use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::{Gid, Timestamp};

use crate::Store;

/// One store that is tested, and its surroundings.
#[async_trait::async_trait]
pub trait StoreUnderTest: Send + Sync {
    /// The store.
    fn store(&self) -> Arc<dyn Store>;

    /// The clock that the store compares due times and heartbeats with.
    fn now(&self) -> Timestamp;

    /// Moves that clock.
    async fn advance(&self, span: Duration);

    /// How long after its last heartbeat a node counts as alive.
    fn node_timeout(&self) -> Duration;

    /// The present content as a server sees it whose node time-out is another one; `None` when only one server can have it.
    async fn with_node_timeout(&self, node_timeout: Duration) -> Option<Arc<dyn Store>>;

    /// Opens the store again as after a crash: without closing it, and without anything that was in memory.
    async fn reopen(&mut self);

    /// Makes the record of one transaction unreadable, in place.
    async fn corrupt(&mut self, gid: &Gid);
}
