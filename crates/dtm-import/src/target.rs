//! Writing transactions into a store of ours.
//!
//! A store creates a transaction without registered branches, and adds them while it is prepared. In between it
//! must not move: it is prepared with a time-out that never comes, it is due at the end of time, and nobody holds it.
//! Whoever dies in between leaves such a thing behind, and the next run completes it.

use std::sync::Arc;

use dtm_core::model::{Amendment, Options, Registration, Seconds, State, Status, Timestamp, Transaction};
use dtm_store::{
    Commit, Error, Expect, NewOwner, NewTransaction, NodeName, Ownership, Store, Stored, TokenSource,
};

use crate::ImportError;

/// The name under which the import owns what it creates.
const NODE: &str = "dtm-import";
/// The end of the year 9999.
const NEVER: Timestamp = Timestamp::from_millis(253_402_300_799_000);
/// How many branches are added at once.
const BRANCHES: usize = 500;

/// What became of a transaction or topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is there now.
    New,
    /// An earlier run took it; it may be further by now.
    Before,
    /// Something else is there.
    Conflict(String),
}

/// A store of ours.
pub(crate) struct Target {
    pub(crate) store: Arc<dyn Store>,
    /// `None` in a dry run: nothing is written.
    tokens: Option<TokenSource>,
}

impl Target {
    pub(crate) async fn new(store: Arc<dyn Store>, dry_run: bool) -> Result<Self, ImportError> {
        if dry_run {
            return Ok(Self { store, tokens: None });
        }
        let node = NodeName::parse(NODE)?;
        let epoch = store.join(&node).await?;
        Ok(Self { store, tokens: Some(TokenSource::new(node, epoch)) })
    }

    pub(crate) const fn writes(&self) -> bool {
        self.tokens.is_some()
    }

    /// Says goodbye and closes the store.
    pub(crate) async fn close(self) -> Result<(), ImportError> {
        if let Some(tokens) = &self.tokens {
            self.store.leave(tokens.node(), tokens.epoch()).await?;
        }
        Ok(self.store.close().await?)
    }

