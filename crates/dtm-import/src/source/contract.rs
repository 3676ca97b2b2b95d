//! What every source can do.

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
}

/// Where a source puts what it finds. Bounded: whoever reads faster than the target writes, waits.
pub(crate) type Output = mpsc::Sender<Item>;

/// What the source looks like at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    /// Changes when DTM works.
    pub(crate) fingerprint: String,
    /// The newest time in it that is known, in milliseconds since the Unix epoch.
    pub(crate) newest: Option<u64>,
    /// Its own clock, in milliseconds since the Unix epoch.
    pub(crate) now: u64,
    /// Connections of others that were used a moment ago.
    pub(crate) others: u64,
}

/// The store of a stopped DTM.
#[async_trait]
pub(crate) trait Source: Send {
    /// A glance, cheap enough to be repeated.
    async fn look(&mut self) -> Result<Look, ImportError>;

    /// Everything, page by page. Ends early when nobody takes it any more.
    async fn read(&mut self, output: &Output) -> Result<(), ImportError>;
}
