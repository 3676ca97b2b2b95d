//! Connections that are lost, scripts that are forgotten, slots that move: nothing is lost or done twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dtm_store::{Error, Filter, NodeStore as _, Store as _, TransactionStore as _};
use dtm_store_redis::{RedisConfig, RedisStore};
use dtm_testkit::outside::{Answers, Private, Proxy, running};
use tokio::task::JoinSet;

use crate::fixtures::{finish, gid, join, saga};
use crate::support::Space;

/// Whose connections are ended.
const USER: &str = "dtm-unlucky";

fn assert_unknown(result: Result<(), Error>) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_eq!((error.happened(), error.retry_helps()), (None, true), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_is_unknown_and_is_not_sent_again() {
    // promise 1
    let Some(space) = Space::single() else { return };
    let proxy = Proxy::start(space.place()).await;
    let store = RedisStore::open(space.config_at(proxy.place())).await.unwrap();
    let tokens = join(&store, "a").await;
    let first = saga("first", &tokens, true);
    store.create(first.clone()).await.unwrap();

    let second = saga("second", &tokens, true);
    proxy.set(Answers::LoseThatTo(b"EVALSHA"));
    assert_unknown(store.create(second.clone()).await);
    proxy.set(Answers::Pass);
    let stored = store.load(&gid("second")).await.unwrap().unwrap();
    assert_eq!(stored.transaction, second.transaction, "it did happen");
    let again = store.create(second).await;
    assert!(matches!(again, Err(Error::AlreadyExists(_))), "{again:?}");

    proxy.set(Answers::LoseThatTo(b"EVALSHA"));
    assert_unknown(store.commit(finish(&first)).await);
    proxy.set(Answers::Pass);
    let stored = store.load(&gid("first")).await.unwrap().unwrap();
    assert_eq!(stored.due, None, "it did happen");
    let again = store.commit(finish(&first)).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_claim_took_whose_answer_was_lost_comes_with_the_next_claim() {
    // it is held by a node that lives, so nobody else would ever take it
    let Some(space) = Space::single() else { return };
    let proxy = Proxy::start(space.place()).await;
    let store = RedisStore::open(space.config_at(proxy.place())).await.unwrap();
    let tokens = join(&store, "a").await;
    store.create(saga("due", &tokens, false)).await.unwrap();
    store.create(saga("own", &tokens, true)).await.unwrap();

    // only the script that claims is told the new owner
    let epoch: &'static str = Box::leak(format!("a:{}:2", tokens.epoch().0).into_boxed_str());
    proxy.set(Answers::LoseThatTo(epoch.as_bytes()));
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
async fn a_redis_that_falls_silent_is_not_waited_for_for_ever() {
    let Some(space) = Space::single() else { return };
    let proxy = Proxy::start(space.place()).await;
    let config =
        RedisConfig { response_timeout: Duration::from_millis(300), ..space.config_at(proxy.place()) };
    let store = RedisStore::open(config).await.unwrap();
    let tokens = join(&store, "a").await;
    proxy.set(Answers::Silence);
    let error = store.create(saga("silent", &tokens, true)).await.unwrap_err();
    assert_eq!(error.happened(), None, "{error}");
    assert!(error.to_string().contains("did not answer"), "{error}");
    proxy.set(Answers::Pass);
    store.create(saga("after", &tokens, true)).await.unwrap();
}

/// A server that lives must not be taken for dead because of one connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_on_a_silent_connection_is_sent_again_on_another() {
    let Some(space) = Space::single() else { return };
    let proxy = Proxy::start(space.place()).await;
    let store = RedisStore::open(space.config_at(proxy.place())).await.unwrap();
    let tokens = join(&store, "a").await;
    proxy.silence_present();
    let begun = Instant::now();
    store.heartbeat(tokens.node(), tokens.epoch()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}: longer than it may be silent", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_one_idle_connection_is_silent_the_others_are_not_tried_one_by_one() {
    let Some(space) = Space::single() else { return };
    let proxy = Proxy::start(space.place()).await;
    let store = Arc::new(RedisStore::open(space.config_at(proxy.place())).await.unwrap());
    proxy.set(Answers::Late(Duration::from_millis(100)));
    let mut callers = JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        callers.spawn(async move { store.load(&gid("g")).await.unwrap() });
    }
    callers.join_all().await;
    // long enough to be asked for a sign of life
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    proxy.set(Answers::Pass);
    proxy.silence_present();
    let begun = Instant::now();
    store.load(&gid("g")).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_redis_has_forgotten_are_loaded_again() {
    for space in [Space::single(), Space::cluster()] {
        let Some(space) = space else { return };
        let store = RedisStore::open(space.config()).await.unwrap();
        let tokens = join(&store, "a").await;
        for index in 0..20 {
            for mut connection in space.connect().await {
                redis::cmd("SCRIPT").arg("FLUSH").exec_async(&mut connection).await.unwrap();
            }
            let new = saga(&format!("g{index}"), &tokens, true);
            store.create(new.clone()).await.unwrap();
            store.commit(finish(&new)).await.unwrap();
        }
        assert_eq!(store.scan(&Filter::default(), None, 100).await.unwrap().transactions.len(), 20);
    }
}

/// Each caller that got an answer can rely on it, and what was sent twice is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_end_under_load_lose_and_double_nothing() {
    for space in [Space::single(), Space::cluster()] {
        let Some(space) = space else { return };
        under_load(&space, async |space, stop, may_end| {
            may_end.store(true, Ordering::Relaxed);
            while !stop.load(Ordering::Relaxed) {
                for mut connection in space.connect().await {
                    let mut kill = redis::cmd("CLIENT");
                    kill.arg("KILL").arg("USER").arg(USER).arg("SKIPME").arg("yes");
                    kill.exec_async(&mut connection).await.unwrap();
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        })
        .await;
    }
}

/// Callers notice nothing but a pause: what meets a slot on its way was not executed, and is sent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_that_move_under_load_lose_and_double_nothing() {
    if running("redis_cluster", "REDIS_CLUSTER_NODES").is_none() {
        return;
    }
    let server = Private::new("redis_cluster", Path::new(env!("CARGO_TARGET_TMPDIR")));
    let service = server.start().await;
    let nodes: Vec<String> = service["REDIS_CLUSTER_NODES"].split(',').map(str::to_owned).collect();
    let space = Space::at(nodes, None);
    let unknown = under_load(&space, async |space, _, may_end| {
        let mut ids = Vec::new();
        for mut connection in space.connect().await {
            let id: String = redis::cmd("CLUSTER").arg("MYID").query_async(&mut connection).await.unwrap();
            ids.push(id);
        }
        for (from, to) in [(0, 1), (2, 0)] {
            let mut reshard = Command::new("redis-cli");
            reshard.args(["--cluster", "reshard", space.place(), "--cluster-slots", "2000", "--cluster-yes"]);
            reshard.args(["--cluster-from", &ids[from], "--cluster-to", &ids[to]]);
            let output = tokio::task::spawn_blocking(move || reshard.output().unwrap()).await.unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
        may_end.store(true, Ordering::Relaxed);
    })
    .await;
    assert_eq!(unknown, 0);
}

/// Creates transactions until that was disturbed long enough: `disturb` is told when callers have stopped, and says when
/// they may. How many creations are unknown.
async fn under_load(space: &Space, disturb: impl AsyncFn(&Space, &AtomicBool, &AtomicBool)) -> usize {
    // a user of its own, so that only its connections are ended
    for mut connection in space.connect().await {
        let mut user = redis::cmd("ACL");
        user.arg("SETUSER").arg(USER).arg("on").arg("nopass").arg("~*").arg("&*").arg("+@all");
        user.exec_async(&mut connection).await.unwrap();
    }
    let config =
        RedisConfig { user: Some(USER.to_owned()), password: Some("any".to_owned()), ..space.config() };
    let store = Arc::new(RedisStore::open(config).await.unwrap());
    let tokens = Arc::new(join(&store, "a").await);
    let may_end = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for caller in 0..20 {
        let (store, tokens, may_end) = (Arc::clone(&store), Arc::clone(&tokens), Arc::clone(&may_end));
        callers.spawn(async move {
            let (mut acknowledged, mut unknown) = (Vec::new(), 0_usize);
            for index in 0.. {
                if index >= 100 && may_end.load(Ordering::Relaxed) {
                    break;
                }
                if index >= 100 {
                    // a load that goes on, and not more than a slot can be moved under
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
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
    let stop = AtomicBool::new(false);
    let wait = async {
        let results = callers.join_all().await;
        stop.store(true, Ordering::Relaxed);
        results
    };
    let (results, ()) = tokio::join!(wait, disturb(space, &stop, &may_end));
    let acknowledged: Vec<String> = results.iter().flat_map(|(ids, _)| ids.clone()).collect();
    let unknown: usize = results.iter().map(|(_, unknown)| unknown).sum();
    assert!(acknowledged.len() > 100, "{} acknowledged, {unknown} unknown", acknowledged.len());
    let page = store.scan(&Filter::default(), None, 1_000_000).await.unwrap();
    let stored: BTreeSet<String> =
        page.transactions.iter().map(|listed| listed.definition.gid.to_string()).collect();
    assert_eq!(stored.len(), page.transactions.len(), "each once");
    for id in &acknowledged {
        assert!(stored.contains(id), "{id} was acknowledged");
    }
    assert!(stored.len() <= acknowledged.len() + unknown);
    store.close().await.unwrap();
    unknown
}
