//! Promises about restarts and about closing.

use dtm_core::model::Status;

use super::StoreUnderTest;
use super::fixtures::{
    branch, claim, commit_of, create_held, create_released, finish, gid, held, join, load, register, saga,
    tcc,
};
use crate::{Error, NewTransaction, Subscriber};

/// I1: what returned is there after a crash, exactly as it was.
pub async fn everything_acknowledged_survives_a_restart(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    for index in 0..200 {
        create_held(under_test, saga(&format!("s{index}"), now), &tokens).await;
        create_released(under_test, tcc(&format!("t{index}"), now), &tokens, now).await;
        register(&*store, &format!("t{index}"), 0, &[branch("01")]).await.unwrap();
        let stored = load(&*store, &format!("t{index}")).await;
        store.commit(commit_of(&stored, |state| state.status = Status::Aborting)).await.unwrap();
    }
    let subscribers = [Subscriber { url: "http://a".to_owned(), remark: String::new() }];
    store.save_topic("orders", &subscribers, None).await.unwrap();
    store.save_topic("gone", &subscribers, None).await.unwrap();
    store.delete_topic("gone").await.unwrap();
    let mut before = Vec::new();
    for index in 0..200 {
        before.push(load(&*store, &format!("s{index}")).await);
        before.push(load(&*store, &format!("t{index}")).await);
    }
    drop(store);
    for _ in 0..2 {
        under_test.reopen().await;
        let store = under_test.store();
        for stored in &before {
            assert_eq!(&load(&*store, stored.transaction.gid().as_str()).await, stored);
        }
        assert_eq!(store.load_topic("orders").await.unwrap().unwrap().subscribers, subscribers);
        assert!(store.load_topic("gone").await.unwrap().is_none());
    }
    let store = under_test.store();
    let again = join(&*store, "a").await;
    let mut claimed = Vec::new();
    loop {
        let some = claim(&*store, &again, 1_000).await;
        if some.is_empty() {
            break;
        }
        claimed.extend(some);
    }
    assert_eq!(claimed.len(), 400, "all of them are driven on");
}

/// I2, seen after a crash.
pub async fn a_finished_transaction_stays_finished_after_a_restart(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, saga("g", now), &tokens).await;
    finish(under_test, "g").await;
    let before = load(&*store, "g").await;
    drop(store);
    under_test.reopen().await;
    let store = under_test.store();
    assert_eq!(load(&*store, "g").await, before);
    let again = join(&*store, "a").await;
    assert_eq!(claim(&*store, &again, 10).await, [""; 0]);
    let new = NewTransaction { transaction: saga("g", now), owner: held(again.fresh()), due: now };
    let result = store.create(new).await;
    assert!(matches!(result, Err(Error::AlreadyExists(_))), "{result:?}");
}

/// The fence holds across a crash: the token of the claim counts, not the one before.
pub async fn a_claim_survives_a_restart(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_released(under_test, saga("g", now), &tokens, now).await;
    let early = load(&*store, "g").await;
    assert_eq!(claim(&*store, &tokens, 1).await, ["g"]);
    let claimed = load(&*store, "g").await;
    drop(store);
    under_test.reopen().await;
    let store = under_test.store();
    assert_eq!(load(&*store, "g").await, claimed);
    let result = store.commit(commit_of(&early, |state| state.failures = 1)).await;
    assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");
    store.commit(commit_of(&claimed, |state| state.failures = 1)).await.unwrap();
}

/// After a close nothing is accepted, and nothing that was is lost.
pub async fn a_closed_store_refuses_writes_and_has_kept_everything(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, saga("g", now), &tokens).await;
    let before = load(&*store, "g").await;
    store.close().await.unwrap();
    store.close().await.unwrap();
    let new = NewTransaction { transaction: saga("late", now), owner: held(tokens.fresh()), due: now };
    let result = store.create(new).await;
    assert!(matches!(result, Err(Error::Closed)), "{result:?}");
    drop(store);
    under_test.reopen().await;
    let store = under_test.store();
    assert_eq!(load(&*store, "g").await, before);
    assert!(store.load(&gid("late")).await.unwrap().is_none());
}

/// Health, queue depth and the counters of a store that has nothing to do.
pub async fn the_store_answers_and_counts_what_it_writes(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    store.health().await.unwrap();
    let before = store.write_stats();
    for index in 0..3 {
        create_held(under_test, saga(&format!("g{index}"), now), &tokens).await;
    }
    let after = store.write_stats();
    assert_eq!(after.operations - before.operations, 3);
    assert!((1..=3).contains(&(after.batches - before.batches)), "{before:?} {after:?}");
    assert_eq!(store.queue_depth(), 0);
    assert!(!store.name().is_empty());
}
