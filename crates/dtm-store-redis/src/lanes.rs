//! A queue of writes for each server: one that is silent or gone holds up nobody but those who need it.

use std::collections::BTreeMap;
use std::sync::Arc;

use dtm_store::group_commit::{Config, GroupCommit};
use dtm_store::{Error, WriteStats};
use parking_lot::RwLock;

use crate::backend::Backend;

/// The lanes, by the address of their server. There are as many as servers that anything was written to; one whose
/// server has gone waits for its return.
#[derive(Debug)]
pub(crate) struct Lanes {
    backend: Arc<Backend>,
    bounds: Config,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    lanes: BTreeMap<String, Arc<GroupCommit<Backend>>>,
    closed: bool,
}

impl Lanes {
    pub(crate) fn new(backend: Backend, bounds: Config) -> Self {
        Self { backend: Arc::new(backend), bounds, known: RwLock::default() }
    }

    /// The lane of a server. Needs a tokio runtime.
    pub(crate) fn of(&self, server: &str) -> Result<Arc<GroupCommit<Backend>>, Error> {
        if let Some(lane) = self.known.read().lanes.get(server) {
            return Ok(Arc::clone(lane));
        }
        let mut known = self.known.write();
        if known.closed {
            return Err(Error::Closed);
        }
        let lane = known
            .lanes
            .entry(server.to_owned())
            .or_insert_with(|| Arc::new(GroupCommit::start(&self.backend, self.bounds)));
        Ok(Arc::clone(lane))
    }

    fn all(&self) -> Vec<Arc<GroupCommit<Backend>>> {
        self.known.read().lanes.values().cloned().collect()
    }

    /// How many operations are accepted and not answered yet.
    pub(crate) fn queue_depth(&self) -> usize {
        self.known.read().lanes.values().map(|lane| lane.queue_depth()).sum()
    }

    /// What was written so far.
    pub(crate) fn stats(&self) -> WriteStats {
        self.known.read().lanes.values().map(|lane| lane.stats()).sum()
    }

    /// Accepts nothing more, and returns once all that was accepted is answered.
    pub(crate) async fn close(&self) {
        self.known.write().closed = true;
        futures_util::future::join_all(self.all().iter().map(|lane| lane.close())).await;
    }
}
