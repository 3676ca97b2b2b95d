//! The queues in front of the committers.

use std::sync::Arc;

use dtm_store::group_commit::{self, GroupCommit};
use dtm_store::{Error, WriteStats};

use crate::SqlConfig;
use crate::backend::Backend;
use crate::config::at_least_one;
use crate::database::Database;
use crate::operation::Operation;

/// Where operations wait for a committer.
///
/// A database may be much cheaper with batches of one kind. Then states have committers of their own, and creations
/// and registrations have the others. Two writes of one transaction that are under way at the same time need no order
/// between them: each names what it expects to find, and the database compares.
#[derive(Debug)]
pub(crate) struct Queues {
    all: GroupCommit<Backend>,
    states: Option<GroupCommit<Backend>>,
}

impl Queues {
    pub(crate) fn start(database: &Arc<dyn Database>, config: &SqlConfig) -> Self {
        let backend = Arc::new(Backend { database: Arc::clone(database) });
        let start = |committers: usize| {
            let bounds = group_commit::Config {
                committers: at_least_one(committers),
                queue_bound: config.queue_bound,
                ..group_commit::Config::default()
            };
            GroupCommit::start(&backend, bounds)
        };
        let committers = config.committers.get();
        let of_states = if database.prefers_one_kind() { committers / 2 } else { 0 };
        Self { all: start(committers - of_states), states: (of_states > 0).then(|| start(of_states)) }
    }

    pub(crate) async fn submit(&self, operation: Operation) -> Result<(), Error> {
        let queue = match &operation {
            Operation::Commit(_) => self.states.as_ref().unwrap_or(&self.all),
            Operation::Create(_) | Operation::Register(_) => &self.all,
        };
        let gid = operation.gid().clone();
        queue.submit(gid.as_str(), operation).await
    }

    pub(crate) fn depth(&self) -> usize {
        self.each().map(GroupCommit::queue_depth).sum()
    }

    pub(crate) fn stats(&self) -> WriteStats {
        self.each().map(GroupCommit::stats).sum()
    }

    /// Writes what was accepted, and accepts no more.
    pub(crate) async fn close(&self) {
        for queue in self.each() {
            queue.close().await;
        }
    }

    fn each(&self) -> impl Iterator<Item = &GroupCommit<Backend>> {
        std::iter::once(&self.all).chain(&self.states)
    }
}
