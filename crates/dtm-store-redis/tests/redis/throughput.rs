//! How fast it is: `cargo test --release -p dtm-store-redis --test redis -- --ignored --nocapture throughput`

use std::sync::Arc;
use std::time::Instant;

use dtm_store::{NodeStore as _, Store as _, TransactionStore as _};
use dtm_store_redis::{RedisConfig, RedisStore};
use tokio::task::JoinSet;

use crate::fixtures::{finish, join, saga};
use crate::support::Space;

const CALLERS: usize = 100;
const TRANSACTIONS: usize = 100_000;

async fn creations_and_ends(config: RedisConfig) {
    let store = Arc::new(RedisStore::open(config).await.unwrap());
    let tokens = Arc::new(join(&store, "a").await);
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (store, tokens) = (Arc::clone(&store), Arc::clone(&tokens));
        callers.spawn(async move {
            for index in 0..TRANSACTIONS / CALLERS {
                let new = saga(&format!("{index:x}-{caller}"), &tokens, true);
                store.create(new.clone()).await.unwrap();
                store.commit(finish(&new)).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    let seconds = begun.elapsed().as_secs_f64();
    let stats = store.write_stats();
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    let (rate, batch) = (TRANSACTIONS as f64 / seconds, stats.operations as f64 / stats.batches as f64);
    println!("{rate:.0} transactions/s, {batch:.1} operations a batch");
    store.close().await.unwrap();
}

async fn take_over(config: RedisConfig) {
    let store = Arc::new(RedisStore::open(config).await.unwrap());
    let (dead, tokens) = (Arc::new(join(&store, "dead").await), join(&store, "a").await);
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (store, dead) = (Arc::clone(&store), Arc::clone(&dead));
        callers.spawn(async move {
            for index in 0..100 {
                store.create(saga(&format!("{index:x}-{caller}"), &dead, index % 2 == 0)).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    store.leave(dead.node(), dead.epoch()).await.unwrap();
    let (begun, mut count) = (Instant::now(), 0);
    loop {
        let claims = store.claim_due(&tokens, 256).await.unwrap();
        if claims.claimed.is_empty() {
            break;
        }
        count += claims.claimed.len();
    }
    println!("{count} taken over in {:?}", begun.elapsed());
    let begun = Instant::now();
    assert!(store.claim_due(&tokens, 256).await.unwrap().claimed.is_empty());
    println!("nothing to take over: {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn creations_and_ends_per_second_with_a_hundred_callers() {
    let Some(space) = Space::single() else { return };
    creations_and_ends(space.config()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn creations_and_ends_per_second_with_a_hundred_callers_in_a_cluster() {
    let Some(space) = Space::cluster() else { return };
    creations_and_ends(space.config()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn taking_over_ten_thousand_of_a_dead_node() {
    let Some(space) = Space::single() else { return };
    take_over(space.config()).await;
}
