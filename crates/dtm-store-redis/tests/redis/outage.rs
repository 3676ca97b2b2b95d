//! The Redis that keeps the heartbeats is away for longer than a server may be silent: nobody is dead for that.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use dtm_store::{NodeStore as _, TokenSource, TransactionStore as _};
use dtm_store_redis::{RedisConfig, RedisStore};
use dtm_testkit::outside::{Private, running};

use crate::fixtures::{join, saga};
use crate::support::connect;

const NODE_TIMEOUT: Duration = Duration::from_millis(1_500);

async fn beat(store: &RedisStore, tokens: &TokenSource) {
    store.heartbeat(tokens.node(), tokens.epoch()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_outage_servers_that_live_keep_what_they_hold_and_the_dead_do_not() {
    if running("redis", "REDIS_HOST").is_none() {
        return;
    }
    let server = Private::new("redis", &Path::new(env!("CARGO_TARGET_TMPDIR")).join("outage"));
    let service = server.start().await;
    let place = format!("{}:{}", service["REDIS_HOST"], service["REDIS_PORT"]);
    let password = service["REDIS_PASSWORD"].clone();
    let config = || RedisConfig {
        password: Some(password.clone()),
        node_timeout: NODE_TIMEOUT,
        ..RedisConfig::new([place.clone()])
    };
    let mut connection = connect(&place, Some(&password)).await;
    let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await.unwrap();
    let pid = info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap().trim();
    let signal = |name: &str| assert!(Command::new("kill").args([name, pid]).status().unwrap().success());

    let (holding, claiming) =
        (RedisStore::open(config()).await.unwrap(), RedisStore::open(config()).await.unwrap());
    let (holder, claimer) = (join(&holding, "holder").await, join(&claiming, "claimer").await);
    holding.create(saga("g", &holder, true)).await.unwrap();
    for _ in 0..6 {
        beat(&holding, &holder).await;
        beat(&claiming, &claimer).await;
        tokio::time::sleep(NODE_TIMEOUT / 4).await;
    }
    signal("-STOP");
    tokio::time::sleep(NODE_TIMEOUT + NODE_TIMEOUT / 4).await;
    signal("-CONT");
    // whoever was there before, and whoever has just started
    let starting = RedisStore::open(config()).await.unwrap();
    let starter = join(&starting, "starter").await;
    for (store, tokens) in [(&claiming, &claimer), (&starting, &starter)] {
        assert_eq!(
            store.claim_due(tokens, 10).await.unwrap().claimed,
            [],
            "it has not had the chance to say anything"
        );
    }
    beat(&holding, &holder).await;
    // and then it dies
    let mut claimed = 0;
    for _ in 0..16 {
        beat(&claiming, &claimer).await;
        claimed += claiming.claim_due(&claimer, 10).await.unwrap().claimed.len();
        tokio::time::sleep(NODE_TIMEOUT / 8).await;
    }
    assert_eq!(claimed, 1, "it was silent while Redis could be reached");
}
