//! One batch: all operations against one view, one write, one sync.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::Timestamp;
use dtm_store::group_commit;
use dtm_store::{Clock, Error};
use parking_lot::Mutex;

use crate::engine::{Engine, Overlay};
use crate::error::Failure;
use crate::index::Index;
use crate::node::Nodes;
use crate::operation::{Operation, Output};
use crate::schema::Meta;

/// The committer's side of the store.
pub(crate) struct Backend {
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    node_timeout: Duration,
    /// Only the one committer takes this lock; it is held while a batch is written, because the next batch
    /// must not begin before.
    writer: Mutex<Writer>,
}

/// What the committer knows besides the tree.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) meta: Meta,
    pub(crate) index: Index,
    pub(crate) nodes: Nodes,
}

/// A batch that is being put together. A refused operation has written nothing into it.
pub(crate) struct Batch<'a> {
    pub(crate) view: Overlay<'a>,
    pub(crate) meta: &'a mut Meta,
    pub(crate) index: &'a mut Index,
    pub(crate) nodes: &'a mut Nodes,
    pub(crate) now: Timestamp,
    pub(crate) node_timeout: Duration,
}

type Results = Vec<Result<Output, Error>>;

impl Backend {
    pub(crate) fn new(
        engine: Arc<Engine>,
        clock: Arc<dyn Clock>,
        node_timeout: Duration,
        writer: Writer,
    ) -> Self {
        Self { engine, clock, node_timeout, writer: Mutex::new(writer) }
    }

    fn write(&self, operations: &[Operation]) -> Result<Results, Error> {
        self.engine.check()?;
        let mut writer = self.writer.lock();
        let Writer { meta, index, nodes } = &mut *writer;
        let mut batch = Batch {
            view: Overlay::new(self.engine.tree()),
            meta,
            index,
            nodes,
            now: self.clock.now(),
            node_timeout: self.node_timeout,
        };
        let mut results = Vec::with_capacity(operations.len());
        for operation in operations {
            match batch.execute(operation) {
                Ok(output) => results.push(Ok(output)),
                Err(Failure::Refused(error)) => results.push(Err(error)),
                Err(Failure::Broken(detail)) => return Err(self.engine.give_up(&detail)),
            }
        }
        match batch.write(&self.engine) {
            Ok(()) => Ok(results),
            Err(failure) => Err(self.engine.give_up(&failure.to_string())),
        }
    }
}

#[async_trait::async_trait]
impl group_commit::Backend for Writing {
    type Operation = Operation;
    type Output = Output;

    async fn execute(&self, operations: Arc<Vec<Operation>>) -> Result<Results, Error> {
        let backend = Arc::clone(&self.0);
        match tokio::task::spawn_blocking(move || backend.write(&operations)).await {
            Ok(results) => results,
            // what a half-made batch has left in memory cannot be trusted
            Err(error) => Err(self.0.engine.give_up(&format!("it panicked: {error}"))),
        }
    }
}

/// The backend, shared with the thread that writes.
#[derive(Debug)]
pub(crate) struct Writing(pub(crate) Arc<Backend>);

impl Batch<'_> {
    fn execute(&mut self, operation: &Operation) -> Result<Output, Failure> {
        match operation {
            Operation::Create { row, definition, state } => self.create(row, definition, state),
            Operation::Commit { commit, state } => self.commit(commit, state),
            Operation::Register { gid, owner, registered, branches } => {
                self.register(gid, owner, *registered, branches)
            }
            Operation::Claim { tokens } => self.claim(tokens),
            Operation::Reschedule { later_than, limit, except } => {
                self.reschedule(*later_than, *limit, except)
            }
            Operation::Purge { finished_before, limit } => self.purge(*finished_before, *limit),
            Operation::SaveTopic { name, subscribers, expected } => {
                self.save_topic(name, subscribers, expected.as_ref())
            }
            Operation::DeleteTopic { name } => self.delete_topic(name),
            Operation::Join { node } => self.join(node),
            Operation::Heartbeat { node, epoch } => self.heartbeat(node, *epoch),
            Operation::Leave { node, epoch } => Ok(self.leave(node, *epoch)),
            Operation::Alive => Ok(self.alive()),
        }
    }

    /// Writes the batch, unless all of its operations were refused or only looked.
    fn write(self, engine: &Engine) -> Result<(), Failure> {
        if self.view.is_empty() {
            return Ok(());
        }
        let writes = self.view.seal(self.meta);
        engine.write(self.meta.batch, writes)
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("engine", &self.engine).finish_non_exhaustive()
    }
}
