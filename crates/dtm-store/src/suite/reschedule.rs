//! Promises about making many transactions due at once (defects B5, S8).

use std::collections::BTreeSet;

use dtm_core::model::Seconds;

use super::StoreUnderTest;
use super::fixtures::{
    claim, commit_of, create_held, create_released, finish, join, load, node, released, saga,
};
use crate::Rescheduled;

/// What was to be tried much later can be claimed now; who held it last can still write, until it is claimed.
pub async fn what_is_due_later_becomes_due_now_and_keeps_its_token(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let (owner, other) = (join(&*store, "owner").await, join(&*store, "other").await);
    let far = now.plus(Seconds::new(300));
    let token = create_released(under_test, saga("far", now), &owner, far).await;
    create_released(under_test, saga("near", now), &owner, now.plus(Seconds::new(5))).await;
    create_held(under_test, saga("held", now), &owner).await;
    let mut held_far = commit_of(&load(&*store, "held").await, |_| ());
    held_far.due = Some(far);
    store.commit(held_far).await.unwrap();

    let limit = now.plus(Seconds::new(60));
    let done = store.reschedule(limit, 10, &node("other")).await.unwrap();
    assert_eq!(done, Rescheduled { count: 2, has_remaining: false });
    let stored = load(&*store, "far").await;
    assert_eq!(stored.owner, released(token));
    assert_eq!(stored.due, Some(now));
    let expected: BTreeSet<_> = ["far", "held"].map(str::to_owned).into();
    assert!(!load(&*store, "held").await.owner.held, "a living owner lost it, and another may go on");
    store.commit(commit_of(&stored, |state| state.failures = 1)).await.unwrap();
    let mut release = commit_of(&load(&*store, "far").await, |_| ());
    release.owner = crate::NewOwner::Release;
    store.commit(release).await.unwrap();
    let claimed: BTreeSet<_> = claim(&*store, &other, 10).await.into_iter().collect();
    assert_eq!(claimed, expected);
}

/// A mass reschedule goes in steps, and every step says whether there is another.
pub async fn a_reschedule_stops_at_the_limit_and_says_whether_more_remain(
    under_test: &mut impl StoreUnderTest,
) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    for index in 0..25 {
        let due = now.plus(Seconds::new(100 + index));
        create_released(under_test, saga(&format!("g{index}"), now), &tokens, due).await;
    }
    let mut steps = Vec::new();
    for _ in 0..4 {
        steps.push(store.reschedule(now.plus(Seconds::new(10)), 10, &node("other")).await.unwrap());
    }
    let step = |count, has_remaining| Rescheduled { count, has_remaining };
    assert_eq!(steps, [step(10, true), step(10, true), step(5, false), step(0, false)]);
    assert_eq!(claim(&*store, &tokens, 100).await.len(), 25);
}

/// The node that asks wakes its own transactions by itself, so the store leaves them alone.
pub async fn what_the_caller_holds_is_left_to_the_caller(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let (own, other) = (join(&*store, "own").await, join(&*store, "other").await);
    create_held(under_test, saga("own", now), &own).await;
    create_held(under_test, saga("other", now), &other).await;
    create_released(under_test, saga("released", now), &own, now.plus(Seconds::new(100))).await;
    let before = load(&*store, "own").await;
    let done = store.reschedule(now, 10, &node("own")).await.unwrap();
    assert_eq!(done, Rescheduled { count: 2, has_remaining: false });
    assert_eq!(load(&*store, "own").await, before);
    assert!(!load(&*store, "other").await.owner.held);
}

/// I2: what is finished stays finished.
pub async fn what_is_finished_is_not_rescheduled(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, saga("g", now), &tokens).await;
    finish(under_test, "g").await;
    let before = load(&*store, "g").await;
    let done = store.reschedule(now, 10, &node("other")).await.unwrap();
    assert_eq!(done, Rescheduled { count: 0, has_remaining: false });
    assert_eq!(load(&*store, "g").await, before);
}
