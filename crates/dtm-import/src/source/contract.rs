//! What every source can do.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::{BranchRecord, GlobalRecord, ImportError, KeyValueRecord};

/// One thing that was found.
#[derive(Debug)]
pub(crate) enum Item {
    /// How many unfinished transactions there are, for the display of progress.
    Total(u64),
    /// An unfinished transaction with all its branches.
    Unfinished(Box<GlobalRecord>, Vec<BranchRecord>),
    /// A record that cannot be read.
    Unreadable { gid: String, mode: String, status: String, detail: String },
    /// Finished transactions of a mode and status.
    Finished { mode: String, status: String, count: u64 },
    /// A topic, or whatever else is in the table of keys and values.
    KeyValue(KeyValueRecord),
    /// One of these that cannot be read.
    UnreadableKeyValue { name: String, detail: String },
}

/// Where a source puts what it finds. Bounded: whoever reads faster than the target writes, waits.
pub(crate) type Output = mpsc::Sender<Item>;

/// What watching the source has shown. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Watched {
    /// What shows that a DTM works on it.
    pub(crate) running: Option<String>,
    /// When DTM has last written, as far as that is known.
    pub(crate) newest: Option<u64>,
    /// Its own clock.
    pub(crate) now: u64,
    /// Connections of others that were used a moment ago.
    pub(crate) others: u64,
}

/// How to watch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch {
    /// For how long. Zero: DTM is known to be stopped.
    pub(crate) span: Duration,
    /// A last write that is younger than this need not be known more exactly.
    pub(crate) young: Duration,
}

/// The store of a stopped DTM.
#[async_trait]
pub(crate) trait Source: Send {
    /// Watches whether DTM works on it. Called once, before anything else is read.
    async fn watch(&mut self, watch: Watch) -> Result<Watched, ImportError>;

    /// Everything, page by page. Ends early when nobody takes it any more.
    async fn read(&mut self, output: &Output) -> Result<(), ImportError>;
}
