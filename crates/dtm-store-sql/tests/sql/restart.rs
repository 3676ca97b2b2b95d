//! The database dies under load and comes back: what was acknowledged is there, once.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use dtm_store::{Filter, Store as _, TransactionStore as _};
use dtm_store_sql::{SqlConfig, SqlStore};
use dtm_testkit::outside::{Private, Service};
use tokio::task::JoinSet;

use crate::fixtures::{finish, join, saga};
use crate::services;

fn private(name: &'static str) -> Private {
    Private::new(name, Path::new(env!("CARGO_TARGET_TMPDIR")))
}

/// Runs callers that create and end transactions, kills the server, starts it again, and counts.
async fn survives_a_kill(server: Private, config: impl Fn(&Service) -> SqlConfig) {
    let service = server.start().await;
    let store = Arc::new(SqlStore::open(config(&service)).await.unwrap());
    let tokens = Arc::new(join(&store, "a").await);
    let (done, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut callers = JoinSet::new();
    for caller in 0..20 {
        let (store, tokens) = (Arc::clone(&store), Arc::clone(&tokens));
        let (done, stop) = (Arc::clone(&done), Arc::clone(&stop));
        callers.spawn(async move {
            let (mut created, mut finished) = (Vec::new(), Vec::new());
            for index in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let new = saga(&format!("{caller}-{index}"), &tokens, true);
                let result = store.create(new.clone()).await;
                if let Err(error) = result {
                    assert_eq!(error.happened(), None, "{error}");
                    continue;
                }
                created.push(new.transaction.gid().to_string());
                match store.commit(finish(&new)).await {
                    Ok(()) => finished.push(new.transaction.gid().to_string()),
                    Err(error) => assert_eq!(error.happened(), None, "{error}"),
                }
                done.fetch_add(1, Ordering::Relaxed);
            }
            (created, finished)
        });
    }
    reach(&done, 300).await;
    server.kill();
    let again = server.start().await;
    assert_eq!(again, service);
    let before = done.load(Ordering::Relaxed);
    reach(&done, before + 300).await;
    stop.store(true, Ordering::Relaxed);
    let (created, finished): (Vec<_>, Vec<_>) = callers.join_all().await.into_iter().unzip();
    store.close().await.unwrap();

    let store = SqlStore::open(config(&service)).await.unwrap();
    let page = store.scan(&Filter::default(), None, 1_000_000).await.unwrap();
    let stored: BTreeSet<String> =
        page.transactions.iter().map(|listed| listed.definition.gid.to_string()).collect();
    assert_eq!(stored.len(), page.transactions.len(), "each once");
    let ended: BTreeSet<String> = page
        .transactions
        .iter()
        .filter(|listed| listed.due.is_none())
        .map(|listed| listed.definition.gid.to_string())
        .collect();
    for gid in created.iter().flatten() {
        assert!(stored.contains(gid), "the creation of {gid} was acknowledged");
    }
    for gid in finished.iter().flatten() {
        assert!(ended.contains(gid), "the end of {gid} was acknowledged");
    }
    store.close().await.unwrap();
}

async fn reach(done: &AtomicUsize, count: usize) {
    let reached = async {
        while done.load(Ordering::Relaxed) < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reached).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_postgres_acknowledged_before_it_was_killed_is_there_and_the_store_goes_on() {
    // promise 1
    if services::postgres().is_none() {
        return;
    }
    survives_a_kill(private("postgres"), |service| {
        let value = |name: &str| service[name].clone();
        SqlConfig::new(format!(
            "postgres://{}:{}@{}:{}/{}",
            value("POSTGRES_USER"),
            value("POSTGRES_PASSWORD"),
            value("POSTGRES_HOST"),
            value("POSTGRES_PORT"),
            value("POSTGRES_DATABASE"),
        ))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_mariadb_acknowledged_before_it_was_killed_is_there_and_the_store_goes_on() {
    // promise 1
    if services::mariadb().is_none() {
        return;
    }
    survives_a_kill(private("mariadb"), |service| {
        let value = |name: &str| service[name].clone();
        SqlConfig::new(format!(
            "mysql://{}:{}@{}:{}/{}",
            value("MARIADB_USER"),
            value("MARIADB_PASSWORD"),
            value("MARIADB_HOST"),
            value("MARIADB_PORT"),
            value("MARIADB_DATABASE"),
        ))
    })
    .await;
}
