//! The store of a run, with the planted bug, if there is one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;

use dtm_core::model::{Gid, Registration, Timestamp};
use dtm_store::{
    Claims, Commit, Cursor, Epoch, Error, Expect, Filter, NewOwner, NewTransaction, NodeName, NodeStore,
    OwnerToken, Page, Rescheduled, Store, Stored, Subscriber, TokenSource, Topic, TopicStore,
    TransactionStore, WriteStats,
};
use dtm_testkit::MemoryStore;

use crate::bug::Bug;

/// How long an acknowledged creation stays in memory when the store has that bug.
const BEFORE_IT_IS_DURABLE: Duration = Duration::from_millis(120);

#[derive(Debug)]
pub(crate) struct BuggyStore {
    inner: Arc<MemoryStore>,
    bug: Option<Bug>,
    expired: Mutex<BTreeSet<Gid>>,
    not_durable: Arc<Mutex<BTreeSet<Gid>>>,
}

impl BuggyStore {
    pub(crate) fn new(inner: MemoryStore, bug: Option<Bug>) -> Self {
        Self { inner: Arc::new(inner), bug, expired: Mutex::default(), not_durable: Arc::default() }
    }

    /// What the machine does to the store when a server on it dies.
    pub(crate) fn crash(&self) {
        self.not_durable.lock().clear();
    }

    fn is_expired(&self, gid: &Gid) -> bool {
        self.expired.lock().contains(gid)
    }

    /// The creation becomes durable a little later, unless a crash comes first.
    fn acknowledge_early(&self, new: NewTransaction) {
        let gid = new.transaction.gid().clone();
        self.not_durable.lock().insert(gid.clone());
        let (inner, not_durable) = (Arc::clone(&self.inner), Arc::clone(&self.not_durable));
        tokio::spawn(async move {
            tokio::time::sleep(BEFORE_IT_IS_DURABLE).await;
            if not_durable.lock().remove(&gid) {
                drop(inner.create(new).await);
            }
        });
    }

    /// Writes with whatever owner there is now.
    async fn commit_unfenced(&self, commit: Commit) -> Result<(), Error> {
        let Some(stored) = self.inner.load(&commit.gid).await? else {
            return Err(Error::NotFound(commit.gid.to_string()));
        };
        let expect = Expect { owner: stored.owner.token, ..commit.expect.clone() };
        let owner = match commit.owner {
            NewOwner::Keep => NewOwner::Take(commit.expect.owner.clone()),
            other => other,
        };
        self.inner.commit(Commit { expect, owner, ..commit }).await
    }
}

#[async_trait]
impl TransactionStore for BuggyStore {
    async fn create(&self, new: NewTransaction) -> Result<(), Error> {
        if self.bug == Some(Bug::AcknowledgesTooEarly)
            && self.inner.load(new.transaction.gid()).await?.is_none()
        {
            self.acknowledge_early(new);
            return Ok(());
        }
        self.inner.create(new).await
    }

    async fn load(&self, gid: &Gid) -> Result<Option<Stored>, Error> {
        if self.is_expired(gid) {
            return Ok(None);
        }
        self.inner.load(gid).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), Error> {
        if self.is_expired(&commit.gid) {
            return Err(Error::NotFound(commit.gid.to_string()));
        }
        match self.bug {
            Some(Bug::LosesTheEnd) if commit.state.status.is_final() => Ok(()),
            Some(Bug::IgnoresTheFence) => self.commit_unfenced(commit).await,
            Some(Bug::ExpiresTheUnfinished) if commit.state.failures > 2 => {
                let gid = commit.gid.clone();
                self.inner.commit(commit).await?;
                self.expired.lock().insert(gid);
                Ok(())
            }
            _ => self.inner.commit(commit).await,
        }
    }

    async fn register_branches(
        &self,
        gid: &Gid,
        owner: &OwnerToken,
        registered: usize,
        branches: Vec<Registration>,
    ) -> Result<(), Error> {
        if self.bug == Some(Bug::DropsARegistration) && registered == 1 {
            return Ok(());
        }
        if self.bug == Some(Bug::IgnoresARaceOfBranches)
            && let Some(stored) = self.inner.load(gid).await?
        {
            let registered = stored.transaction.registrations.len();
            return self.inner.register_branches(gid, &stored.owner.token, registered, branches).await;
        }
        self.inner.register_branches(gid, owner, registered, branches).await
    }

    async fn claim_due(&self, tokens: &TokenSource, limit: usize) -> Result<Claims, Error> {
        let mut claims = self.inner.claim_due(tokens, limit).await?;
        claims.claimed.retain(|stored| !self.is_expired(stored.transaction.gid()));
        Ok(claims)
    }

    async fn reschedule(
        &self,
        later_than: Timestamp,
        limit: usize,
        except: &NodeName,
    ) -> Result<Rescheduled, Error> {
        self.inner.reschedule(later_than, limit, except).await
    }

    async fn scan(&self, filter: &Filter, after: Option<&Cursor>, limit: usize) -> Result<Page, Error> {
        let mut page = self.inner.scan(filter, after, limit).await?;
        page.transactions.retain(|listed| !self.is_expired(&listed.definition.gid));
        Ok(page)
    }

    async fn purge(&self, finished_before: Timestamp, limit: usize) -> Result<usize, Error> {
        self.inner.purge(finished_before, limit).await
    }
}

#[async_trait]
impl TopicStore for BuggyStore {
    async fn load_topic(&self, name: &str) -> Result<Option<Topic>, Error> {
        self.inner.load_topic(name).await
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
        self.inner.scan_topics(after, limit).await
    }
}

#[async_trait]
impl NodeStore for BuggyStore {
    async fn join(&self, node: &NodeName) -> Result<Epoch, Error> {
        self.inner.join(node).await
    }

    async fn heartbeat(&self, node: &NodeName, epoch: Epoch) -> Result<(), Error> {
        self.inner.heartbeat(node, epoch).await
    }

    async fn alive(&self) -> Result<Vec<NodeName>, Error> {
        self.inner.alive().await
    }

    async fn leave(&self, node: &NodeName, epoch: Epoch) -> Result<(), Error> {
        self.inner.leave(node, epoch).await
    }
}

#[async_trait]
impl Store for BuggyStore {
    fn name(&self) -> &'static str {
        "simulated"
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
