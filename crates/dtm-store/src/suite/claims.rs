//! Promises about who gets what is due, and what the dead held.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::{Seconds, Timestamp};

use super::StoreUnderTest;
use super::fixtures::{
    assert_unchanged, at_once, branch, claim, commit_of, create_held, create_released, finish, join, load,
    node, outlive_nodes, register, saga, tcc,
};
use crate::{Epoch, NewOwner, Store, TokenSource};

fn before(now: Timestamp, seconds: u64) -> Timestamp {
    Timestamp::from_millis(now.as_millis() - seconds * 1_000)
}

/// A claim changes the owner and nothing else; whoever had the transaction before is overtaken.
pub async fn what_is_due_and_not_held_is_claimed_under_a_fresh_token(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_released(under_test, saga("due", now), &tokens, now).await;
    create_released(under_test, saga("later", now), &tokens, now.plus(Seconds::new(60))).await;
    let earlier = load(&*store, "due").await;

    let claims = store.claim_due(&tokens, 10).await.unwrap();
    assert_eq!(claims.damaged, []);
    let [claimed] = claims.claimed.as_slice() else { panic!("one is due: {claims:?}") };
    assert_eq!(claimed, &load(&*store, "due").await, "what is given is what is stored");
    assert_eq!(claimed.transaction, earlier.transaction);
    assert_eq!(claimed.due, earlier.due);
    assert!(claimed.owner.held);
    assert_ne!(claimed.owner.token, earlier.owner.token);
    assert_eq!(claimed.owner.token.node, node("a"));
    assert_unchanged(&*store, claimed, store.commit(commit_of(&earlier, |_| ())).await).await;

    assert_eq!(claim(&*store, &tokens, 10).await, [""; 0], "it is held now");
    under_test.advance(Duration::from_secs(61)).await;
    store.heartbeat(&node("a"), tokens.epoch()).await.unwrap();
    assert_eq!(claim(&*store, &tokens, 10).await, ["later"]);
}

/// Nothing starves: what has been due for longest comes first.
pub async fn the_longest_due_is_claimed_first_and_no_more_than_the_limit(
    under_test: &mut impl StoreUnderTest,
) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    for (id, seconds) in [("c", 3), ("a", 9), ("e", 1), ("b", 7), ("d", 2)] {
        create_released(under_test, saga(id, now), &tokens, before(now, seconds)).await;
    }
    assert_eq!(claim(&*store, &tokens, 0).await, [""; 0]);
    assert_eq!(claim(&*store, &tokens, 2).await, ["a", "b"]);
    let released = load(&*store, "a").await;
    let mut release = commit_of(&released, |_| ());
    release.owner = NewOwner::Release;
    release.due = Some(before(now, 2));
    store.commit(release).await.unwrap();
    let rest: BTreeSet<_> = claim(&*store, &tokens, 3).await.into_iter().collect();
    assert_eq!(rest, BTreeSet::from(["a".to_owned(), "c".to_owned(), "d".to_owned()]));
    assert_eq!(claim(&*store, &tokens, 3).await, ["e"]);
}

/// A driver that lives keeps what it holds, however long it has been due.
pub async fn what_is_held_is_not_claimed_while_its_node_lives(under_test: &mut impl StoreUnderTest) {
    // behaviour 103, decision 13, defect S2
    let (store, now) = (under_test.store(), under_test.now());
    let (driver, other) = (join(&*store, "driver").await, join(&*store, "other").await);
    create_held(under_test, saga("g", now), &driver).await;
    for _ in 0..20 {
        under_test.advance(under_test.node_timeout() / 2).await;
        store.heartbeat(&node("driver"), driver.epoch()).await.unwrap();
        assert_eq!(claim(&*store, &other, 10).await, [""; 0]);
        assert_eq!(claim(&*store, &driver, 10).await, [""; 0], "its own driver neither");
    }
}

/// Fail-over does not wait for the due time: a node that was silent for its time-out has lost everything.
pub async fn what_a_silent_node_held_is_claimed(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let (silent, other) = (join(&*store, "silent").await, join(&*store, "other").await);
    create_held(under_test, saga("g", now), &silent).await;
    outlive_nodes(under_test).await;
    store.heartbeat(&node("other"), other.epoch()).await.unwrap();
    assert_eq!(claim(&*store, &other, 10).await, ["g"]);
    assert_eq!(load(&*store, "g").await.owner.token.node, node("other"));
    assert_eq!(claim(&*store, &other, 10).await, [""; 0]);
}

/// Servers with different settings do not end each other's work, and none of them keeps the work of the dead.
pub async fn a_node_lives_for_its_own_time_out_and_not_for_that_of_the_claimer(
    under_test: &mut impl StoreUnderTest,
) {
    let (store, now, own) = (under_test.store(), under_test.now(), under_test.node_timeout());
    let (hasty, patient) = (own / 6, own * 6);
    let driver = join(&*store, "driver").await;
    create_held(under_test, saga("g", now), &driver).await;
    under_test.advance(own / 2).await;
    store.heartbeat(&node("driver"), driver.epoch()).await.unwrap();

    let Some(store) = under_test.with_node_timeout(hasty).await else { return };
    let other = join(&*store, "hasty").await;
    under_test.advance(own - Duration::from_millis(1)).await;
    assert_eq!(claim(&*store, &other, 10).await, [""; 0], "it may be silent for longer than the claimer");

    let Some(store) = under_test.with_node_timeout(patient).await else { return };
    let other = join(&*store, "patient").await;
    assert_eq!(claim(&*store, &other, 10).await, [""; 0]);
    under_test.advance(Duration::from_millis(2)).await;
    assert_eq!(claim(&*store, &other, 10).await, ["g"], "it was silent for longer than it may");
}

