//! A Redis that is not as it should be: the message says what to do.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use dtm_store::{Error, NodeStore as _, Store as _, TopicStore as _, TransactionStore as _};
use dtm_store_redis::{RedisConfig, RedisStore, Replicas};
use dtm_testkit::outside::{Private, Service, running};

use crate::fixtures::{finish, gid, join, saga};
use crate::support::{Space, connect};

async fn refusal(config: RedisConfig) -> String {
    match RedisStore::open(config).await {
        Err(Error::Fatal(message)) => message,
        other => panic!("the start should have been refused: {other:?}"),
    }
}

/// Ends the connections of everybody.
async fn kill_all(place: &str, password: &str) {
    let mut connection = connect(place, Some(password)).await;
    let mut kill = redis::cmd("CLIENT");
    kill.arg("KILL").arg("TYPE").arg("normal").arg("SKIPME").arg("yes");
    kill.exec_async(&mut connection).await.unwrap();
}

fn assert_says(message: &str, texts: &[&str]) {
    for text in texts {
        assert!(message.contains(text), "'{text}' is missing: {message}");
    }
    assert!(!message.contains("secret"), "a password: {message}");
}

#[tokio::test]
async fn a_redis_that_cannot_be_reached_is_named() {
    // a port that was free a moment ago
    let place = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let config = RedisConfig {
        connect_timeout: Duration::from_millis(300),
        password: Some("secret".to_owned()),
        ..RedisConfig::new([place.to_string()])
    };
    assert!(!format!("{config:?}").contains("secret"));
    assert_says(&refusal(config).await, &["cannot reach", &place.to_string(), "check that it runs"]);
}

#[tokio::test]
async fn a_wrong_password_address_or_prefix_is_refused_at_once() {
    let Some(space) = Space::single() else { return };
    let wrong = RedisConfig { password: Some("secret".to_owned()), ..space.config() };
    assert_says(&refusal(wrong).await, &["check those of the store"]);
    let none = RedisConfig { password: None, ..space.config() };
    assert_says(&refusal(none).await, &["NOAUTH", "check user and password"]);
    assert_says(&refusal(space.config_at("nowhere")).await, &["'nowhere'", "host:port"]);
    for prefix in ["", "{}", "a{b}", "{a}{b}"] {
        let config = RedisConfig { prefix: prefix.to_owned(), ..space.config() };
        assert_says(&refusal(config).await, &["prefix", "braces"]);
    }
}

