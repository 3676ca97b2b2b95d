//! A store in memory.

use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::{Gid, Timestamp};
use dtm_store::{Clock, Error};

use super::{Medium, Reliable};

/// A store in memory: simple enough to be right, and the definition of right for the others. Everything it
/// does is a function of the order of the calls and of its clock.
#[derive(Debug)]
pub struct MemoryStore<M: Medium = Reliable> {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) node_timeout: Duration,
    pub(crate) medium: M,
}

impl MemoryStore {
    /// An empty store, whose nodes are dead when their heartbeat is older than `node_timeout`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, node_timeout: Duration) -> Self {
        Self { clock, node_timeout, medium: Reliable::default() }
    }

    /// A store with a copy of the present content, as after a restart of the server.
    #[must_use]
    pub fn reopen(&self) -> Self {
        Self {
            clock: Arc::clone(&self.clock),
            node_timeout: self.node_timeout,
            medium: Reliable::with(self.medium.tables()),
        }
    }

    /// A store with a copy of the present content, whose nodes are alive for another time.
    #[must_use]
    pub fn with_node_timeout(&self, node_timeout: Duration) -> Self {
        Self { node_timeout, ..self.reopen() }
    }
}

impl<M: Medium> MemoryStore<M> {
    /// Makes the record of a transaction unreadable.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn corrupt(&self, gid: &Gid) -> Result<(), Error> {
        self.medium
            .write(|tables| if tables.corrupt(gid) { Ok(()) } else { Err(Error::NotFound(gid.to_string())) })
            .await
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
