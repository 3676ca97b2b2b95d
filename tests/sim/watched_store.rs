//! The store as one server process sees it: every operation passes the gate of the process, meets the faults
//! of the run, and is entered into the journal at the moment at which it is durable.
//!
//! The faults are made here and not by `SimStore`, because the invariants need that moment: a write whose
//! answer is lost is durable all the same, and one that a crash loses never was.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use dtm_core::model::{Gid, Registration, Timestamp};
use dtm_store::{
    Claims, Commit, Cursor, Epoch, Error, Filter, NewOwner, NewTransaction, NodeName, NodeStore, OwnerToken,
    Ownership, Page, Rescheduled, Store, Stored, Subscriber, TokenSource, Topic, TopicStore,
    TransactionStore, WriteStats,
};
use dtm_testkit::invariants::{Event, Journal};
use tokio::time::sleep;

use crate::buggy_store::BuggyStore;
use crate::faults::{Fate, Fault, Faults};
use crate::gate::Gate;

/// More operations than this in one run: somebody turns in circles without waiting.
pub(crate) const OPERATIONS_MAX: u64 = 200_000;

#[derive(Debug)]
pub(crate) struct WatchedStore {
    pub(crate) inner: Arc<BuggyStore>,
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    pub(crate) gate: Gate,
    pub(crate) operations: Arc<AtomicU64>,
}

impl WatchedStore {
    async fn begin(&self) {
        if self.operations.fetch_add(1, Ordering::Relaxed) >= OPERATIONS_MAX {
            self.gate.kill(); // ends the circles; the run reports it
        }
        self.gate.pass().await;
    }

    async fn read<T>(&self, operation: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.begin().await;
        let fate = self.faults.of_read();
        sleep(fate.before).await;
        self.gate.pass().await;
        if fate.fault.is_some() {
            return Err(failed());
        }
        let result = operation.await;
        sleep(fate.after).await;
        self.gate.pass().await;
        result
    }

    /// `operation` makes itself durable and enters itself into the journal without waiting for anything.
    async fn write<T: Send + 'static>(
        &self,
        what: String,
        operation: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        self.begin().await;
        let Fate { fault, before, after } = self.faults.of_write();
        if let Some(fault) = fault {
            self.journal.note(format!("{what}: {fault:?}"));
        }
        sleep(before).await;
        self.gate.pass().await;
        match fault {
            None | Some(Fault::FailsAfter | Fault::CrashAfter) => {}
            Some(Fault::FailsBefore) => return Err(failed()),
            Some(Fault::Late(span)) => {
                tokio::spawn(async move {
                    sleep(span).await;
                    drop(operation.await);
                });
                return Err(failed());
            }
            Some(Fault::CrashBefore) => return self.die().await,
        }
        let result = operation.await;
        match fault {
            Some(Fault::CrashAfter) => self.die().await,
            Some(Fault::FailsAfter) => Err(failed()),
            None | Some(Fault::FailsBefore | Fault::CrashBefore | Fault::Late(_)) => {
                sleep(after).await;
                self.gate.pass().await;
                result
            }
        }
    }

    async fn die<T>(&self) -> T {
        self.inner.crash();
        self.gate.kill();
        std::future::pending().await
    }
}

fn failed() -> Error {
    Error::Unavailable("simulated time-out".to_owned())
}

#[async_trait]
impl TransactionStore for WatchedStore {
    async fn create(&self, new: NewTransaction) -> Result<(), Error> {
        let (inner, journal) = (Arc::clone(&self.inner), self.journal.clone());
        let gid = new.transaction.gid().clone();
        let created = Event::Created {
            gid: gid.clone(),
            mode: new.transaction.mode(),
            status: new.transaction.status(),
            owner: new.owner.clone(),
        };
        self.write(format!("{gid} creation"), async move {
            inner.create(new).await?;
            journal.record(created);
            Ok(())
        })
        .await
    }

    async fn load(&self, gid: &Gid) -> Result<Option<Stored>, Error> {
        self.read(self.inner.load(gid)).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), Error> {
        let (inner, journal) = (Arc::clone(&self.inner), self.journal.clone());
        let gid = commit.gid.clone();
        let expected = commit.expect.owner.clone();
        let owner = match &commit.owner {
            NewOwner::Keep => Ownership { token: expected.clone(), held: true },
            NewOwner::Take(token) => Ownership { token: token.clone(), held: true },
            NewOwner::Release => Ownership { token: expected.clone(), held: false },
        };
        let committed = Event::Committed { gid: gid.clone(), status: commit.state.status, expected, owner };
        self.write(format!("{gid} commit {}", commit.state.status), async move {
            match inner.commit(commit).await {
                Ok(()) => journal.record(committed),
                Err(error) => {
                    journal.note(format!("{gid} {error}"));
                    return Err(error);
                }
            }
            Ok(())
        })
        .await
    }