/// A key of another server's store, or of another version of this one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_a_newer_server_is_refused_and_an_older_number_of_shards_is_kept() {
    let Some(space) = Space::single() else { return };
    let config = RedisConfig { shards: std::num::NonZeroU16::MIN, ..space.config() };
    let store = RedisStore::open(config).await.unwrap();
    let tokens = join(&store, "a").await;
    store.create(saga("g", &tokens, true)).await.unwrap();
    store.close().await.unwrap();
    let store = RedisStore::open(space.config()).await.unwrap();
    assert!(store.load(&gid("g")).await.unwrap().is_some(), "it is where the first server has put it");
    let mut connection = space.connect().await.remove(0);
    let key = space.shared("store");
    redis::cmd("HSET").arg(&key).arg("version").arg(2).exec_async(&mut connection).await.unwrap();
    assert_says(&refusal(space.config()).await, &["version 2", "as new as"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_may_drop_transactions_is_refused_and_one_that_is_full_or_read_only_says_so() {
    // decision 12
    if running("redis", "REDIS_HOST").is_none() {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trouble");
    let server = Private::new("redis", &folder);
    let service = server.start().await;
    let place = format!("{}:{}", service["REDIS_HOST"], service["REDIS_PORT"]);
    let password = service["REDIS_PASSWORD"].clone();
    let config = || RedisConfig { password: Some(password.clone()), ..RedisConfig::new([place.clone()]) };
    let mut connection = connect(&place, Some(&password)).await;
    let mut set = async |name: &str, value: &str| {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg(name).arg(value);
        set.exec_async(&mut connection).await.unwrap();
    };
    for policy in ["allkeys-lru", "allkeys-random"] {
        set("maxmemory-policy", policy).await;
        assert_says(&refusal(config()).await, &[policy, "drop transactions", "noeviction"]);
    }
    set("maxmemory-policy", "volatile-lru").await;
    let store = RedisStore::open(config()).await.unwrap();
    let tokens = join(&store, "a").await;
    let new = saga("g", &tokens, true);
    store.create(new.clone()).await.unwrap();
    store.health().await.unwrap();

    // somebody changes it, or a fail-over leads to another server: new connections
    for (policy, accepted) in [("allkeys-lfu", false), ("noeviction", true)] {
        let mut other = connect(&place, Some(&password)).await;
        let mut change = redis::cmd("CONFIG");
        change.arg("SET").arg("maxmemory-policy").arg(policy).exec_async(&mut other).await.unwrap();
        kill_all(&place, &password).await;
        let noticed = async {
            for number in 0.. {
                // their connections have ended, perhaps: then nobody knows
                drop(store.heartbeat(tokens.node(), tokens.epoch()).await);
                match store.create(saga(&format!("{policy}{number}"), &tokens, true)).await {
                    Ok(()) if accepted => break,
                    Err(error) if !accepted && error.to_string().contains("nothing new is accepted") => {
                        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
                        assert_says(&error.to_string(), &[policy, "noeviction"]);
                        break;
                    }
                    Ok(()) | Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), noticed).await.unwrap();
        assert_eq!(store.health().await.is_ok(), accepted);
        assert!(store.load(&gid("g")).await.unwrap().is_some(), "what is stored is driven on");
    }
    let mut connection = connect(&place, Some(&password)).await;
    let mut set = async |name: &str, value: &str| {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg(name).arg(value);
        set.exec_async(&mut connection).await.unwrap();
    };

    set("maxmemory", "1").await;
    let full = saga("full", &tokens, true);
    for error in [store.create(full.clone()).await.unwrap_err(), store.health().await.unwrap_err()] {
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
        assert_says(&error.to_string(), &["OOM", "raise maxmemory"]);
    }
    assert!(store.load(&gid("full")).await.unwrap().is_none(), "nothing of it was written");
    store.commit(finish(&new)).await.unwrap();
    set("maxmemory", "0").await;
    store.create(full.clone()).await.unwrap();

    set("min-replicas-to-write", "1").await;
    for error in [store.commit(finish(&full)).await.unwrap_err(), store.health().await.unwrap_err()] {
        assert_says(&error.to_string(), &["NOREPLICAS", "min-replicas-to-write"]);
    }
    set("min-replicas-to-write", "0").await;
    let mut other = connect(&place, Some(&password)).await;
    let mut replicate = async |host: &str, port: &str| {
        redis::cmd("REPLICAOF").arg(host).arg(port).exec_async(&mut other).await.unwrap();
    };
    replicate("127.0.0.1", "1").await;
    for error in [store.commit(finish(&full)).await.unwrap_err(), store.health().await.unwrap_err()] {
        assert_says(&error.to_string(), &["READONLY", "point the store at the master"]);
    }
    assert_says(&refusal(config()).await, &["replica", "point the store at the master"]);
    replicate("no", "one").await;
    store.commit(finish(&full)).await.unwrap();
    store.health().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_too_few_replicas_have_is_unknown() {
    // promise 1
    if running("redis", "REDIS_HOST").is_none() {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (master, replica) =
        (Private::new("redis", &folder.join("master")), Private::new("redis", &folder.join("replica")));
    let place = master.start().await;
    let password = place["REDIS_PASSWORD"].clone();
    let address = |service: &Service| format!("{}:{}", service["REDIS_HOST"], service["REDIS_PORT"]);
    let mut second = connect(&address(&replica.start().await), Some(&password)).await;
    let replicas = Replicas { count: NonZeroUsize::MIN, timeout: Duration::from_millis(200) };
    let config = RedisConfig {
        password: Some(password.clone()),
        replicas: Some(replicas),
        ..RedisConfig::new([address(&place)])
    };
    let message = refusal(config.clone()).await;
    assert_says(&message, &["0 of 1 replicas", "check the replicas"]);

    let mut follow = redis::cmd("CONFIG");
    follow.arg("SET").arg("masterauth").arg(&password);
    follow.exec_async(&mut second).await.unwrap();
    let mut follow = redis::cmd("REPLICAOF");
    follow.arg(&place["REDIS_HOST"]).arg(&place["REDIS_PORT"]);
    follow.exec_async(&mut second).await.unwrap();
    let mut first = connect(&address(&place), Some(&password)).await;
    let mut connected: usize = 0;
    while connected == 0 {
        connected = redis::cmd("WAIT").arg(1).arg(100).query_async(&mut first).await.unwrap();
    }
    let store = RedisStore::open(config).await.unwrap();
    let tokens = join(&store, "a").await;
    let kept = saga("kept", &tokens, true);
    store.create(kept.clone()).await.unwrap();

    redis::cmd("REPLICAOF").arg("NO").arg("ONE").exec_async(&mut second).await.unwrap();
    let error = store.create(saga("alone", &tokens, true)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_says(&error.to_string(), &["0 of 1 replicas", "check the replicas"]);
    assert!(store.health().await.is_err());
    // whoever reads it, here or in another server, must not take for sure what a fail-over would undo
    let ended = store.commit(finish(&kept)).await.unwrap_err();
    assert_eq!(ended.happened(), None, "{ended:?}");
    for id in ["alone", "kept"] {
        let error = store.load(&gid(id)).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
        assert_says(&error.to_string(), &["0 of 1 replicas", "check the replicas"]);
    }
    follow.exec_async(&mut second).await.unwrap();
    let mut connected: usize = 0;
    while connected == 0 {
        connected = redis::cmd("WAIT").arg(1).arg(100).query_async(&mut first).await.unwrap();
    }
    assert!(store.load(&gid("alone")).await.unwrap().is_some(), "unknown, not undone");
    assert_eq!(store.load(&gid("kept")).await.unwrap().unwrap().due, None);
}

/// Only what has finished goes, and no entry of it is left anywhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_purged_leaves_no_key_behind_and_nothing_has_an_expiry() {
    // decision 12, defects B12, S7
    let Some(space) = Space::single() else { return };
    let store = RedisStore::open(space.config()).await.unwrap();
    let tokens = join(&store, "a").await;
    let mut connection = space.connect().await.remove(0);
    store.save_topic("orders", &[], None).await.unwrap();
    let before: Vec<String> = sorted(space.keys(&mut connection).await);
    let all: Vec<_> = (0..50).map(|index| saga(&format!("g{index}"), &tokens, index % 2 == 0)).collect();
    for new in &all {
        store.create(new.clone()).await.unwrap();
    }
    for key in space.keys(&mut connection).await {
        let ttl: i64 = redis::cmd("TTL").arg(&key).query_async(&mut connection).await.unwrap();
        assert_eq!(ttl, -1, "{key}");
    }
    let (kept, ended) = all.split_at(10);
    for new in ended {
        store.commit(finish(new)).await.unwrap();
    }
    let later = dtm_core::model::Timestamp::from_millis(dtm_testkit::START.as_millis() + (1 << 41));
    assert_eq!(store.purge(later, 1_000).await.unwrap(), 40);
    for new in kept {
        assert!(store.load(new.transaction.gid()).await.unwrap().is_some());
        store.commit(finish(new)).await.unwrap();
    }
    assert_eq!(store.purge(later, 1_000).await.unwrap(), 10);
    // who may hold something is forgotten once it is dead
    let expected: Vec<String> = sorted(space.keys(&mut connection).await)
        .into_iter()
        .filter(|key| !key.ends_with(":holders"))
        .collect();
    assert_eq!(expected, before);
    store.leave(tokens.node(), tokens.epoch()).await.unwrap();
    let other = join(&store, "b").await;
    assert!(store.claim_due(&other, 10).await.unwrap().claimed.is_empty());
    let left = sorted(space.keys(&mut connection).await);
    assert!(!left.iter().any(|key| key.ends_with(":holders")), "{left:?}");
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_ahead_once_and_records_that_somebody_removed_do_not_stop_the_purge() {
    let Some(space) = Space::single() else { return };
    let clock = dtm_testkit::ManualClock::default();
    let config = RedisConfig { clock: Some(std::sync::Arc::new(clock.clone())), ..space.config() };
    let store = RedisStore::open(RedisConfig { shards: std::num::NonZeroU16::MIN, ..config }).await.unwrap();
    let tokens = join(&store, "a").await;
    let mut connection = space.connect().await.remove(0);
    store.create(saga("first", &tokens, true)).await.unwrap();
    // ids of a year later, as a clock that was ahead leaves behind
    let (_, key) = space.record("first").await;
    let listing = key.replace(":transaction:first", ":listing");
    let ahead = (dtm_testkit::START.as_millis() + 365 * 86_400_000) * 1_000;
    redis::cmd("ZADD").arg(&listing).arg(ahead).arg("first").exec_async(&mut connection).await.unwrap();
    let all: Vec<_> = (0..30).map(|index| saga(&format!("g{index}"), &tokens, true)).collect();
    for new in &all {
        store.create(new.clone()).await.unwrap();
        store.commit(finish(new)).await.unwrap();
    }
    // somebody has removed one record, and left the rest
    let (_, gone) = space.record("g7").await;
    redis::cmd("DEL").arg(&gone).exec_async(&mut connection).await.unwrap();
    let branches = gone.replace(":transaction:", ":branches:");
    redis::cmd("RPUSH").arg(&branches).arg("{}").exec_async(&mut connection).await.unwrap();
    clock.advance(Duration::from_secs(2 * 86_400));
    let before = dtm_core::model::Timestamp::from_millis(dtm_testkit::START.as_millis() + 86_400_000);
    let (mut removed, mut calls) = (0, 0);
    while removed < 29 && calls < 10 {
        removed += store.purge(before, 10).await.unwrap();
        calls += 1;
    }
    assert_eq!(removed, 29);
    let left: Vec<String> =
        redis::cmd("ZRANGE").arg(&listing).arg(0).arg(-1).query_async(&mut connection).await.unwrap();
    assert_eq!(left, ["first"], "unfinished; the entry without a record is gone");
    let left: bool = redis::cmd("EXISTS").arg(&branches).query_async(&mut connection).await.unwrap();
    assert!(!left, "branches of nothing");
}