    pub(crate) async fn take(&self, transaction: Transaction) -> Result<Taken, Error> {
        let Some(tokens) = &self.tokens else {
            return Ok(match self.store.load(transaction.gid()).await? {
                None => Taken::New,
                Some(stored) if is_half(&stored) => Taken::New,
                Some(stored) => compared(&stored, &transaction),
            });
        };
        let owner = Ownership { token: tokens.fresh(), held: false };
        let whole = transaction.registrations.is_empty();
        let new = if whole {
            NewTransaction { due: transaction.state.next_retry, transaction: transaction.clone(), owner }
        } else {
            NewTransaction { due: NEVER, transaction: half(&transaction), owner }
        };
        let stored =
            Stored { transaction: new.transaction.clone(), owner: new.owner.clone(), due: Some(new.due) };
        match self.store.create(new).await {
            Ok(()) if whole => Ok(Taken::New),
            Ok(()) => self.complete(&stored, transaction).await,
            Err(Error::AlreadyExists(_)) => match self.store.load(transaction.gid()).await? {
                Some(stored) if is_half(&stored) => self.complete(&stored, transaction).await,
                Some(stored) => Ok(compared(&stored, &transaction)),
                None => {
                    Ok(Taken::Conflict("it is there and then it is not: somebody else works here".to_owned()))
                }
            },
            Err(error @ Error::Rejected { .. }) => Ok(Taken::Conflict(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// Adds what a half transaction lacks.
    async fn complete(&self, stored: &Stored, whole: Transaction) -> Result<Taken, Error> {
        let gid = whole.gid().clone();
        if let Some(difference) = difference(&stored.transaction, &whole) {
            return Ok(Taken::Conflict(difference));
        }
        let token = &stored.owner.token;
        let mut registered = stored.transaction.registrations.len();
        for branches in whole.registrations.get(registered..).unwrap_or_default().chunks(BRANCHES) {
            self.store.register_branches(&gid, token, registered, branches.to_vec()).await?;
            registered += branches.len();
        }
        let due = Some(whole.state.next_retry);
        let expect = Expect { status: Status::Prepared, owner: token.clone(), registered };
        let commit = Commit { gid, expect, state: whole.state, owner: NewOwner::Release, due };
        match self.store.commit(commit).await {
            Ok(()) => Ok(Taken::New),
            Err(error @ Error::Conflict { .. }) => Ok(Taken::Conflict(error.to_string())),
            Err(error) => Err(error),
        }
    }
}

/// The transaction before its branches are there: it does nothing by itself.
fn half(whole: &Transaction) -> Transaction {
    let options =
        Options { timeout_to_fail: Some(Seconds::new(u32::MAX)), ..whole.definition.options.clone() };
    let state = State {
        status: Status::Prepared,
        progress: Vec::new(),
        next_retry: NEVER,
        amendment: Some(Amendment { options, delay: None }),
        ..whole.state.clone()
    };
    Transaction { definition: whole.definition.clone(), state, registrations: Vec::new() }
}

fn is_half(stored: &Stored) -> bool {
    stored.owner.token.node.as_str() == NODE
        && !stored.owner.held
        && stored.transaction.status() == Status::Prepared
        && stored.transaction.state.next_retry == NEVER
}

fn compared(stored: &Stored, ours: &Transaction) -> Taken {
    let stored = &stored.transaction;
    if let Some(difference) = difference(stored, ours) {
        return Taken::Conflict(difference);
    }
    if stored.registrations.len() < ours.registrations.len() || !may_follow(ours.status(), stored.status()) {
        return Taken::Conflict(format!(
            "DTM has gone on with it since it was taken: it is {} there and {} here",
            ours.status(),
            stored.status()
        ));
    }
    Taken::Before
}

/// What makes it another transaction, whatever has happened to it since.
fn difference(stored: &Transaction, ours: &Transaction) -> Option<String> {
    let (a, b) = (&stored.definition, &ours.definition);
    let field = if a.plan.mode() != b.plan.mode() {
        "trans_type"
    } else if a.created_at != b.created_at {
        "create_time"
    } else if a.plan != b.plan {
        "the branches"
    } else if a.options != b.options {
        "options"
    } else if a.protocol != b.protocol {
        "protocol"
    } else if a.custom_data != b.custom_data {
        "custom_data"
    } else if !one_begins_the_other(&stored.registrations, &ours.registrations) {
        "the registered branches"
    } else {
        return None;
    };
    Some(format!("another transaction has this gid here: {field} differs"))
}

fn one_begins_the_other(a: &[Registration], b: &[Registration]) -> bool {
    a.iter().zip(b).all(|(a, b)| a == b)
}

/// Whether a transaction that was `then` may be `now`.
const fn may_follow(then: Status, now: Status) -> bool {
    match (then, now) {
        (Status::Prepared, _) | (_, Status::Succeed | Status::Failed) => true,
        (Status::Submitted, Status::Submitted | Status::Aborting) | (Status::Aborting, Status::Aborting) => {
            true
        }
        (Status::Submitted | Status::Succeed | Status::Failed, Status::Prepared)
        | (Status::Aborting, Status::Prepared | Status::Submitted)
        | (Status::Succeed | Status::Failed, Status::Submitted | Status::Aborting) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use dtm_core::coordinator::Policy;
    use dtm_core::model::{BranchId, Definition, Gid, Plan, Protocol};
    use dtm_store::TransactionStore;
    use dtm_testkit::{ManualClock, MemoryStore};

    use super::*;

    fn tcc() -> Transaction {
        let definition = Definition {
            gid: Gid::parse("g").unwrap(),
            protocol: Protocol::Http,
            plan: Plan::Tcc,
            options: Options::default(),
            custom_data: String::new(),
            created_at: Timestamp::from_millis(1_000),
        };
        let branch = |id: &str| Registration::Tcc {
            branch_id: BranchId::parse(id).unwrap(),
            confirm: "http://s/confirm".into(),
            cancel: "http://s/cancel".into(),
            data: id.into(),
        };
        let mut transaction = Transaction::prepared(definition, &Policy::default());
        transaction.state.status = Status::Aborting;
        transaction.registrations = vec![branch("01"), branch("02")];
        transaction
    }

    async fn target() -> (Arc<MemoryStore>, Target) {
        let clock = ManualClock::new(Timestamp::from_millis(5_000));
        let store = Arc::new(MemoryStore::new(Arc::new(clock), Duration::from_secs(1)));
        let target = Target::new(Arc::clone(&store) as Arc<dyn Store>, false).await.unwrap();
        (store, target)
    }

    #[tokio::test]
    async fn what_is_taken_twice_is_taken_once() {
        let (store, target) = target().await;
        assert_eq!(target.take(tcc()).await.unwrap(), Taken::New);
        assert_eq!(target.take(tcc()).await.unwrap(), Taken::Before);
        let stored = store.load(tcc().gid()).await.unwrap().unwrap();
        assert_eq!(stored.transaction, tcc());
        assert_eq!((stored.due, stored.owner.held), (Some(tcc().state.next_retry), false));
    }

    #[tokio::test]
    async fn a_run_that_died_between_two_writes_is_completed_by_the_next() {
        for registered in 0..=2 {
            let (store, target) = target().await;
            let token = target.tokens.as_ref().unwrap().fresh();
            let owner = Ownership { token: token.clone(), held: false };
            let half = NewTransaction { transaction: half(&tcc()), owner, due: NEVER };
            store.create(half).await.unwrap();
            let branches = tcc().registrations[..registered].to_vec();
            if registered > 0 {
                store.register_branches(tcc().gid(), &token, 0, branches).await.unwrap();
            }
            let source = TokenSource::new(NodeName::parse("server").unwrap(), dtm_store::Epoch(1));
            assert_eq!(store.claim_due(&source, 10).await.unwrap().claimed, [], "nobody drives half of it");
            assert_eq!(target.take(tcc()).await.unwrap(), Taken::New);
            assert_eq!(store.load(tcc().gid()).await.unwrap().unwrap().transaction, tcc());
        }
    }

    #[tokio::test]
    async fn another_transaction_with_that_gid_is_a_conflict() {
        let (store, target) = target().await;
        target.take(tcc()).await.unwrap();
        let mut other = tcc();
        other.definition.created_at = Timestamp::from_millis(1_001);
        assert!(
            matches!(target.take(other).await.unwrap(), Taken::Conflict(why) if why.contains("create_time"))
        );
        let mut further = tcc();
        let Some(Registration::Tcc { branch_id, .. }) = further.registrations.get_mut(1) else { panic!() };
        *branch_id = BranchId::parse("03").unwrap();
        assert!(
            matches!(target.take(further).await.unwrap(), Taken::Conflict(why) if why.contains("registered"))
        );
        assert_eq!(store.load(tcc().gid()).await.unwrap().unwrap().transaction, tcc());
    }

    #[tokio::test]
    async fn what_dtm_has_gone_on_with_after_it_was_taken_is_a_conflict() {
        let (_, target) = target().await;
        let mut before = tcc();
        before.state.status = Status::Prepared;
        target.take(before).await.unwrap();
        assert!(matches!(target.take(tcc()).await.unwrap(), Taken::Conflict(why) if why.contains("gone on")));
    }
}
