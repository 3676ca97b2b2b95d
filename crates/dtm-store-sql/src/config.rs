//! What a store in a database needs to know.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use dtm_store::{Clock, group_commit};

/// The settings of a [`SqlStore`](crate::SqlStore).
#[derive(Clone)]
pub struct SqlConfig {
    /// Where the database is: `postgres://user:password@host:port/database`. It holds a secret and is never logged.
    pub url: String,
    /// Whether tables that are missing or of an older version are made. `false`: then opening it is
    /// [`NotFound`](dtm_store::Error::NotFound), and nothing is written.
    pub make_tables: bool,
    /// What due times and heartbeats are compared with. `None`, which is right for servers: the clock of the
    /// database, so that servers whose own clocks are off do no harm.
    pub clock: Option<Arc<dyn Clock>>,
    /// How long after its last heartbeat a node counts as alive.
    pub node_timeout: Duration,
    /// How many connections write batches at the same time. More than two make batches small; with one, MariaDB and
    /// MySQL need more statements a batch.
    pub committers: NonZeroUsize,
    /// How many connections all other calls share.
    pub connections: NonZeroUsize,
    /// How long a connection is used at most. `None`: as long as it works.
    pub connection_age_max: Option<Duration>,
    /// How many operations may wait for each committer; past it callers wait.
    pub queue_bound: NonZeroUsize,
    /// How long to try to reach the database, when the store is opened and when a connection is needed later.
    pub connect_timeout: Duration,
    /// How long one statement may take.
    pub statement_timeout: Duration,
    /// Whether claims step over rows that others have locked (`SKIP LOCKED`), or wait for them. `None`, which is right
    /// for servers: as the database can.
    pub skip_locked: Option<bool>,
}

impl SqlConfig {
    /// The default settings for a database.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            make_tables: true,
            clock: None,
            node_timeout: Duration::from_secs(3),
            committers: at_least_one(2),
            connections: at_least_one(READERS),
            connection_age_max: None,
            queue_bound: group_commit::Config::default().queue_bound,
            connect_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(10),
            skip_locked: None,
        }
    }
}

/// How many connections for readers are of use.
const READERS: usize = 10;

/// How many connections are for claims and heartbeats, besides those of the committers.
pub(crate) const BESIDES_COMMITTERS: usize = 2;

impl SqlConfig {
    /// Opens no more than `most` connections altogether, and at least one for each purpose: that is two more than
    /// there are committers, and one for all other calls.
    pub fn limit_connections(&mut self, most: NonZeroUsize) {
        let writers = self.committers.get() + BESIDES_COMMITTERS;
        self.connections = at_least_one(most.get().saturating_sub(writers).min(READERS));
    }
}

impl fmt::Debug for SqlConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlConfig")
            .field("make_tables", &self.make_tables)
            .field("clock", &self.clock)
            .field("node_timeout", &self.node_timeout)
            .field("committers", &self.committers)
            .field("connections", &self.connections)
            .field("connection_age_max", &self.connection_age_max)
            .field("queue_bound", &self.queue_bound)
            .field("connect_timeout", &self.connect_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("skip_locked", &self.skip_locked)
            .finish_non_exhaustive()
    }
}

pub(crate) fn at_least_one(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN)
}
