//! Promises about the removal of what is finished (decision 12).

use std::time::Duration;

use super::StoreUnderTest;
use super::fixtures::{
    branch, create_held, create_released, finish, gid, join, load, outlive_nodes, register, saga, tcc,
};
use crate::Filter;

const DAY: Duration = Duration::from_secs(86_400);

/// What finished before the given time is gone, branches and all; its gid is free again.
pub async fn what_finished_long_ago_is_removed_with_its_branches(under_test: &mut impl StoreUnderTest) {
    let store = under_test.store();
    let tokens = join(&*store, "a").await;
    let created = under_test.now();
    for id in ["old", "older"] {
        create_held(under_test, tcc(id, created), &tokens).await;
        register(&*store, id, 0, &[branch("01"), branch("02")]).await.unwrap();
        finish(under_test, id).await;
    }
    under_test.advance(DAY).await;
    let yesterday = under_test.now();
    create_held(under_test, saga("new", yesterday), &tokens).await;
    finish(under_test, "new").await;
    under_test.advance(DAY).await;
    assert_eq!(store.purge(created, 100).await.unwrap(), 0, "before, not at");
    assert_eq!(store.purge(yesterday, 100).await.unwrap(), 2);
    assert!(store.load(&gid("old")).await.unwrap().is_none());
    let page = store.scan(&Filter::default(), None, 10).await.unwrap();
    assert_eq!(page.transactions.len(), 1);
    let again = tcc("old", under_test.now());
    create_held(under_test, again.clone(), &tokens).await;
    assert_eq!(load(&*store, "old").await.transaction, again, "without the branches of its predecessor");
    assert_eq!(load(&*store, "new").await.transaction.gid().as_str(), "new");
}

/// Defects B12, M8: whatever its age, what is unfinished stays.
pub async fn what_is_unfinished_is_never_removed(under_test: &mut impl StoreUnderTest) {
    // decision 12, defects B12, S7
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, saga("held", now), &tokens).await;
    create_released(under_test, tcc("released", now), &tokens, now).await;
    create_held(under_test, saga("finished", now), &tokens).await;
    finish(under_test, "finished").await;
    under_test.advance(DAY * 365).await;
    outlive_nodes(under_test).await;
    assert_eq!(store.purge(under_test.now(), 100).await.unwrap(), 1);
    assert_eq!(load(&*store, "held").await.transaction, saga("held", now));
    assert_eq!(load(&*store, "released").await.transaction, tcc("released", now));
}

/// A purge goes in steps, and each says how far it went.
pub async fn a_purge_stops_at_the_limit(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    for index in 0..25 {
        let id = format!("g{index}");
        create_held(under_test, saga(&id, now), &tokens).await;
        if index % 5 != 0 {
            finish(under_test, &id).await;
        }
    }
    under_test.advance(DAY).await;
    let mut steps = Vec::new();
    for _ in 0..4 {
        steps.push(store.purge(under_test.now(), 8).await.unwrap());
    }
    assert_eq!(steps, [8, 8, 4, 0]);
    assert_eq!(store.scan(&Filter::default(), None, 100).await.unwrap().transactions.len(), 5);
}
