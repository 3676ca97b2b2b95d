//! Promises about epochs and heartbeats.

use super::StoreUnderTest;
use super::fixtures::{claim, create_held, join, node, outlive_nodes, saga};
use crate::Error;

/// Tokens of two starts can never be mistaken for one another, not even across a restart of the store.
pub async fn each_start_of_a_node_has_a_larger_epoch(under_test: &mut impl StoreUnderTest) {
    let store = under_test.store();
    let first = store.join(&node("a")).await.unwrap();
    let second = store.join(&node("a")).await.unwrap();
    store.join(&node("b")).await.unwrap();
    drop(store);
    under_test.reopen().await;
    let third = under_test.store().join(&node("a")).await.unwrap();
    assert!(first < second && second < third, "{first:?} {second:?} {third:?}");
}

/// A server that was started twice under one name notices: the first one has to stop driving.
pub async fn an_earlier_epoch_cannot_renew_its_heartbeat(under_test: &mut impl StoreUnderTest) {
    let store = under_test.store();
    let first = store.join(&node("a")).await.unwrap();
    store.heartbeat(&node("a"), first).await.unwrap();
    let second = store.join(&node("a")).await.unwrap();
    let result = store.heartbeat(&node("a"), first).await;
    assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");
    store.heartbeat(&node("a"), second).await.unwrap();
}

/// A heartbeat that comes after the end revives nobody, and nobody who never joined.
pub async fn a_node_that_left_cannot_renew_its_heartbeat(under_test: &mut impl StoreUnderTest) {
    let store = under_test.store();
    let epoch = store.join(&node("a")).await.unwrap();
    store.leave(&node("a"), epoch).await.unwrap();
    store.leave(&node("a"), epoch).await.unwrap();
    for name in ["a", "never"] {
        let result = store.heartbeat(&node(name), epoch).await;
        assert!(matches!(result, Err(Error::Conflict { .. })), "{name}: {result:?}");
    }
}

/// A late goodbye of an earlier start is not the goodbye of the present one.
pub async fn an_earlier_epoch_that_leaves_late_does_not_end_the_later_one(
    under_test: &mut impl StoreUnderTest,
) {
    let (store, now) = (under_test.store(), under_test.now());
    let (first, other) = (join(&*store, "a").await, join(&*store, "b").await);
    let second = join(&*store, "a").await;
    create_held(under_test, saga("g", now), &second).await;
    store.leave(&node("a"), first.epoch()).await.unwrap();
    store.heartbeat(&node("a"), second.epoch()).await.unwrap();
    assert_eq!(claim(&*store, &other, 10).await, [""; 0]);
}

/// Whoever must be alone on a store can see that it is.
pub async fn a_node_is_alive_from_its_start_until_it_leaves_or_falls_silent(
    under_test: &mut impl StoreUnderTest,
) {
    let store = under_test.store();
    assert_eq!(store.alive().await.unwrap(), []);
    let (a, b) = (join(&*store, "a").await, join(&*store, "b").await);
    let mut alive = store.alive().await.unwrap();
    alive.sort();
    assert_eq!(alive, [node("a"), node("b")]);
    store.leave(&node("b"), b.epoch()).await.unwrap();
    assert_eq!(store.alive().await.unwrap(), [node("a")]);
    outlive_nodes(under_test).await;
    assert_eq!(store.alive().await.unwrap(), []);
    store.heartbeat(&node("a"), a.epoch()).await.unwrap();
    assert_eq!(store.alive().await.unwrap(), [node("a")]);
}
