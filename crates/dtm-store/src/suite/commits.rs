//! Promises about the compare-and-set of a state, and about fencing tokens.

use std::sync::Arc;

use dtm_core::model::{BranchProgress, BranchStatus, Seconds, Status};

use super::StoreUnderTest;
use super::fixtures::{
    assert_unchanged, at_once, branch, claim, commit_of, create_held, create_released, finish, finish_of,
    held, join, load, outlive_nodes, register, released, saga, tcc,
};
use crate::{Error, NewOwner};

/// After a commit the new state, owner and due time are what is loaded; the definition stays.
pub async fn a_commit_replaces_state_owner_and_due_time(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    let token = create_held(under_test, saga("g", now), &tokens).await;
    let taken = tokens.fresh();
    for (owner, expected) in [
        (NewOwner::Keep, held(token.clone())),
        (NewOwner::Release, released(token)),
        (NewOwner::Take(taken.clone()), held(taken)),
    ] {
        let before = load(&*store, "g").await;
        let mut commit = commit_of(&before, |state| {
            state.status = Status::Aborting;
            state.reason = Some("no stock".to_owned());
            state.failures += 1;
            state.progress = vec![BranchProgress {
                status: BranchStatus::Failed,
                started: true,
                attempts: 2,
                ended_at: Some(now),
            }];
        });
        commit.owner = owner;
        commit.due = Some(now.plus(Seconds::new(77)));
        store.commit(commit.clone()).await.unwrap();
        let after = load(&*store, "g").await;
        assert_eq!(after.transaction.state, commit.state);
        assert_eq!(after.transaction.definition, before.transaction.definition);
        assert_eq!((after.owner, after.due), (expected, commit.due));
    }
}

/// A write that was decided on another status is a conflict.
pub async fn a_commit_that_expects_another_status_changes_nothing(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, saga("g", now), &tokens).await;
    let before = load(&*store, "g").await;
    for status in [Status::Prepared, Status::Aborting, Status::Succeed, Status::Failed] {
        let mut commit = commit_of(&before, |state| state.failures = 9);
        commit.expect.status = status;
        assert_unchanged(&*store, &before, store.commit(commit).await).await;
    }
}

/// A write that was decided under another token is a conflict: node, epoch and counter all count.
pub async fn a_commit_under_another_token_changes_nothing(under_test: &mut impl StoreUnderTest) {
    // decision 13
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    let token = create_held(under_test, saga("g", now), &tokens).await;
    let before = load(&*store, "g").await;
    let (mut node, mut epoch, mut counter) = (token.clone(), token.clone(), token);
    node.node = super::fixtures::node("b");
    epoch.epoch.0 += 1;
    counter.counter += 1;
    for other in [node, epoch, counter] {
        let mut commit = commit_of(&before, |state| state.failures = 9);
        commit.expect.owner = other;
        assert_unchanged(&*store, &before, store.commit(commit).await).await;
    }
}

/// A write that does not know all branches is a conflict.
pub async fn a_commit_that_missed_a_registration_changes_nothing(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, tcc("g", now), &tokens).await;
    let early = commit_of(&load(&*store, "g").await, |state| state.status = Status::Submitted);
    register(&*store, "g", 0, &[branch("01")]).await.unwrap();
    let before = load(&*store, "g").await;
    let mut too_many = early.clone();
    too_many.expect.registered = 2;
    assert_unchanged(&*store, &before, store.commit(early).await).await;
    assert_unchanged(&*store, &before, store.commit(too_many).await).await;
    store.commit(commit_of(&before, |state| state.status = Status::Submitted)).await.unwrap();
}

/// I11: an owner that was taken for dead and wakes up late changes nothing.
pub async fn an_owner_that_was_overtaken_changes_nothing(under_test: &mut impl StoreUnderTest) {
    // decision 13, defect S2
    let (store, now) = (under_test.store(), under_test.now());
    let (slow, fast) = (join(&*store, "slow").await, join(&*store, "fast").await);
    create_held(under_test, saga("g", now), &slow).await;
    let late = load(&*store, "g").await;
    outlive_nodes(under_test).await;
    assert_eq!(claim(&*store, &fast, 10).await, ["g"]);
    let before = load(&*store, "g").await;
    assert_unchanged(&*store, &before, store.commit(finish_of(&late, now)).await).await;
    let mut taking = commit_of(&late, |state| state.failures = 9);
    taking.owner = NewOwner::Take(slow.fresh());
    assert_unchanged(&*store, &before, store.commit(taking).await).await;
    store.commit(finish_of(&before, now)).await.unwrap();
}

