//! What the embedded store needs to know.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dtm_store::{Clock, SystemClock, group_commit};

/// The settings of a [`SledStore`](crate::SledStore).
#[derive(Debug, Clone)]
pub struct SledConfig {
    /// The folder. It is created when it does not exist.
    pub path: PathBuf,
    /// What due times and heartbeats are compared with.
    pub clock: Arc<dyn Clock>,
    /// How long after its last heartbeat a node counts as alive.
    pub node_timeout: Duration,
    /// How much of the tree sled keeps in memory, in bytes.
    pub cache_bytes: u64,
    /// How long each of the two parts of the journal becomes, in bytes. Both are read when the store is opened after a
    /// crash; the shorter they are, the more often sled has to be flushed.
    pub journal_bytes: u64,
    /// How many operations may wait; past it callers wait.
    pub queue_bound: std::num::NonZeroUsize,
}

impl SledConfig {
    /// The default settings for a store in `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            clock: Arc::new(SystemClock),
            node_timeout: Duration::from_secs(3),
            cache_bytes: 8 << 20,
            journal_bytes: 16 << 20,
            queue_bound: group_commit::Config::default().queue_bound,
        }
    }
}