/// A search for what a node holds without driving it finds all of that.
pub async fn what_a_node_holds_is_found_page_by_page(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let (tokens, other) = (join(&*store, "a").await, join(&*store, "b").await);
    for index in 0..40 {
        create_held(under_test, saga(&format!("own{index}"), now), &tokens).await;
        create_held(under_test, saga(&format!("other{index}"), now), &other).await;
    }
    let (mut found, mut cursor) = (std::collections::BTreeSet::new(), None);
    loop {
        let page = store.held(tokens.node(), tokens.epoch(), cursor.as_ref(), 7).await.unwrap();
        let held = |listed: &&crate::Listed| listed.owner.held && listed.owner.token.node == *tokens.node();
        found.extend(page.transactions.iter().filter(held).map(|one| one.definition.gid.to_string()));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, (0..40).map(|index| format!("own{index}")).collect());
}

/// A node whose heartbeat is late still drives what it holds, and does not take it from itself.
pub async fn a_claimer_never_gets_what_it_holds_itself(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let late = join(&*store, "late").await;
    create_held(under_test, saga("held", now), &late).await;
    create_released(under_test, saga("free", now), &late, now).await;
    outlive_nodes(under_test).await;
    assert_eq!(claim(&*store, &late, 10).await, ["free"]);
    assert_eq!(claim(&*store, &late, 10).await, [""; 0]);
}

/// A node that was started again has lost what its earlier start held.
pub async fn what_an_earlier_epoch_held_is_claimed(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let (first, other) = (join(&*store, "a").await, join(&*store, "b").await);
    create_held(under_test, saga("g1", now), &first).await;
    create_held(under_test, saga("g2", now), &other).await;
    assert_eq!(claim(&*store, &first, 10).await, [""; 0]);
    let second = join(&*store, "a").await;
    create_held(under_test, saga("g3", now), &second).await;
    assert_eq!(claim(&*store, &second, 10).await, ["g1"]);
    assert_eq!(load(&*store, "g1").await.owner.token.epoch, second.epoch());
}

/// A node that left, and one that nobody knows, hold nothing.
pub async fn what_a_node_held_that_left_is_claimed(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let (leaving, other) = (join(&*store, "leaving").await, join(&*store, "other").await);
    create_held(under_test, saga("g1", now), &leaving).await;
    create_held(under_test, saga("g2", now), &TokenSource::new(node("unknown"), Epoch(1))).await;
    store.leave(&node("leaving"), leaving.epoch()).await.unwrap();
    let claimed: BTreeSet<_> = claim(&*store, &other, 10).await.into_iter().collect();
    assert_eq!(claimed, BTreeSet::from(["g1".to_owned(), "g2".to_owned()]));
}

/// I2: nobody drives what is finished, whoever held it last.
pub async fn what_is_finished_is_never_claimed(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let (driver, other) = (join(&*store, "driver").await, join(&*store, "other").await);
    create_held(under_test, saga("held", now), &driver).await;
    create_released(under_test, saga("released", now), &driver, now).await;
    create_held(under_test, saga("taken", now), &driver).await;
    for id in ["held", "released"] {
        finish(under_test, id).await;
    }
    let stored = load(&*store, "taken").await;
    let mut releasing = super::fixtures::finish_of(&stored, now);
    releasing.owner = NewOwner::Release;
    store.commit(releasing).await.unwrap();
    store.leave(&node("driver"), driver.epoch()).await.unwrap();
    outlive_nodes(under_test).await;
    assert_eq!(claim(&*store, &other, 10).await, [""; 0]);
}

/// A claimer can go on at once, with all branches.
pub async fn what_is_claimed_brings_its_branches(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_released(under_test, tcc("g", now), &tokens, now).await;
    register(&*store, "g", 0, &[branch("02"), branch("01")]).await.unwrap();
    let claims = store.claim_due(&tokens, 1).await.unwrap();
    assert_eq!(claims.claimed[0].transaction.registrations, [branch("02"), branch("01")]);
    store.commit(commit_of(&claims.claimed[0], |state| state.failures = 1)).await.unwrap();
}

/// No two drivers: several claimers at the same moment share what is due without overlap and without rest.
pub async fn eight_claimers_at_once_never_get_the_same_transaction(under_test: &mut impl StoreUnderTest) {
    // behaviour 103
    let (store, now) = (under_test.store(), under_test.now());
    let dead = TokenSource::new(node("dead"), Epoch(1));
    for index in 0..100 {
        create_released(under_test, saga(&format!("r{index}"), now), &dead, now).await;
        create_held(under_test, saga(&format!("h{index}"), now), &dead).await;
    }
    let claimers = (0..8).map(|index| {
        let store = Arc::clone(&store);
        async move {
            let tokens = join(&*store, &format!("n{index}")).await;
            let mut own = Vec::new();
            loop {
                let some = claim(&*store, &tokens, 7).await;
                if some.is_empty() {
                    return own;
                }
                assert!(some.len() <= 7);
                own.extend(some);
            }
        }
    });
    let claimed = at_once(claimers).await.concat();
    let distinct: BTreeSet<_> = claimed.iter().collect();
    assert_eq!((claimed.len(), distinct.len()), (200, 200));
    let tokens = all_tokens(&*store).await;
    assert_eq!(tokens.len(), 200, "each has a token of its own");
}

async fn all_tokens(store: &dyn Store) -> BTreeSet<String> {
    let page = store.scan(&crate::Filter::default(), None, 1_000).await.unwrap();
    page.transactions.iter().map(|listed| listed.owner.token.to_string()).collect()
}
