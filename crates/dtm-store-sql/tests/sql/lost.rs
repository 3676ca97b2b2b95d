//! Connections that are lost: nobody knows what happened, and nothing is lost or done twice. The cases, whatever the
//! database; `postgres/lost.rs` and `mysql/lost.rs` say what an answer looks like there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dtm_store::{Error, Filter, Store as _, TransactionStore as _};
use dtm_store_sql::{SqlConfig, SqlStore};
use dtm_testkit::outside::{Answers, Proxy};
use tokio::task::JoinSet;

use crate::fixtures::{finish, gid, join, saga};

/// A write whose answer is lost is unknown. `end` loses the end of a batch in which one operation took effect.
pub(crate) async fn a_write(proxy: &Proxy, config: SqlConfig, end: Answers) {
    let store = SqlStore::open(config).await.unwrap();
    let tokens = join(&store, "a").await;
    let first = saga("first", &tokens, true);
    store.create(first.clone()).await.unwrap();

    let second = saga("second", &tokens, true);
    proxy.set(end);
    assert_unknown(store.create(second.clone()).await);
    proxy.set(Answers::Pass);
    let stored = store.load(&gid("second")).await.unwrap().unwrap();
    assert_eq!(stored.transaction, second.transaction, "it did happen");
    let again = store.create(second).await;
    assert!(matches!(again, Err(Error::AlreadyExists(_))), "{again:?}");

    proxy.set(end);
    assert_unknown(store.commit(finish(&first)).await);
    proxy.set(Answers::Pass);
    let stored = store.load(&gid("first")).await.unwrap().unwrap();
    assert_eq!(stored.due, None, "it did happen");
    let again = store.commit(finish(&first)).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
}

fn assert_unknown(result: Result<(), Error>) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_eq!((error.happened(), error.retry_helps()), (None, true), "{error}");
}

/// What a claim took whose answer was lost comes with the next claim. `end` loses the end of a claim.
pub(crate) async fn a_claim(proxy: &Proxy, config: SqlConfig, end: Answers) {
    // it is held by a node that lives, so nobody else would ever take it
    let store = SqlStore::open(config).await.unwrap();
    let tokens = join(&store, "a").await;
    store.create(saga("due", &tokens, false)).await.unwrap();
    let own = saga("own", &tokens, true);
    store.create(own.clone()).await.unwrap();

    proxy.set(end);
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

/// A database that falls silent is not waited for for ever.
pub(crate) async fn silence(proxy: &Proxy, config: SqlConfig) {
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

/// As when the database restarts under load: each caller that got an answer can rely on it. `end_connections` ends
/// those of this store and says how many they were.
pub(crate) async fn under_load(config: SqlConfig, end_connections: impl AsyncFn() -> u64) {
    let store = Arc::new(SqlStore::open(config).await.unwrap());
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
        ended += end_connections().await;
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
