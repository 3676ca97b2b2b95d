//! The suite, on one server and on a cluster. A restart opens the same keys again, without closing the store, as another
//! process would.

use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::{Gid, Timestamp};
use dtm_store::suite::StoreUnderTest;
use dtm_store::{Clock as _, Store};
use dtm_store_redis::{RedisConfig, RedisStore};
use dtm_testkit::ManualClock;

use crate::support::Space;

struct InRedis {
    clock: ManualClock,
    store: Arc<RedisStore>,
    space: Space,
}

impl InRedis {
    async fn open(space: Option<Space>) -> Option<Self> {
        let (space, clock) = (space?, ManualClock::default());
        let store = open(&space, &clock).await;
        Some(Self { clock, store, space })
    }
}

async fn open(space: &Space, clock: &ManualClock) -> Arc<RedisStore> {
    let config = RedisConfig { clock: Some(Arc::new(clock.clone())), ..space.config() };
    Arc::new(RedisStore::open(config).await.unwrap())
}

#[async_trait::async_trait]
impl StoreUnderTest for InRedis {
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
        Duration::from_secs(3)
    }

    async fn with_node_timeout(&self, node_timeout: Duration) -> Option<Arc<dyn Store>> {
        let clock = Some(Arc::new(self.clock.clone()) as _);
        let config = RedisConfig { clock, node_timeout, ..self.space.config() };
        Some(Arc::new(RedisStore::open(config).await.unwrap()))
    }

    async fn reopen(&mut self) {
        self.store = open(&self.space, &self.clock).await;
    }

    /// Cuts off the end of the state.
    async fn corrupt(&mut self, gid: &Gid) {
        let (mut connection, key) = self.space.record(gid.as_str()).await;
        let get = redis::cmd("HGET").arg(&key).arg("state").to_owned();
        let state: String = get.query_async(&mut connection).await.unwrap();
        let mut set = redis::cmd("HSET");
        set.arg(&key).arg("state").arg(&state[..state.len() - 1]);
        set.exec_async(&mut connection).await.unwrap();
    }
}

mod single {
    use super::*;

    dtm_store::store_suite!(match InRedis::open(Space::single()).await {
        Some(under_test) => under_test,
        None => return,
    });
}

mod cluster {
    use super::*;

    dtm_store::store_suite!(match InRedis::open(Space::cluster()).await {
        Some(under_test) => under_test,
        None => return,
    });
}
