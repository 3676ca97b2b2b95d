//! Redis dies under load and comes back: what was acknowledged is there, once.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use dtm_store::{Filter, Store as _, TransactionStore as _};
use dtm_store_redis::{RedisConfig, RedisStore};
use dtm_testkit::outside::{Private, running};
use tokio::task::JoinSet;

use crate::fixtures::{finish, join, saga};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_redis_acknowledged_before_it_was_killed_is_there_and_the_store_goes_on() {
    // promise 1
    if running("redis", "REDIS_HOST").is_none() {
        return;
    }
    let server = Private::new("redis", Path::new(env!("CARGO_TARGET_TMPDIR")));
    let service = server.start().await;
    let config = || RedisConfig {
        password: Some(service["REDIS_PASSWORD"].clone()),
        ..RedisConfig::new([format!("{}:{}", service["REDIS_HOST"], service["REDIS_PORT"])])
    };
    let store = Arc::new(RedisStore::open(config()).await.unwrap());
    let (done, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let callers = load(&store, &done, &stop).await;
    for _ in 0..2 {
        reach(&done, done.load(Ordering::Relaxed) + 300).await;
        server.kill();
        let again = server.start().await;
        assert_eq!(again, service);
    }
    reach(&done, done.load(Ordering::Relaxed) + 300).await;
    stop.store(true, Ordering::Relaxed);
    let (created, finished): (Vec<_>, Vec<_>) = callers.join_all().await.into_iter().unzip();
    store.close().await.unwrap();

    let store = RedisStore::open(config()).await.unwrap();
    let page = store.scan(&Filter::default(), None, 1_000_000).await.unwrap();
    let all = page.transactions.iter().map(|listed| (listed.definition.gid.to_string(), listed.due));
    let stored: BTreeSet<String> = all.clone().map(|(gid, _)| gid).collect();
    assert_eq!(stored.len(), page.transactions.len(), "each once");
    let ended: BTreeSet<String> = all.filter(|(_, due)| due.is_none()).map(|(gid, _)| gid).collect();
    for gid in created.iter().flatten() {
        assert!(stored.contains(gid), "the creation of {gid} was acknowledged");
    }
    for gid in finished.iter().flatten() {
        assert!(ended.contains(gid), "the end of {gid} was acknowledged");
    }
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_starts_while_another_is_dead_does_not_take_its_port() {
    // given: a server of a test, which was killed. Whoever uses it would take another one there for it.
    if running("redis", "REDIS_HOST").is_none() {
        return;
    }
    let folder = |name: &str| Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let (killed, other) = (Private::new("redis", &folder("killed")), Private::new("redis", &folder("other")));
    let place = killed.start().await;
    killed.kill();
    // when
    let elsewhere = other.start().await;
    // then
    assert_ne!(elsewhere["REDIS_PORT"], place["REDIS_PORT"]);
    assert_eq!(killed.start().await, place);
}

/// Callers that create and end transactions; what was acknowledged to each.
async fn load(
    store: &Arc<RedisStore>,
    done: &Arc<AtomicUsize>,
    stop: &Arc<AtomicBool>,
) -> JoinSet<(Vec<String>, Vec<String>)> {
    let tokens = Arc::new(join(store, "a").await);
    let mut callers = JoinSet::new();
    for caller in 0..20 {
        let (store, tokens) = (Arc::clone(store), Arc::clone(&tokens));
        let (done, stop) = (Arc::clone(done), Arc::clone(stop));
        callers.spawn(async move {
            let (mut created, mut finished) = (Vec::new(), Vec::new());
            for index in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let new = saga(&format!("{caller}-{index}"), &tokens, true);
                if let Err(error) = store.create(new.clone()).await {
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
    callers
}

async fn reach(done: &AtomicUsize, count: usize) {
    let reached = async {
        while done.load(Ordering::Relaxed) < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reached).await.unwrap();
}
