//! Connections that are lost, as MariaDB shows it: see `lost.rs` one folder up.

use std::time::Duration;

use dtm_store_sql::SqlConfig;
use dtm_testkit::outside::{Answers, Proxy};
use sqlx::Row as _;

use super::support::Database;
use crate::lost;

/// A write of one transaction is one statement; its parameters name the owner.
const A_WRITE: Answers = Answers::LoseThatTo(b"a:1");

/// Everything before the end of a claim is answered.
const THE_END: Answers = Answers::LoseThatTo(b"COMMIT");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_is_unknown_and_the_store_goes_on_with_a_new_connection() {
    // promise 1: a time-out is never a failure
    let Some(database) = Database::create().await else { return };
    let proxy = Proxy::start(&database.place()).await;
    lost::a_write(&proxy, database.config_at(proxy.place()), A_WRITE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_claim_took_whose_answer_was_lost_comes_with_the_next_claim() {
    let Some(database) = Database::create().await else { return };
    let proxy = Proxy::start(&database.place()).await;
    lost::a_claim(&proxy, database.config_at(proxy.place()), THE_END).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_falls_silent_is_not_waited_for_for_ever() {
    let Some(database) = Database::create().await else { return };
    let proxy = Proxy::start(&database.place()).await;
    let config = SqlConfig { statement_timeout: Duration::from_secs(1), ..database.config_at(proxy.place()) };
    lost::silence(&proxy, config).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_end_under_load_lose_and_double_nothing() {
    let Some(database) = Database::create().await else { return };
    lost::under_load(database.config(), async || end_connections(&database).await).await;
}

/// Ends the server's side of every connection of this database, busy or not; how many that were.
async fn end_connections(database: &Database) -> u64 {
    let mut connection = database.connect().await;
    let statement =
        "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()";
    let rows = sqlx::query(statement).fetch_all(&mut connection).await.unwrap();
    let mut ended = 0;
    for row in rows {
        let id: u64 = row.try_get_unchecked(0).unwrap();
        // it may have ended by itself meanwhile
        ended += u64::from(sqlx::query("KILL CONNECTION ?").bind(id).execute(&mut connection).await.is_ok());
    }
    ended
}
