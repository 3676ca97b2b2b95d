//! The embedded store.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dtm_core::model::{Gid, Registration, Timestamp};
use dtm_store::codec::{encode_definition, encode_registration, encode_state};
use dtm_store::group_commit::{self, GroupCommit};
use dtm_store::precondition::{Head, check_due};
use dtm_store::{
    Claims, Commit, Cursor, Epoch, Error, Filter, NewTransaction, NodeName, NodeStore, Page, Rescheduled,
    Store, Stored, Subscriber, TokenSource, Topic, TopicStore, TransactionStore, WriteStats,
};
use parking_lot::Mutex;

use crate::SledConfig;
use crate::backend::{Backend, Writing};
use crate::engine::Engine;
use crate::error::{Failure, damaged};
use crate::operation::{Operation, Output};
use crate::schema::Row;
use crate::topic::{load_topic, scan_topics};
use crate::{open, scan, trans};

/// The longest text of a record, in bytes.
const RECORD_MAX: usize = 128 << 20;

/// How many transactions one claim brings at most; it is one batch, and others wait for it.
const CLAIM_MAX: usize = 256;

/// How many transactions one step of a mass change takes at most.
const STEP_MAX: usize = 1_000;

/// A store in a folder of this machine, for one server.
///
/// Whatever has returned `Ok` is on disk, and whatever a read shows is on disk as well. A failure of the disk
/// stops the store for good ([`Error::Fatal`]): nobody can know what was written then, and a restart finds out.
pub struct SledStore {
    path: PathBuf,
    /// `None` when closed. Taken out, so that the folder is free once the last reader has finished.
    engine: Mutex<Option<Arc<Engine>>>,
    queue: GroupCommit<Writing>,
}

impl SledStore {
    /// Opens the store, or creates it. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Fatal`] when the folder cannot be used: it is held by another server, damaged, of a newer
    /// format, no store, or not writable. The message says what to do.
    pub async fn open(config: SledConfig) -> Result<Self, Error> {
        let path = config.path.clone();
        let opening = {
            let config = config.clone();
            tokio::task::spawn_blocking(move || open::open(&config))
        };
        let (engine, writer) = match opening.await {
            Ok(opened) => opened?,
            // sled panics on some kinds of damage
            Err(error) => return Err(damaged(&path, &format!("the database cannot be read ({error})"))),
        };
        let backend = Backend::new(Arc::clone(&engine), config.clock, config.node_timeout, writer);
        let bounds = group_commit::Config {
            // one log, one flush at a time
            committers: NonZeroUsize::MIN,
            queue_bound: config.queue_bound,
            ..group_commit::Config::default()
        };
        let queue = GroupCommit::start(&Arc::new(Writing(Arc::new(backend))), bounds);
        Ok(Self { path, engine: Mutex::new(Some(engine)), queue })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn write(&self, operation: Operation) -> Result<Output, Error> {
        self.queue.submit("", operation).await
    }

    async fn write_only(&self, operation: Operation) -> Result<(), Error> {
        self.write(operation).await.map(|_| ())
    }

    /// Reads on a thread that may wait for the disk, and shows only what is durable.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Engine) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        let engine = self.engine.lock().clone().ok_or(Error::Closed)?;
        let reading = Arc::clone(&engine);
        let result = match tokio::task::spawn_blocking(move || read(&reading)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Failure::Refused(error))) => Err(error),
            Ok(Err(Failure::Broken(detail))) => Err(engine.failed(&detail)),
            Err(error) => Err(engine.failed(&format!("a read panicked: {error}"))),
        };
        engine.seen().await?;
        result
    }

    fn unexpected(&self, output: &Output) -> Error {
        Error::Fatal(format!(
            "the store in {} gave an answer to another question ({output:?}): this is a defect, report it",
            self.path.display()
        ))
    }
}

#[async_trait::async_trait]
impl TransactionStore for SledStore {
    async fn create(&self, new: NewTransaction) -> Result<(), Error> {
        let head = Head::created(&new)?;
        let definition = &new.transaction.definition;
        let rejected = |error: dtm_store::codec::CodecError| error.rejected(definition.gid.as_str());
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
        self.read(move |engine| engine.read(|tree| trans::load(tree, &gid)).map_err(|error| error.of(&gid)))
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
        registered: usize,
        branches: Vec<Registration>,
    ) -> Result<(), Error> {
        let branches: Vec<String> = branches
            .iter()
            .map(encode_registration)
            .collect::<Result<_, _>>()
            .map_err(|error| error.rejected(gid.as_str()))?;
        check_size(gid, branches.iter().map(String::len).max().unwrap_or(0))?;
        self.write_only(Operation::Register { gid: gid.clone(), registered, branches }).await
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

    async fn save_topic(&self, name: &str, subscribers: &[Subscriber], version: u64) -> Result<u64, Error> {
        let (name, subscribers) = (name.to_owned(), subscribers.to_vec());
        match self.write(Operation::SaveTopic { name, subscribers, version }).await? {
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
        self.queue.queue_depth()
    }

    fn write_stats(&self) -> WriteStats {
        self.queue.stats()
    }

    async fn health(&self) -> Result<(), Error> {
        self.read(|engine| {
            engine.check()?;
            engine.read(|tree| tree.get(crate::keys::META))?;
            Ok(())
        })
        .await
    }

    async fn close(&self) -> Result<(), Error> {
        self.queue.close().await;
        let Some(engine) = self.engine.lock().take() else { return Ok(()) };
        engine.check()?;
        // the last handle closes the database, which writes
        let closing = tokio::task::spawn_blocking(move || {
            let synced = engine.sync().and_then(|()| engine.sync_mark());
            synced.map_err(|error| match error {
                Failure::Refused(error) => error,
                Failure::Broken(detail) => engine.give_up(&detail),
            })
        });
        match closing.await {
            Ok(result) => result,
            Err(error) => {
                Err(crate::error::failed(&self.path, &format!("it panicked while it was closed: {error}")))
            }
        }
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

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore")
            .field("path", &self.path)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_whose_disk_has_failed_neither_writes_nor_shows_anything_and_says_what_to_do() {
        // what a failed flush has left on disk is not known: only a restart finds out
        let folder = tempfile::TempDir::new().unwrap();
        let store = SledStore::open(SledConfig::new(folder.path())).await.unwrap();
        let node = NodeName::parse("a").unwrap();
        store.join(&node).await.unwrap();
        let engine = store.engine.lock().clone().unwrap();
        engine.give_up("planted");
        for result in [
            store.join(&node).await.map(|_| ()),
            store.load_topic("t").await.map(|_| ()),
            store.health().await,
            store.close().await,
        ] {
            let Err(Error::Fatal(message)) = result else { panic!("{result:?}") };
            assert!(message.contains("planted") && message.contains("start the server again"), "{message}");
        }
    }
}
