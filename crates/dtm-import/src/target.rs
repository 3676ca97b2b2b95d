//! Writing transactions into a store of ours.
//!
//! A store creates a transaction without registered branches, and adds them while it is prepared. In between it
//! must not move: it is prepared with a time-out that never comes, it is due at the end of time, and nobody holds it.
//! Whoever dies in between leaves such a thing behind, and the next run completes it. A client could still name it, so
//! that it is written only while no server runs.

use std::sync::Arc;

use dtm_core::model::{
    Amendment, BranchStatus, Options, Registration, Seconds, State, Status, Timestamp, Transaction, rows,
};
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
pub(crate) enum Target {
    /// It is written.
    Written {
        /// Where.
        store: Arc<dyn Store>,
        /// What proves that the import owns what it creates.
        tokens: TokenSource,
    },
    /// A dry run: nothing is written. `None`: there is no store yet.
    LookedAt(Option<Arc<dyn Store>>),
}

impl Target {
    /// One that is written.
    pub(crate) async fn new(store: Option<Arc<dyn Store>>) -> Result<Self, ImportError> {
        let store = store.ok_or_else(|| Error::Fatal("there is none".to_owned()))?;
        let node = NodeName::parse(NODE)?;
        let epoch = store.join(&node).await?;
        Ok(Self::Written { store, tokens: TokenSource::new(node, epoch) })
    }

    /// One that is only looked at.
    pub(crate) const fn looked_at(store: Option<Arc<dyn Store>>) -> Self {
        Self::LookedAt(store)
    }

    /// Says goodbye and closes the store.
    pub(crate) async fn close(self) -> Result<(), ImportError> {
        match self {
            Self::Written { store, tokens } => {
                store.leave(tokens.node(), tokens.epoch()).await?;
                store.close().await?;
            }
            Self::LookedAt(Some(store)) => store.close().await?,
            Self::LookedAt(None) => {}
        }
        Ok(())
    }

    /// Takes a transaction, unless something is in the way.
    pub(crate) async fn take(&self, transaction: Transaction) -> Result<Taken, Error> {
        match self {
            Self::Written { store, tokens } => Writer { store, tokens }.take(transaction).await,
            Self::LookedAt(None) => Ok(Taken::New),
            Self::LookedAt(Some(store)) => Ok(match store.load(transaction.gid()).await? {
                None => Taken::New,
                Some(stored) if is_half(&stored) => Taken::New,
                Some(stored) => compared(&stored, &transaction),
            }),
        }
    }
}

struct Writer<'t> {
    store: &'t Arc<dyn Store>,
    tokens: &'t TokenSource,
}

impl Writer<'_> {
    async fn take(&self, transaction: Transaction) -> Result<Taken, Error> {
        let owner = Ownership { token: self.tokens.fresh(), held: false };
        let whole = transaction.registrations.is_empty();
        if !whole && let Some(stored) = self.store.load(transaction.gid()).await? {
            return self.met(stored, transaction).await;
        }
        if !whole && let Some(reason) = self.company().await? {
            return Ok(Taken::Conflict(reason));
        }
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
                Some(stored) => self.met(stored, transaction).await,
                None => {
                    Ok(Taken::Conflict("it is there and then it is not: somebody else works here".to_owned()))
                }
            },
            Err(error @ Error::Rejected { .. }) => Ok(Taken::Conflict(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// Something has that gid.
    async fn met(&self, stored: Stored, transaction: Transaction) -> Result<Taken, Error> {
        if !is_half(&stored) {
            return Ok(compared(&stored, &transaction));
        }
        match self.company().await? {
            Some(reason) => Ok(Taken::Conflict(reason)),
            None => self.complete(&stored, transaction).await,
        }
    }

    /// Why a transaction with registered branches cannot be written now. A client of a server that runs could submit it
    /// while only some of its branches are there, and the others would never be called.
    async fn company(&self) -> Result<Option<String>, Error> {
        let alive = self.store.alive().await?;
        let mut others = alive.iter().map(NodeName::as_str).filter(|name| *name != NODE);
        Ok(others.next().map(|name| {
            format!(
                "its branches were registered, which takes several writes, and the server {name} runs on this store (or \
                 was killed a moment ago): stop every server on it, then run the import again"
            )
        }))
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
    if let Some(reason) = ended_there_only(stored, ours) {
        return Taken::Conflict(reason);
    }
    Taken::Before
}

/// What ended there and has not ended so here: DTM has called it since the transaction was taken.
fn ended_there_only(stored: &Transaction, ours: &Transaction) -> Option<String> {
    let progress = |of: &Transaction, index| of.state.progress_of(index).status;
    rows(ours).into_iter().find_map(|row| {
        let (there, here) = (progress(ours, row.index), progress(stored, row.index));
        (there != BranchStatus::Prepared && there != here).then(|| {
            format!(
                "DTM has gone on with it since it was taken: branch {} {} is {} there and {} here",
                row.branch_id,
                row.op.as_str(),
                there.as_str(),
                here.as_str()
            )
        })
    })
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
    use dtm_core::model::{BranchId, BranchProgress, Definition, Gid, Plan, Protocol};
    use dtm_store::{NodeStore, TransactionStore};
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
        let target = Target::new(Some(Arc::clone(&store) as Arc<dyn Store>)).await.unwrap();
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
            let Target::Written { tokens, .. } = &target else { panic!() };
            let token = tokens.fresh();
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

    #[tokio::test]
    async fn a_branch_that_dtm_has_called_after_it_was_taken_is_a_conflict() {
        let (store, target) = target().await;
        target.take(tcc()).await.unwrap();
        let mut later = tcc();
        let ended = BranchProgress { status: BranchStatus::Succeed, ..BranchProgress::UNTOUCHED };
        later.state.progress = vec![ended];
        let reason = "branch 01 cancel is succeed there and prepared here";
        assert!(
            matches!(target.take(later.clone()).await.unwrap(), Taken::Conflict(why) if why.contains(reason))
        );
        // What goes on here is no difference.
        let (mut here, owner) = (tcc().state, store.load(tcc().gid()).await.unwrap().unwrap().owner.token);
        here.progress = vec![ended, BranchProgress::UNTOUCHED, ended];
        let expect = Expect { status: Status::Aborting, owner, registered: 2 };
        let due = Some(here.next_retry);
        let commit = Commit { gid: tcc().gid().clone(), expect, state: here, owner: NewOwner::Release, due };
        store.commit(commit).await.unwrap();
        assert_eq!(target.take(later).await.unwrap(), Taken::Before);
        assert_eq!(target.take(tcc()).await.unwrap(), Taken::Before);
    }

    #[tokio::test]
    async fn beside_a_server_that_runs_only_what_is_written_at_once_is_taken() {
        let (store, target) = target().await;
        let server = NodeName::parse("server-1").unwrap();
        let epoch = store.join(&server).await.unwrap();
        assert!(
            matches!(target.take(tcc()).await.unwrap(), Taken::Conflict(why) if why.contains("server-1"))
        );
        assert!(store.load(tcc().gid()).await.unwrap().is_none());
        let without_branches = Transaction { registrations: Vec::new(), ..tcc() };
        assert_eq!(target.take(without_branches).await.unwrap(), Taken::New);
        store.leave(&server, epoch).await.unwrap();
        let other = |mut it: Transaction| {
            it.definition.gid = Gid::parse("h").unwrap();
            it
        };
        assert_eq!(target.take(other(tcc())).await.unwrap(), Taken::New);
        store.join(&server).await.unwrap();
        assert_eq!(target.take(other(tcc())).await.unwrap(), Taken::Before);
    }
}
