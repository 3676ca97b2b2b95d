//! Connections that are lost: nobody knows what happened, and nothing is lost or done twice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dtm_store::{Error, Filter, Store as _, TransactionStore as _};
use dtm_store_sql::{SqlConfig, SqlStore};
use sqlx::Row as _;
use tokio::task::JoinSet;

use super::support::Database;
use crate::fixtures::{finish, gid, join, saga};
use crate::proxy::{Answers, Proxy};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_is_unknown_and_the_store_goes_on_with_a_new_connection() {
    // promise 1: a time-out is never a failure
    let Some(database) = Database::create().await else { return };
    let proxy = Proxy::start(&database.place()).await;
    let store = SqlStore::open(database.config_at(proxy.place())).await.unwrap();
    let tokens = join(&store, "a").await;
    let first = saga("first", &tokens, true);
    store.create(first.clone()).await.unwrap();

    let second = saga("second", &tokens, true);
    proxy.set(THE_END);
    assert_unknown(store.create(second.clone()).await);
    proxy.set(Answers::Pass);
    let stored = store.load(&gid("second")).await.unwrap().unwrap();
    assert_eq!(stored.transaction, second.transaction, "it did happen");
    let again = store.create(second).await;
    assert!(matches!(again, Err(Error::AlreadyExists(_))), "{again:?}");

    proxy.set(THE_END);
    assert_unknown(store.commit(finish(&first)).await);
    proxy.set(Answers::Pass);
    let stored = store.load(&gid("first")).await.unwrap().unwrap();
    assert_eq!(stored.due, None, "it did happen");
    let again = store.commit(finish(&first)).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
}

/// Everything before the end of a batch is answered.
const THE_END: Answers = Answers::LoseThatTo(b"COMMIT");

fn assert_unknown(result: Result<(), Error>) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_eq!((error.happened(), error.retry_helps()), (None, true), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_claim_took_whose_answer_was_lost_comes_with_the_next_claim() {
    // it is held by a node that lives, so nobody else would ever take it
    let Some(database) = Database::create().await else { return };
    let proxy = Proxy::start(&database.place()).await;
    let store = SqlStore::open(database.config_at(proxy.place())).await.unwrap();
    let tokens = join(&store, "a").await;
    store.create(saga("due", &tokens, false)).await.unwrap();
    let own = saga("own", &tokens, true);
    store.create(own.clone()).await.unwrap();

    proxy.set(THE_END);
    let error = store.claim_due(&tokens, 10).await.unwrap_err();
    assert_eq!(error.happened(), None, "{error}");
    proxy.set(Answers::Pass);
    let stored = store.load(&gid("due")).await.unwrap().unwrap();
    assert!(stored.owner.held, "the claim did happen");

    let claims = store.claim_due(&tokens, 10).await.unwrap();
    let [claimed] = claims.claimed.as_slice() else { panic!("that one and no other: {claims:?}") };
    assert_eq!(claimed.transaction.gid(), &gid("due"));
    assert_ne!(claimed.owner.token, stored.owner.token);
    assert_eq!(store.claim_due(&tokens, 10).await.unwrap().claimed, [], "once only");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_falls_silent_is_not_waited_for_for_ever() {
    let Some(database) = Database::create().await else { return };
    let proxy = Proxy::start(&database.place()).await;
    let config = SqlConfig { statement_timeout: Duration::from_secs(1), ..database.config_at(proxy.place()) };
    let store = SqlStore::open(config).await.unwrap();
    let tokens = join(&store, "a").await;
    store.create(saga("before", &tokens, true)).await.unwrap();
    proxy.set(Answers::Silence);
    let error = store.create(saga("silent", &tokens, true)).await.unwrap_err();
    assert_eq!(error.happened(), None, "{error}");
    assert!(error.to_string().contains("did not answer"), "{error}");
    proxy.set(Answers::Pass);
    store.create(saga("after", &tokens, true)).await.unwrap();
}

/// As when the database restarts under load: each caller that got an answer can rely on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_end_under_load_lose_and_double_nothing() {
    let Some(database) = Database::create().await else { return };
    let store = Arc::new(SqlStore::open(database.config()).await.unwrap());
    let tokens = Arc::new(join(&store, "a").await);
    let mut callers = JoinSet::new();
    for caller in 0..20 {
        let (store, tokens) = (Arc::clone(&store), Arc::clone(&tokens));
        callers.spawn(async move {
            let (mut acknowledged, mut unknown) = (Vec::new(), 0_usize);
            for index in 0..100 {
                let id = format!("{caller}-{index}");
                match store.create(saga(&id, &tokens, true)).await {
                    Ok(()) => acknowledged.push(id),
                    Err(error) => {
                        assert_eq!(error.happened(), None, "{error}");
                        unknown += 1;
                    }
                }
            }
            (acknowledged, unknown)
        });
    }
    let mut ended = 0;
    let mut results = Vec::new();
    while !callers.is_empty() {
        ended += end_connections(&database).await;
        while let Some(result) = callers.try_join_next() {
            results.push(result.unwrap());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(ended > 0, "the case needs connections that ended");
    let acknowledged: Vec<String> = results.iter().flat_map(|(ids, _)| ids.clone()).collect();
    let unknown: usize = results.iter().map(|(_, unknown)| unknown).sum();
    assert!(acknowledged.len() > 100, "{} acknowledged, {unknown} unknown", acknowledged.len());

    let page = store.scan(&Filter::default(), None, 10_000).await.unwrap();
    let stored: BTreeSet<String> =
        page.transactions.iter().map(|listed| listed.definition.gid.to_string()).collect();
    assert_eq!(stored.len(), page.transactions.len(), "each once");
    for id in &acknowledged {
        assert!(stored.contains(id), "{id} was acknowledged");
    }
    assert!(stored.len() <= acknowledged.len() + unknown);
    store.close().await.unwrap();
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
