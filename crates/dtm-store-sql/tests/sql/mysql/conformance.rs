//! The suite. A restart opens the same tables again, without closing the store, as another process would.

use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::{Gid, Timestamp};
use dtm_store::suite::StoreUnderTest;
use dtm_store::{Clock as _, Store};
use dtm_store_sql::{SqlConfig, SqlStore};
use dtm_testkit::ManualClock;

use super::support::Database;

struct InMariaDb {
    clock: ManualClock,
    store: Arc<SqlStore>,
    database: Database,
}

impl InMariaDb {
    async fn open() -> Option<Self> {
        let database = Database::create().await?;
        let clock = ManualClock::default();
        let store = open(&database, &clock).await;
        Some(Self { clock, store, database })
    }
}

async fn open(database: &Database, clock: &ManualClock) -> Arc<SqlStore> {
    let config = SqlConfig { clock: Some(Arc::new(clock.clone())), ..database.config() };
    Arc::new(SqlStore::open(config).await.unwrap())
}

#[async_trait::async_trait]
impl StoreUnderTest for InMariaDb {
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
        let config = SqlConfig { clock, node_timeout, ..self.database.config() };
        Some(Arc::new(SqlStore::open(config).await.unwrap()))
    }

    async fn reopen(&mut self) {
        self.store = open(&self.database, &self.clock).await;
    }

    /// Cuts off the end of the state.
    async fn corrupt(&mut self, gid: &Gid) {
        let statement =
            "UPDATE dtm_transaction SET state = LEFT(state, CHAR_LENGTH(state) - 1) WHERE gid = ?";
        let mut connection = self.database.connect().await;
        let done =
            sqlx::query(statement).bind(gid.as_str().as_bytes()).execute(&mut connection).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
    }
}

dtm_store::store_suite!(match InMariaDb::open().await {
    Some(under_test) => under_test,
    None => return,
});

/// MySQL before 8.0, MariaDB before 10.6 and TiDB cannot step over rows that others have locked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_skip_locked_two_claimers_never_get_the_same_transaction_either() {
    // behaviour 103
    let Some(mut under_test) = InMariaDb::open().await else { return };
    let clock = Some(Arc::new(under_test.clock.clone()) as _);
    let config = SqlConfig { clock, skip_locked: Some(false), ..under_test.database.config() };
    under_test.store = Arc::new(SqlStore::open(config).await.unwrap());
    dtm_store::suite::claims::eight_claimers_at_once_never_get_the_same_transaction(&mut under_test).await;
}
