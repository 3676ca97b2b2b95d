//! The suite. A restart opens the same tables again, without closing the store, as another process would.

use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::{Gid, Timestamp};
use dtm_store::suite::StoreUnderTest;
use dtm_store::{Clock as _, Store};
use dtm_store_sql::{SqlConfig, SqlStore};
use dtm_testkit::ManualClock;

use super::support::Schema;

struct InPostgres {
    clock: ManualClock,
    store: Arc<SqlStore>,
    schema: Schema,
}

impl InPostgres {
    async fn open() -> Option<Self> {
        let schema = Schema::create().await?;
        let clock = ManualClock::default();
        let store = open(&schema, &clock).await;
        Some(Self { clock, store, schema })
    }
}

async fn open(schema: &Schema, clock: &ManualClock) -> Arc<SqlStore> {
    let config = SqlConfig { clock: Some(Arc::new(clock.clone())), ..schema.config() };
    Arc::new(SqlStore::open(config).await.unwrap())
}

#[async_trait::async_trait]
impl StoreUnderTest for InPostgres {
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
        let config = SqlConfig { clock, node_timeout, ..self.schema.config() };
        Some(Arc::new(SqlStore::open(config).await.unwrap()))
    }

    async fn reopen(&mut self) {
        self.store = open(&self.schema, &self.clock).await;
    }

    /// Cuts off the end of the state.
    async fn corrupt(&mut self, gid: &Gid) {
        let statement = "UPDATE dtm_transaction SET state = left(state, -1) WHERE gid = $1";
        let mut connection = self.schema.connect().await;
        let done = sqlx::query(statement).bind(gid.as_str()).execute(&mut connection).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
    }
}

dtm_store::store_suite!(match InPostgres::open().await {
    Some(under_test) => under_test,
    None => return,
});
