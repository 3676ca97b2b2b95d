//! Promises about branches that are appended.

use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::{BranchId, BranchStatus, Op, Registration, Status};

use super::StoreUnderTest;
use super::fixtures::{
    assert_unchanged, at_once, branch, commit_of, create_held, create_released, eight, finish, gid, join,
    load, register, saga, tcc,
};
use crate::Error;

/// Branches come back in the order in which they were registered, not in that of their ids.
pub async fn branches_come_back_in_the_order_of_registration(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, tcc("g", now), &tokens).await;
    let branches = [
        branch("03"),
        branch("01"),
        Registration::Xa {
            branch_id: BranchId::parse("02").unwrap(),
            url: "http://xa".into(),
            data: "".into(),
        },
        Registration::Workflow {
            branch_id: BranchId::parse("02").unwrap(),
            op: Op::Rollback,
            status: BranchStatus::Failed,
            data: [0xff, 0].as_slice().into(),
        },
        branch("010101"),
    ];
    register(&*store, "g", 0, &branches[..2]).await.unwrap();
    register(&*store, "g", 2, &branches[2..3]).await.unwrap();
    register(&*store, "g", 3, &branches[3..]).await.unwrap();
    assert_eq!(load(&*store, "g").await.transaction.registrations, branches);
}

/// A registration takes no ownership and leaves state and due time alone.
pub async fn a_registration_changes_neither_state_nor_owner(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, tcc("held", now), &tokens).await;
    create_released(under_test, tcc("released", now), &tokens, now.plus(super::fixtures::SOON)).await;
    for id in ["held", "released"] {
        let mut expected = load(&*store, id).await;
        register(&*store, id, 0, &[branch("01")]).await.unwrap();
        expected.transaction.registrations.push(branch("01"));
        assert_eq!(load(&*store, id).await, expected);
        store.commit(commit_of(&expected, |state| state.status = Status::Aborting)).await.unwrap();
        assert_eq!(load(&*store, id).await.transaction.registrations, [branch("01")]);
    }
}

/// Whoever has decided sees all branches: later ones are refused.
pub async fn only_a_prepared_transaction_takes_branches(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, saga("saga", now), &tokens).await;
    create_held(under_test, tcc("tcc", now), &tokens).await;
    let stored = load(&*store, "tcc").await;
    store.commit(commit_of(&stored, |state| state.status = Status::Submitted)).await.unwrap();
    for id in ["saga", "tcc"] {
        let before = load(&*store, id).await;
        let result = register(&*store, id, 0, &[branch("01")]).await;
        assert_unchanged(&*store, &before, result).await;
    }
}

/// A registration that was decided on another number of branches is a conflict: none of its branches is kept.
pub async fn a_registration_that_missed_another_changes_nothing(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, tcc("g", now), &tokens).await;
    register(&*store, "g", 0, &[branch("01")]).await.unwrap();
    let before = load(&*store, "g").await;
    for registered in [0, 2] {
        let result = register(&*store, "g", registered, &[branch("02"), branch("03")]).await;
        assert_unchanged(&*store, &before, result).await;
    }
}

/// Whoever decided on an earlier owner, or on an earlier transaction of the same gid, changes nothing.
pub async fn a_registration_under_another_token_changes_nothing(under_test: &mut impl StoreUnderTest) {
    // decision 13
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    let old = create_held(under_test, tcc("g", now), &tokens).await;
    finish(under_test, "g").await;
    under_test.advance(Duration::from_secs(1)).await;
    assert_eq!(store.purge(under_test.now(), 10).await.unwrap(), 1);
    create_held(under_test, tcc("g", now), &tokens).await;
    let before = load(&*store, "g").await;
    for owner in [old, tokens.fresh()] {
        let result = store.register_branches(&gid("g"), &owner, 0, vec![branch("01")]).await;
        assert_unchanged(&*store, &before, result).await;
    }
}

/// Clients that register at the same moment and repeat what was in conflict all have their branch in the end.
pub async fn registrations_at_once_lose_no_branch(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, tcc("g", now), &tokens).await;
    let mut number = 0;
    let clients = eight(&store).map(|store| {
        number += 1;
        let own = branch(&format!("{number:02}"));
        async move {
            loop {
                let registered = load(&*store, "g").await.transaction.registrations.len();
                match register(&*store, "g", registered, std::slice::from_ref(&own)).await {
                    Ok(()) => return,
                    Err(Error::Conflict { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    });
    at_once(clients).await;
    let mut ids: Vec<_> = load(&*store, "g")
        .await
        .transaction
        .registrations
        .iter()
        .map(|registration| registration.branch_id().to_string())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, ["01", "02", "03", "04", "05", "06", "07", "08"]);
}

/// A branch is either registered and seen by whoever aborts, or refused.
pub async fn a_registration_and_an_abort_at_once_lose_no_branch(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    for round in 0..50 {
        let id = format!("g{round}");
        create_held(under_test, tcc(&id, now), &tokens).await;
        let abort = commit_of(&load(&*store, &id).await, |state| state.status = Status::Aborting);
        let (registering, aborting) = (Arc::clone(&store), Arc::clone(&store));
        let (name, owner) = (gid(&id), abort.expect.owner.clone());
        let registration =
            tokio::spawn(
                async move { registering.register_branches(&name, &owner, 0, vec![branch("01")]).await },
            );
        let abort = tokio::spawn(async move { aborting.commit(abort).await });
        let (registered, aborted) = (registration.await.unwrap(), abort.await.unwrap());
        let stored = load(&*store, &id).await.transaction;
        match (&registered, &aborted) {
            (Ok(()), Err(Error::Conflict { .. })) => {
                assert_eq!((stored.status(), stored.registrations.len()), (Status::Prepared, 1));
            }
            (Err(Error::Conflict { .. }), Ok(())) => {
                assert_eq!((stored.status(), stored.registrations.len()), (Status::Aborting, 0));
            }
            other => panic!("exactly one of them wins: {other:?}"),
        }
    }
}

/// Defect M9: more than 999 branches keep their order.
pub async fn a_thousand_branches_keep_their_order(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, tcc("g", now), &tokens).await;
    let branches: Vec<_> = (0..1_100).map(|number| branch(&format!("{number:02}"))).collect();
    for (chunk, some) in branches.chunks(100).enumerate() {
        register(&*store, "g", chunk * 100, some).await.unwrap();
    }
    assert_eq!(load(&*store, "g").await.transaction.registrations, branches);
}
