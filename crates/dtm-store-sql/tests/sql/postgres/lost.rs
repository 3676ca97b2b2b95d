//! Connections that are lost, as PostgreSQL shows it: see `lost.rs` one folder up.

use std::time::Duration;

use dtm_store_sql::SqlConfig;
use dtm_testkit::outside::{Answers, Proxy};

use super::support::Schema;
use crate::lost;

/// The tag at the end of the answer of a batch in which one operation took effect.
const ONE_TOOK_EFFECT: Answers = Answers::LoseThat(b"SELECT 1\0");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_is_unknown_and_the_store_goes_on_with_a_new_connection() {
    // promise 1: a time-out is never a failure
    let Some(schema) = Schema::create().await else { return };
    let proxy = Proxy::start(&schema.place()).await;
    lost::a_write(&proxy, schema.config_at(proxy.place()), ONE_TOOK_EFFECT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_claim_took_whose_answer_was_lost_comes_with_the_next_claim() {
    let Some(schema) = Schema::create().await else { return };
    let proxy = Proxy::start(&schema.place()).await;
    lost::a_claim(&proxy, schema.config_at(proxy.place()), Answers::LoseThat(b"COMMIT\0")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_falls_silent_is_not_waited_for_for_ever() {
    let Some(schema) = Schema::create().await else { return };
    let proxy = Proxy::start(&schema.place()).await;
    let config =
        SqlConfig { statement_timeout: Duration::from_millis(200), ..schema.config_at(proxy.place()) };
    lost::silence(&proxy, config).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_end_under_load_lose_and_double_nothing() {
    let Some(schema) = Schema::create().await else { return };
    lost::under_load(schema.config(), async || end_connections(&schema).await).await;
}

/// Ends the server's side of every connection of this schema, busy or not; how many that were.
async fn end_connections(schema: &Schema) -> u64 {
    let statement = "SELECT pg_terminate_backend(l.pid) FROM pg_locks l \
        WHERE l.relation = (current_schema() || '.dtm_transaction')::regclass AND l.pid <> pg_backend_pid()";
    let mut connection = schema.connect().await;
    sqlx::query(statement).execute(&mut connection).await.unwrap().rows_affected()
}
