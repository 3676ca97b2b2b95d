//! The tables: made once, upgraded by newer servers, refused by older ones. Times are the database's.

use std::sync::Arc;

use dtm_store::{Error, NodeStore as _, Store as _, TopicStore as _, TransactionStore as _};
use dtm_store_sql::SqlStore;
use sqlx::Row as _;
use tokio::task::JoinSet;

use super::support::Schema;
use crate::fixtures::{gid, join, saga};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_servers_that_start_at_once_on_an_empty_database_one_makes_the_tables() {
    let Some(schema) = Schema::create().await else { return };
    let mut starts = JoinSet::new();
    for _ in 0..8 {
        let config = schema.config();
        starts.spawn(async move { SqlStore::open(config).await });
    }
    for store in starts.join_all().await {
        store.unwrap().close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_a_newer_server_are_refused_and_left_alone() {
    let Some(schema) = Schema::create().await else { return };
    let store = SqlStore::open(schema.config()).await.unwrap();
    let tokens = join(&store, "a").await;
    store.create(saga("g", &tokens, true)).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(schema.execute("UPDATE dtm_kv SET version = version + 1 WHERE category = 'schema'").await, 1);
    match SqlStore::open(schema.config()).await {
        Err(Error::Fatal(message)) => {
            assert!(message.contains("version 3") && message.contains("as new as"), "{message}")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(schema.execute("UPDATE dtm_kv SET version = version - 1 WHERE category = 'schema'").await, 1);
    let store = SqlStore::open(schema.config()).await.unwrap();
    assert!(store.load(&gid("g")).await.unwrap().is_some());
    assert_eq!(store.scan_topics(None, 10).await.unwrap().0, [], "the version is no topic");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_an_earlier_server_are_upgraded_while_it_goes_on() {
    let Some(schema) = Schema::create().await else { return };
    let earlier = SqlStore::open(schema.config()).await.unwrap();
    let old = join(&earlier, "old").await;
    earlier.create(saga("g", &old, true)).await.unwrap();
    // as version 1 had them
    schema.execute("ALTER TABLE dtm_node DROP COLUMN alive_for, DROP COLUMN left_at; UPDATE dtm_kv SET version = 1 WHERE category = 'schema'").await;
    let store = SqlStore::open(schema.config()).await.unwrap();
    let new = join(&store, "new").await;
    assert_eq!(store.claim_due(&new, 10).await.unwrap().claimed, [], "it has just given a sign of life");
    earlier.heartbeat(old.node(), old.epoch()).await.unwrap();
    schema.execute("UPDATE dtm_node SET heartbeat = heartbeat - 60000 WHERE name = 'old'").await;
    assert_eq!(store.claim_due(&new, 10).await.unwrap().claimed.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_clock_of_a_test_the_clock_of_the_database_counts() {
    // a server whose own clock is off does no harm
    let Some(schema) = Schema::create().await else { return };
    let store = Arc::new(SqlStore::open(schema.config()).await.unwrap());
    let tokens = join(&store, "a").await;
    store.create(saga("due", &tokens, false)).await.unwrap();
    store.save_topic("orders", &[], None).await.unwrap();
    let claims = store.claim_due(&tokens, 10).await.unwrap();
    assert_eq!(claims.claimed.len(), 1, "it has been due for long");
    let mut connection = schema.connect().await;
    let statement = "SELECT bool_and(abs(extract(epoch FROM now()) * 1000 - time) < 60000) AS close, count(*) AS count \
        FROM (SELECT recorded AS time FROM dtm_transaction UNION ALL SELECT updated FROM dtm_transaction \
        UNION ALL SELECT heartbeat FROM dtm_node \
        UNION ALL SELECT (value::json ->> 'created_at')::bigint FROM dtm_kv WHERE category = 'topics') times";
    let row = sqlx::query(statement).fetch_one(&mut connection).await.unwrap();
    assert_eq!((row.get::<bool, _>("close"), row.get::<i64, _>("count")), (true, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_are_long_dead_are_forgotten_unless_they_hold_something() {
    let Some(schema) = Schema::create().await else { return };
    crate::nodes::the_long_dead_are_forgotten_unless_they_hold_something(schema.config()).await;
}
