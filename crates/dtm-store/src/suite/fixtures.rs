//! Transactions for the cases, and the steps that all cases share.

use std::sync::Arc;
use std::time::Duration;

use dtm_core::coordinator::Policy;
use dtm_core::model::{
    BranchId, Definition, Gid, Options, Ordering, Plan, Protocol, Registration, Seconds, State, Status, Step,
    Timestamp, Transaction,
};
use tokio::task::JoinSet;

use super::StoreUnderTest;
use crate::{
    Commit, Error, Expect, NewOwner, NewTransaction, NodeName, OwnerToken, Ownership, Store, Stored,
    TokenSource,
};

/// Longer than any case needs to make something due.
pub(super) const SOON: Seconds = Seconds::new(10);

pub(super) fn gid(text: &str) -> Gid {
    Gid::parse(text).unwrap()
}

pub(super) fn node(text: &str) -> NodeName {
    NodeName::parse(text).unwrap()
}

pub(super) fn definition(id: &str, plan: Plan, created_at: Timestamp) -> Definition {
    Definition {
        gid: gid(id),
        protocol: Protocol::Http,
        plan,
        options: Options::default(),
        custom_data: String::new(),
        created_at,
    }
}

pub(super) fn saga_plan() -> Plan {
    Plan::Saga {
        steps: vec![
            Step::new("http://stock/deduct", "http://stock/refund", r#"{"amount":30}"#),
            Step::new("http://bank/debit", "", "{}"),
        ],
        ordering: Ordering::Sequential,
    }
}

/// A saga that goes forward.
pub(super) fn saga(id: &str, created_at: Timestamp) -> Transaction {
    Transaction::submitted(definition(id, saga_plan(), created_at), &Policy::default())
}

/// A TCC that waits for its branches and for its client's decision.
pub(super) fn tcc(id: &str, created_at: Timestamp) -> Transaction {
    Transaction::prepared(definition(id, Plan::Tcc, created_at), &Policy::default())
}

pub(super) fn branch(id: &str) -> Registration {
    Registration::Tcc {
        branch_id: BranchId::parse(id).unwrap(),
        confirm: format!("http://{id}/confirm").into(),
        cancel: format!("http://{id}/cancel").into(),
        data: format!("data of {id}").into(),
    }
}

/// Starts a node, and gives its tokens.
pub(super) async fn join(store: &dyn Store, name: &str) -> TokenSource {
    let epoch = store.join(&node(name)).await.unwrap();
    TokenSource::new(node(name), epoch)
}

pub(super) const fn held(token: OwnerToken) -> Ownership {
    Ownership { token, held: true }
}

pub(super) const fn released(token: OwnerToken) -> Ownership {
    Ownership { token, held: false }
}

/// Creates a transaction that its creator drives; gives the token.
pub(super) async fn create_held(
    under_test: &dyn StoreUnderTest,
    transaction: Transaction,
    tokens: &TokenSource,
) -> OwnerToken {
    let token = tokens.fresh();
    let due = under_test.now().plus(SOON);
    let new = NewTransaction { transaction, owner: held(token.clone()), due };
    under_test.store().create(new).await.unwrap();
    token
}

/// Creates a transaction that nobody drives; gives the token.
pub(super) async fn create_released(
    under_test: &dyn StoreUnderTest,
    transaction: Transaction,
    tokens: &TokenSource,
    due: Timestamp,
) -> OwnerToken {
    let token = tokens.fresh();
    let new = NewTransaction { transaction, owner: released(token.clone()), due };
    under_test.store().create(new).await.unwrap();
    token
}

/// What is stored; it has to be there.
pub(super) async fn load(store: &dyn Store, id: &str) -> Stored {
    match store.load(&gid(id)).await {
        Ok(Some(stored)) => stored,
        other => panic!("{id} should be there, but there is {other:?}"),
    }
}

/// Registers branches, decided on what is stored now and on that many branches.
pub(super) async fn register(
    store: &dyn Store,
    id: &str,
    registered: usize,
    branches: &[Registration],
) -> Result<(), Error> {
    let owner = load(store, id).await.owner.token;
    store.register_branches(&gid(id), &owner, registered, branches.to_vec()).await
}

/// A write that leaves everything as it is, except for `change`. It goes on being driven.
pub(super) fn commit_of(stored: &Stored, change: impl FnOnce(&mut State)) -> Commit {
    let mut state = stored.transaction.state.clone();
    let expect = Expect {
        status: state.status,
        owner: stored.owner.token.clone(),
        registered: stored.transaction.registrations.len(),
    };
    change(&mut state);
    let due = if state.status.is_final() { None } else { stored.due };
    Commit { gid: stored.transaction.gid().clone(), expect, state, owner: NewOwner::Keep, due }
}

/// A write that ends the transaction at `at`.
pub(super) fn finish_of(stored: &Stored, at: Timestamp) -> Commit {
    commit_of(stored, |state| {
        state.status = Status::Succeed;
        state.finished_at = Some(at);
        state.updated_at = at;
    })
}

/// Ends a transaction now.
pub(super) async fn finish(under_test: &dyn StoreUnderTest, id: &str) {
    let store = under_test.store();
    let stored = load(&*store, id).await;
    store.commit(finish_of(&stored, under_test.now())).await.unwrap();
}

/// The gids of what can be claimed now, in the order in which it is given.
pub(super) async fn claim(store: &dyn Store, tokens: &TokenSource, limit: usize) -> Vec<String> {
    let claims = store.claim_due(tokens, limit).await.unwrap();
    assert_eq!(claims.damaged, [], "nothing is damaged");
    claims.claimed.iter().map(|stored| stored.transaction.gid().to_string()).collect()
}

/// Lets a node be silent for longer than its time-out.
pub(super) async fn outlive_nodes(under_test: &dyn StoreUnderTest) {
    under_test.advance(under_test.node_timeout() + Duration::from_millis(1)).await;
}

/// Runs all of them at once; the results in their order.
pub(super) async fn at_once<T: Send + 'static>(
    calls: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut running = JoinSet::new();
    for (index, call) in calls.into_iter().enumerate() {
        running.spawn(async move { (index, call.await) });
    }
    let mut results = running.join_all().await;
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The write was refused, and what is stored is what was stored before.
pub(super) async fn assert_unchanged(store: &dyn Store, before: &Stored, result: Result<(), Error>) {
    assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");
    assert_eq!(&load(store, before.transaction.gid().as_str()).await, before);
}

/// Several handles of the store, for calls at once.
pub(super) fn eight(store: &Arc<dyn Store>) -> [Arc<dyn Store>; 8] {
    std::array::from_fn(|_| Arc::clone(store))
}
