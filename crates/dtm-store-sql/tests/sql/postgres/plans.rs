//! No statement of the usual course reads a whole table, however it looked when the plan was made.

use std::sync::Arc;

use dtm_store::{Store as _, TransactionStore as _};
use dtm_store_sql::SqlStore;
use sqlx::Row as _;
use tokio::task::JoinSet;

use super::support::Schema;
use crate::fixtures::{finish, gid, join, saga};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_grows_under_plans_from_when_it_was_empty_is_never_read_as_a_whole() {
    let Some(schema) = Schema::create().await else { return };
    let store = Arc::new(SqlStore::open(schema.config()).await.unwrap());
    let tokens = Arc::new(join(&store, "a").await);
    let mut callers = JoinSet::new();
    for caller in 0..20 {
        let (store, tokens) = (Arc::clone(&store), Arc::clone(&tokens));
        callers.spawn(async move {
            for index in 0..50 {
                let new = saga(&format!("{caller}-{index}"), &tokens, index % 3 == 0);
                store.create(new.clone()).await.unwrap();
                store.load(new.transaction.gid()).await.unwrap();
                if index % 3 == 0 {
                    store.commit(finish(&new)).await.unwrap();
                }
                store.claim_due(&tokens, 3).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    assert!(store.load(&gid("0-0")).await.unwrap().is_some());
    store.close().await.unwrap();
    // connections report what they have read when they end, and the server may take a moment for that
    let mut connection = schema.connect().await;
    let statement = "SELECT seq_scan, idx_scan FROM pg_stat_user_tables \
        WHERE schemaname = current_schema() AND relname = 'dtm_transaction'";
    loop {
        let row = sqlx::query(statement).fetch_one(&mut connection).await.unwrap();
        let (whole, by_index): (i64, i64) = (row.get(0), row.get(1));
        // each of its three indexes was made by reading the empty table
        assert!(whole <= 3, "{whole} times");
        if by_index > 2_000 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
