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
    follow.arg(&place["REDIS_HOST"]).arg(&place["REDIS_PORT"]).exec_async(&mut second).await.unwrap();
    let mut first = connect(&address(&place), Some(&password)).await;
    let mut connected: usize = 0;
    while connected == 0 {
        connected = redis::cmd("WAIT").arg(1).arg(100).query_async(&mut first).await.unwrap();
    }
    let store = RedisStore::open(config).await.unwrap();
    let tokens = join(&store, "a").await;
    store.create(saga("kept", &tokens, true)).await.unwrap();

    redis::cmd("REPLICAOF").arg("NO").arg("ONE").exec_async(&mut second).await.unwrap();
    let error = store.create(saga("alone", &tokens, true)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_says(&error.to_string(), &["0 of 1 replicas", "check the replicas"]);
    assert!(store.load(&gid("alone")).await.unwrap().is_some(), "unknown, not undone");
    assert!(store.health().await.is_err());
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
