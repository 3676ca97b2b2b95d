//! What a store in Redis needs to know.

use std::fmt;
use std::num::{NonZeroU16, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use dtm_store::{Clock, group_commit};

/// The settings of a [`RedisStore`](crate::RedisStore).
#[derive(Clone)]
pub struct RedisConfig {
    /// Where Redis is, as `host:port`. Several are members of one cluster; one is enough to find the others.
    pub addresses: Vec<String>,
    /// The user of Redis' access control. `None`: the default user.
    pub user: Option<String>,
    /// The password. It is never logged.
    pub password: Option<String>,
    /// Whether to talk TLS, with the certificates that the machine trusts.
    pub tls: bool,
    /// What the names of all keys begin with, without braces: several stores share one Redis under different prefixes.
    pub prefix: String,
    /// How many shards an empty store is divided into. One that has transactions keeps the number that it has.
    pub shards: NonZeroU16,
    /// Whether an empty store is set up. `false`: then opening it is [`NotFound`](dtm_store::Error::NotFound), and nothing
    /// is written.
    pub set_up: bool,
    /// What due times and heartbeats are compared with. `None`, which is right for servers: the clock of Redis, so
    /// that servers whose own clocks are off do no harm.
    pub clock: Option<Arc<dyn Clock>>,
    /// How long after its last heartbeat a node counts as alive.
    pub node_timeout: Duration,
    /// How many batches are on their way at the same time: while Redis executes one, the next is put together. More than
    /// two make batches small, and each costs Redis a flush.
    pub committers: NonZeroUsize,
    /// How many connections to each server there are at most.
    pub connections: NonZeroUsize,
    /// How many operations may wait for each committer; past it callers wait.
    pub queue_bound: NonZeroUsize,
    /// How long to try to reach Redis, when the store is opened and when a connection is needed later.
    pub connect_timeout: Duration,
    /// How long to wait for an answer.
    pub response_timeout: Duration,
    /// The replicas that have to have a write before it is acknowledged. `None`: none.
    pub replicas: Option<Replicas>,
}

/// How many replicas have to have a write before it is acknowledged (Redis' `WAIT`).
///
/// With fewer it is unknown whether the write lasts, and the caller is told so. It makes the loss of acknowledged
/// writes in a fail-over unlikely, not impossible: Redis may still promote a replica that was not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replicas {
    /// How many.
    pub count: NonZeroUsize,
    /// How long to wait for them.
    pub timeout: Duration,
}

impl RedisConfig {
    /// The default settings for a server, or for a cluster that these are members of.
    #[must_use]
    pub fn new(addresses: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            addresses: addresses.into_iter().map(Into::into).collect(),
            user: None,
            password: None,
            tls: false,
            prefix: "dtm".to_owned(),
            shards: NonZeroU16::new(64).unwrap_or(NonZeroU16::MIN),
            set_up: true,
            clock: None,
            node_timeout: Duration::from_secs(3),
            committers: at_least_one(2),
            connections: at_least_one(16),
            queue_bound: group_commit::Config::default().queue_bound,
            connect_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(10),
            replicas: None,
        }
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("addresses", &self.addresses)
            .field("tls", &self.tls)
            .field("prefix", &self.prefix)
            .field("shards", &self.shards)
            .field("set_up", &self.set_up)
            .field("clock", &self.clock)
            .field("node_timeout", &self.node_timeout)
            .field("committers", &self.committers)
            .field("connections", &self.connections)
            .field("queue_bound", &self.queue_bound)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}

fn at_least_one(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN)
}
