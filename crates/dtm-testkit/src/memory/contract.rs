//! The contract of a store, over the tables.

use dtm_core::model::{Gid, Registration, Timestamp};
use dtm_store::{
    Claims, Commit, Cursor, Epoch, Error, Filter, NewTransaction, NodeName, NodeStore, OwnerToken, Page,
    Rescheduled, Store, Stored, Subscriber, TokenSource, Topic, TopicStore, TransactionStore, WriteStats,
};

use super::{Medium, MemoryStore};

#[async_trait::async_trait]
impl<M: Medium> TransactionStore for MemoryStore<M> {
    async fn create(&self, new: NewTransaction) -> Result<(), Error> {
        self.medium.write(|tables| tables.create(new)).await
    }

    async fn load(&self, gid: &Gid) -> Result<Option<Stored>, Error> {
        self.medium.read(|tables| tables.load(gid)).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), Error> {
        self.medium.write(|tables| tables.commit(commit)).await
    }

    async fn register_branches(
        &self,
        gid: &Gid,
        owner: &OwnerToken,
        registered: usize,
        branches: Vec<Registration>,
    ) -> Result<(), Error> {
        self.medium.write(|tables| tables.register_branches(gid, owner, registered, branches)).await
    }

    async fn claim_due(&self, tokens: &TokenSource, limit: usize) -> Result<Claims, Error> {
        self.medium.write(|tables| Ok(tables.claim_due(tokens, limit, self.now()))).await
    }

    async fn reschedule(
        &self,
        later_than: Timestamp,
        limit: usize,
        except: &NodeName,
    ) -> Result<Rescheduled, Error> {
        self.medium.write(|tables| Ok(tables.reschedule(later_than, limit, except, self.now()))).await
    }

    async fn scan(&self, filter: &Filter, after: Option<&Cursor>, limit: usize) -> Result<Page, Error> {
        self.medium.read(|tables| tables.scan(filter, after, limit)).await
    }

    async fn purge(&self, finished_before: Timestamp, limit: usize) -> Result<usize, Error> {
        self.medium.write(|tables| Ok(tables.purge(finished_before, limit))).await
    }
}

#[async_trait::async_trait]
impl<M: Medium> TopicStore for MemoryStore<M> {
    async fn load_topic(&self, name: &str) -> Result<Option<Topic>, Error> {
        self.medium.read(|tables| Ok(tables.topics.get(name).cloned())).await
    }

    async fn save_topic(
        &self,
        name: &str,
        subscribers: &[Subscriber],
        expected: Option<&Topic>,
    ) -> Result<u64, Error> {
        self.medium.write(|tables| tables.save_topic(name, subscribers, expected, self.now())).await
    }

    async fn delete_topic(&self, name: &str) -> Result<(), Error> {
        self.medium.write(|tables| tables.delete_topic(name)).await
    }

    async fn scan_topics(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Topic>, Option<Cursor>), Error> {
        self.medium.read(|tables| Ok(tables.scan_topics(after, limit))).await
    }
}

#[async_trait::async_trait]
impl<M: Medium> NodeStore for MemoryStore<M> {
    async fn join(&self, node: &NodeName) -> Result<Epoch, Error> {
        self.medium.write(|tables| Ok(tables.join(node, self.now(), self.node_timeout))).await
    }

    async fn heartbeat(&self, node: &NodeName, epoch: Epoch) -> Result<(), Error> {
        self.medium.write(|tables| tables.heartbeat(node, epoch, self.now())).await
    }

    async fn alive(&self) -> Result<Vec<NodeName>, Error> {
        self.medium.read(|tables| Ok(tables.living_nodes(self.now()))).await
    }

    async fn leave(&self, node: &NodeName, epoch: Epoch) -> Result<(), Error> {
        self.medium
            .write(|tables| {
                tables.leave(node, epoch);
                Ok(())
            })
            .await
    }
}

#[async_trait::async_trait]
impl<M: Medium> Store for MemoryStore<M> {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn queue_depth(&self) -> usize {
        0
    }

    fn write_stats(&self) -> WriteStats {
        self.medium.stats()
    }

    async fn health(&self) -> Result<(), Error> {
        self.medium.read(|_| Ok(())).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.medium.close();
        Ok(())
    }
}
