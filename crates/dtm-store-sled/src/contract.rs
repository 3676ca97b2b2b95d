//! The contract of a store: what callers can do themselves is done here, in parallel, and the rest is queued.

use dtm_core::model::{Gid, Registration, Timestamp};
use dtm_store::codec::{CodecError, encode_definition, encode_registration, encode_state};
use dtm_store::precondition::{Head, check_due};
use dtm_store::{
    Claims, Commit, Cursor, Epoch, Error, Filter, NewTransaction, NodeName, NodeStore, OwnerToken, Page,
    Rescheduled, Store, Stored, Subscriber, TokenSource, Topic, TopicStore, TransactionStore, WriteStats,
};

use crate::SledStore;
use crate::operation::{Operation, Output};
use crate::schema::Row;
use crate::topic::{load_topic, scan_topics};
use crate::{keys, load, scan};

/// The longest text of a record, in bytes.
const RECORD_MAX: usize = 128 << 20;

/// How many transactions one claim brings at most; it is one batch, and others wait for it.
const CLAIM_MAX: usize = 256;

/// How many transactions one step of a mass change takes at most.
const STEP_MAX: usize = 1_000;

#[async_trait::async_trait]
impl TransactionStore for SledStore {
    async fn create(&self, new: NewTransaction) -> Result<(), Error> {
        let head = Head::created(&new)?;
        let definition = &new.transaction.definition;
        let rejected = |error: CodecError| error.rejected(definition.gid.as_str());
        let row = Row {
            gid: definition.gid.clone(),
            mode: definition.plan.mode(),
            created_at: definition.created_at,
            recorded_at: definition.created_at,
            finished_at: None,
            head,
        };
        let state = encode_state(&new.transaction.state).map_err(rejected)?;
        let definition = encode_definition(definition).map_err(rejected)?;
        check_size(&row.gid, definition.len().max(state.len()))?;
        self.write_only(Operation::Create { row, definition, state }).await
    }

    async fn load(&self, gid: &Gid) -> Result<Option<Stored>, Error> {
        let gid = gid.clone();
        self.read(move |engine| engine.read(|tree| load::load(tree, &gid)).map_err(|error| error.of(&gid)))
            .await
    }

    async fn commit(&self, commit: Commit) -> Result<(), Error> {
        check_due(&commit)?;
        let state = encode_state(&commit.state).map_err(|error| error.rejected(commit.gid.as_str()))?;
        check_size(&commit.gid, state.len())?;
        self.write_only(Operation::Commit { commit: Box::new(commit), state }).await
    }

    async fn register_branches(
        &self,
        gid: &Gid,
        owner: &OwnerToken,
        registered: usize,
        branches: Vec<Registration>,
    ) -> Result<(), Error> {
        let branches: Vec<String> = branches
            .iter()
            .map(encode_registration)
            .collect::<Result<_, _>>()
            .map_err(|error| error.rejected(gid.as_str()))?;
        check_size(gid, branches.iter().map(String::len).max().unwrap_or(0))?;
        let (gid, owner) = (gid.clone(), owner.clone());
        self.write_only(Operation::Register { gid, owner, registered, branches }).await
    }

    async fn claim_due(&self, tokens: &TokenSource, limit: usize) -> Result<Claims, Error> {
        let tokens = (0..limit.min(CLAIM_MAX)).map(|_| tokens.fresh()).collect();
        match self.write(Operation::Claim { tokens }).await? {
            Output::Claims(claims) => Ok(claims),
            other => Err(self.unexpected(&other)),
        }
    }

    async fn reschedule(
        &self,
        later_than: Timestamp,
        limit: usize,
        except: &NodeName,
    ) -> Result<Rescheduled, Error> {
        let (limit, except) = (limit.min(STEP_MAX), except.clone());
        match self.write(Operation::Reschedule { later_than, limit, except }).await? {
            Output::Rescheduled(rescheduled) => Ok(rescheduled),
            other => Err(self.unexpected(&other)),
        }
    }

    async fn scan(&self, filter: &Filter, after: Option<&Cursor>, limit: usize) -> Result<Page, Error> {
        let (filter, after) = (filter.clone(), after.cloned());
        self.read(move |engine| scan::scan(engine, &filter, after.as_ref(), limit)).await
    }

    async fn purge(&self, finished_before: Timestamp, limit: usize) -> Result<usize, Error> {
        let limit = limit.min(STEP_MAX);
        match self.write(Operation::Purge { finished_before, limit }).await? {
            Output::Purged(count) => Ok(count),
            other => Err(self.unexpected(&other)),
        }
    }
}

#[async_trait::async_trait]
impl TopicStore for SledStore {
    async fn load_topic(&self, name: &str) -> Result<Option<Topic>, Error> {
        let name = name.to_owned();
        self.read(move |engine| engine.read(|tree| load_topic(tree, &name))).await
    }

    async fn save_topic(
        &self,
        name: &str,
        subscribers: &[Subscriber],
        expected: Option<&Topic>,
    ) -> Result<u64, Error> {
        let (name, subscribers) = (name.to_owned(), subscribers.to_vec());
        let expected = expected.cloned();
        match self.write(Operation::SaveTopic { name, subscribers, expected }).await? {
            Output::Version(version) => Ok(version),
            other => Err(self.unexpected(&other)),
        }
    }

    async fn delete_topic(&self, name: &str) -> Result<(), Error> {
        self.write_only(Operation::DeleteTopic { name: name.to_owned() }).await
    }

    async fn scan_topics(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Topic>, Option<Cursor>), Error> {
        let after = after.cloned();
        self.read(move |engine| engine.read(|tree| scan_topics(tree, after.as_ref(), limit))).await
    }
}

#[async_trait::async_trait]
impl NodeStore for SledStore {
    async fn join(&self, node: &NodeName) -> Result<Epoch, Error> {
        match self.write(Operation::Join { node: node.clone() }).await? {
            Output::Epoch(epoch) => Ok(epoch),
            other => Err(self.unexpected(&other)),
        }
    }

    async fn heartbeat(&self, node: &NodeName, epoch: Epoch) -> Result<(), Error> {
        self.write_only(Operation::Heartbeat { node: node.clone(), epoch }).await
    }

    async fn alive(&self) -> Result<Vec<NodeName>, Error> {
        match self.write(Operation::Alive).await? {
            Output::Nodes(nodes) => Ok(nodes),
            other => Err(self.unexpected(&other)),
        }
    }

    async fn leave(&self, node: &NodeName, epoch: Epoch) -> Result<(), Error> {
        self.write_only(Operation::Leave { node: node.clone(), epoch }).await
    }
}

#[async_trait::async_trait]
impl Store for SledStore {
    fn name(&self) -> &'static str {
        "sled"
    }

    fn queue_depth(&self) -> usize {
        self.queue().queue_depth()
    }

    fn write_stats(&self) -> WriteStats {
        self.queue().stats()
    }

    async fn health(&self) -> Result<(), Error> {
        self.read(|engine| {
            engine.check()?;
            engine.read(|tree| tree.get(keys::META))?;
            Ok(())
        })
        .await
    }

    async fn close(&self) -> Result<(), Error> {
        self.shut().await
    }
}

/// Refuses what is too large before it is queued, so that no batch has to stop half-way.
fn check_size(gid: &Gid, bytes: usize) -> Result<(), Error> {
    if bytes <= RECORD_MAX {
        return Ok(());
    }
    Err(Error::Rejected {
        what: gid.to_string(),
        detail: format!(
            "{bytes} bytes are more than the {RECORD_MAX} that an embedded store keeps in one record"
        ),
    })
}
