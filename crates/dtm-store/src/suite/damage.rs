//! Promises about records that cannot be read, and about bad rows among good ones.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::StoreUnderTest;
use super::fixtures::{at_once, commit_of, create_held, create_released, gid, held, join, load, saga};
use crate::{Error, Filter, NewTransaction, Store};

fn is_damaged<T>(result: &Result<T, Error>, id: &str) -> bool {
    matches!(result, Err(Error::Damaged { gid, .. }) if gid.as_str() == id)
}

/// Trap 7: what cannot be read is neither absent nor empty nor finished, and can be neither replaced nor changed.
pub async fn a_record_that_cannot_be_read_is_an_error_and_never_absent(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    for id in ["before", "g", "later"] {
        create_held(under_test, saga(id, now), &tokens).await;
    }
    let stored = load(&*store, "g").await;
    drop(store);
    under_test.corrupt(&gid("g")).await;
    let store = under_test.store();
    let result = store.load(&gid("g")).await;
    assert!(is_damaged(&result, "g"), "{result:?}");
    let new = NewTransaction { transaction: saga("g", now), owner: held(tokens.fresh()), due: now };
    let result = store.create(new).await;
    assert!(matches!(result, Err(Error::AlreadyExists(_))), "{result:?}");
    let result = store.commit(commit_of(&stored, |state| state.failures = 1)).await;
    assert!(result.is_err(), "{result:?}");
    // a listing says so, or goes on without it and has the next claim say so
    match store.scan(&Filter::default(), None, 10).await {
        Ok(page) => {
            let listed: BTreeSet<_> =
                page.transactions.iter().map(|one| one.definition.gid.as_str()).collect();
            assert_eq!(listed, ["before", "later"].into());
            let claims = store.claim_due(&tokens, 10).await.unwrap();
            assert!(claims.damaged.iter().any(|damaged| damaged.gid == "g"), "{claims:?}");
        }
        result => assert!(is_damaged(&result, "g"), "{result:?}"),
    }
    for id in ["before", "later"] {
        assert_eq!(load(&*store, id).await.transaction, saga(id, now));
    }
}

/// One bad record stops itself, once and loudly, and nobody else.
pub async fn a_record_that_cannot_be_read_is_reported_once_and_its_neighbours_are_claimed(
    under_test: &mut impl StoreUnderTest,
) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    for index in 0..10 {
        create_released(under_test, saga(&format!("g{index}"), now), &tokens, now).await;
    }
    drop(store);
    under_test.corrupt(&gid("g3")).await;
    let store = under_test.store();
    let tokens = join(&*store, "a").await;
    let (mut claimed, mut damaged) = (BTreeSet::new(), Vec::new());
    for _ in 0..10 {
        let claims = store.claim_due(&tokens, 2).await.unwrap();
        claimed.extend(claims.claimed.iter().map(|stored| stored.transaction.gid().to_string()));
        damaged.extend(claims.damaged);
    }
    assert_eq!(claimed.len(), 9, "{claimed:?}");
    let [damaged] = damaged.as_slice() else { panic!("reported once: {damaged:?}") };
    assert_eq!(damaged.gid, "g3");
    assert!(!damaged.detail.is_empty());
    let result = store.load(&gid("g3")).await;
    assert!(is_damaged(&result, "g3"), "{result:?}");
}

/// A batch of a thousand with a gid that is taken, a conflict and a damaged record in it.
pub async fn a_bad_row_among_a_thousand_leaves_its_neighbours_alone(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, saga("g500", now), &tokens).await;
    let taken = load(&*store, "g500").await;
    let create = |store: &Arc<dyn Store>, index: usize| {
        let store = Arc::clone(store);
        let id = format!("g{index}");
        let new = NewTransaction { transaction: saga(&id, now), owner: held(tokens.fresh()), due: now };
        async move { store.create(new).await }
    };
    let results = at_once((0..1_000).map(|index| create(&store, index))).await;
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result.is_err(), index == 500, "{index}: {result:?}");
    }
    assert_eq!(load(&*store, "g500").await, taken);

    let mut stored = Vec::new();
    for index in 0..1_000 {
        stored.push(load(&*store, &format!("g{index}")).await);
    }
    stored[300].owner.token = tokens.fresh();
    drop(store);
    under_test.corrupt(&gid("g700")).await;
    let store = under_test.store();
    let results = at_once(stored.iter().map(|stored| {
        let (store, commit) = (Arc::clone(&store), commit_of(stored, |state| state.failures = 1));
        async move { store.commit(commit).await }
    }))
    .await;
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result.is_err(), index == 300 || index == 700, "{index}: {result:?}");
    }
}