/// A transaction that nobody drives still has a token, and a write has to name it.
pub async fn a_released_token_must_still_be_named(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_released(under_test, saga("g", now), &tokens, now).await;
    let before = load(&*store, "g").await;
    let mut stranger = commit_of(&before, |state| state.failures = 9);
    stranger.expect.owner = tokens.fresh();
    stranger.owner = NewOwner::Take(tokens.fresh());
    assert_unchanged(&*store, &before, store.commit(stranger).await).await;
    let mut known = commit_of(&before, |state| state.failures = 9);
    let token = tokens.fresh();
    known.owner = NewOwner::Take(token.clone());
    store.commit(known).await.unwrap();
    assert_eq!(load(&*store, "g").await.owner, held(token));
}

/// An owner whose transaction was released meanwhile, and that nobody else took, goes on.
pub async fn keep_takes_a_released_transaction_back(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    let token = create_released(under_test, saga("g", now), &tokens, now).await;
    let before = load(&*store, "g").await;
    store.commit(commit_of(&before, |state| state.failures = 1)).await.unwrap();
    assert_eq!(load(&*store, "g").await.owner, held(token));
    assert_eq!(claim(&*store, &tokens, 10).await, [""; 0], "it is held by a living node");
}

/// I2: a final status never changes, whatever a write expects.
pub async fn a_finished_transaction_never_changes(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, tcc("g", now), &tokens).await;
    finish(under_test, "g").await;
    let before = load(&*store, "g").await;
    assert_eq!(before.due, None);
    for status in [Status::Failed, Status::Succeed] {
        let commit = commit_of(&before, |state| state.status = status);
        assert_unchanged(&*store, &before, store.commit(commit).await).await;
    }
    let mut revived = commit_of(&before, |state| state.status = Status::Submitted);
    revived.due = Some(now);
    assert_unchanged(&*store, &before, store.commit(revived).await).await;
    let result = register(&*store, "g", 0, &[branch("01")]).await;
    assert_unchanged(&*store, &before, result).await;
}

/// A due time belongs to an unfinished transaction, and every unfinished transaction has one.
pub async fn a_due_time_has_to_fit_the_status(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, saga("g", now), &tokens).await;
    let before = load(&*store, "g").await;
    let mut never = commit_of(&before, |state| state.failures = 1);
    never.due = None;
    let mut finished = finish_of(&before, now);
    finished.due = Some(now);
    for commit in [never, finished] {
        let result = store.commit(commit).await;
        assert!(matches!(result, Err(Error::Rejected { .. })), "{result:?}");
        assert_eq!(load(&*store, "g").await, before);
    }
}

/// Of several takers at the same moment exactly one succeeds.
pub async fn of_eight_commits_at_once_one_wins(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    for round in 0..20 {
        let id = format!("g{round}");
        create_held(under_test, saga(&id, now), &tokens).await;
        let before = load(&*store, &id).await;
        let results = at_once((0..8).map(|failures| {
            let mut commit = commit_of(&before, |state| state.failures = failures);
            commit.owner = NewOwner::Take(tokens.fresh());
            let store = Arc::clone(&store);
            async move { store.commit(commit).await.map(|()| failures) }
        }))
        .await;
        let winners: Vec<_> = results.iter().flatten().copied().collect();
        assert_eq!(winners.len(), 1, "{results:?}");
        let conflict = |result: &&Result<_, Error>| matches!(result, Err(Error::Conflict { .. }));
        assert_eq!(results.iter().filter(conflict).count(), 7, "{results:?}");
        assert_eq!(load(&*store, &id).await.transaction.state.failures, winners[0]);
    }
}