    async fn register_branches(
        &self,
        gid: &Gid,
        owner: &OwnerToken,
        registered: usize,
        branches: Vec<Registration>,
    ) -> Result<(), Error> {
        let (inner, journal, gid) = (Arc::clone(&self.inner), self.journal.clone(), gid.clone());
        let owner = owner.clone();
        self.write(format!("{gid} registration"), async move {
            let ids: Vec<_> = branches.iter().map(|branch| branch.branch_id().clone()).collect();
            inner.register_branches(&gid, &owner, registered, branches).await?;
            for branch_id in ids {
                journal.record(Event::Registered { gid: gid.clone(), branch_id });
            }
            Ok(())
        })
        .await
    }

    async fn claim_due(&self, tokens: &TokenSource, limit: usize) -> Result<Claims, Error> {
        // The token source lives with the engine; a claim that comes late is one whose answer is lost.
        self.begin().await;
        let Fate { fault, before, after } = self.faults.of_write();
        if let Some(fault) = fault {
            self.journal.note(format!("claim: {fault:?}"));
        }
        sleep(before).await;
        self.gate.pass().await;
        match fault {
            Some(Fault::FailsBefore) => return Err(failed()),
            Some(Fault::CrashBefore) => return self.die().await,
            None | Some(Fault::FailsAfter | Fault::Late(_) | Fault::CrashAfter) => {}
        }
        let claims = self.inner.claim_due(tokens, limit).await?;
        for stored in &claims.claimed {
            let gid = stored.transaction.gid().clone();
            self.journal.record(Event::Claimed { gid, owner: stored.owner.clone() });
        }
        match fault {
            Some(Fault::CrashAfter) => return self.die().await,
            Some(Fault::FailsAfter | Fault::Late(_)) => return Err(failed()),
            None | Some(Fault::FailsBefore | Fault::CrashBefore) => {}
        }
        sleep(after).await;
        self.gate.pass().await;
        Ok(claims)
    }

    async fn reschedule(
        &self,
        later_than: Timestamp,
        limit: usize,
        except: &NodeName,
    ) -> Result<Rescheduled, Error> {
        let (inner, except) = (Arc::clone(&self.inner), except.clone());
        self.write("reschedule".to_owned(), async move { inner.reschedule(later_than, limit, &except).await })
            .await
    }

    async fn scan(&self, filter: &Filter, after: Option<&Cursor>, limit: usize) -> Result<Page, Error> {
        self.read(self.inner.scan(filter, after, limit)).await
    }

    async fn purge(&self, finished_before: Timestamp, limit: usize) -> Result<usize, Error> {
        let inner = Arc::clone(&self.inner);
        self.write("purge".to_owned(), async move { inner.purge(finished_before, limit).await }).await
    }
}

#[async_trait]
impl TopicStore for WatchedStore {
    async fn load_topic(&self, name: &str) -> Result<Option<Topic>, Error> {
        self.read(self.inner.load_topic(name)).await
    }

    async fn save_topic(
        &self,
        name: &str,
        subscribers: &[Subscriber],
        expected: Option<&Topic>,
    ) -> Result<u64, Error> {
        self.inner.save_topic(name, subscribers, expected).await
    }

    async fn delete_topic(&self, name: &str) -> Result<(), Error> {
        self.inner.delete_topic(name).await
    }

    async fn scan_topics(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Topic>, Option<Cursor>), Error> {
        self.read(self.inner.scan_topics(after, limit)).await
    }
}

#[async_trait]
impl NodeStore for WatchedStore {
    async fn join(&self, node: &NodeName) -> Result<Epoch, Error> {
        self.inner.join(node).await
    }

    async fn heartbeat(&self, node: &NodeName, epoch: Epoch) -> Result<(), Error> {
        let (inner, node) = (Arc::clone(&self.inner), node.clone());
        self.write("heartbeat".to_owned(), async move { inner.heartbeat(&node, epoch).await }).await
    }

    async fn forget_dead(&self, dead_for: Duration) -> Result<usize, Error> {
        self.journal.note(format!("forgetting servers that are dead for {dead_for:?}"));
        self.inner.forget_dead(dead_for).await
    }

    async fn alive(&self) -> Result<Vec<NodeName>, Error> {
        self.read(self.inner.alive()).await
    }

    async fn leave(&self, node: &NodeName, epoch: Epoch) -> Result<(), Error> {
        let (inner, node) = (Arc::clone(&self.inner), node.clone());
        self.write("leave".to_owned(), async move { inner.leave(&node, epoch).await }).await
    }
}

#[async_trait]
impl Store for WatchedStore {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn queue_depth(&self) -> usize {
        self.inner.queue_depth()
    }

    fn write_stats(&self) -> WriteStats {
        self.inner.write_stats()
    }

    async fn health(&self) -> Result<(), Error> {
        self.inner.health().await
    }

    async fn close(&self) -> Result<(), Error> {
        self.inner.close().await
    }
}
