//! One channel for each gRPC server, a bounded number of them.
//!
//! Calls to a server share its channel. Whoever needs one first has it opened by a task of its own, which
//! the others wait for as well; so a caller that gives up takes nobody with it. A channel that is broken, or
//! that is silent while calls time out on it, is left: calls that are still under way on it may end there, the
//! next one opens another. One that nobody uses is closed.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout};
use tower_service::Service;

use super::super::client::in_words;
use super::super::resolver::Resolver;
use super::channel::Channel;

/// The channels of all servers. Cheap to clone.
#[derive(Clone)]
pub(super) struct Channels(Arc<Pool>);

/// Limits of [`Channels`].
#[derive(Debug, Clone, Copy)]
pub(super) struct ChannelLimits {
    /// How long connecting may take.
    pub(super) connect: Duration,
    /// How long a channel stays open unused.
    pub(super) idle: Duration,
    /// Channels that are open or being opened.
    pub(super) channels: usize,
}

/// Why there is no channel: nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum OpenError {
    #[error("could not connect: {0}")]
    NotReached(Arc<str>),
    #[error("too many gRPC servers are being called at the moment: the limit is {0}")]
    TooMany(usize),
}

type Opened = Result<Arc<Channel>, OpenError>;
type Opening = Shared<Pin<Box<dyn Future<Output = Opened> + Send>>>;

struct Pool {
    connector: HttpConnector<Resolver>,
    limits: ChannelLimits,
    known: Mutex<HashMap<Box<str>, Slot>>,
}

enum Slot {
    Opening(Opening),
    Open(Arc<Channel>),
}

impl Channels {
    pub(super) fn new(resolver: Resolver, limits: ChannelLimits) -> Self {
        let mut connector = HttpConnector::new_with_resolver(resolver);
        connector.set_nodelay(true);
        connector.set_keepalive(Some(TCP_KEEP_ALIVE));
        Self(Arc::new(Pool { connector, limits, known: Mutex::default() }))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.known.lock().len()
    }

    /// The channel to `authority`, opened when there is none that can be used.
    pub(super) async fn get(&self, authority: &str) -> Opened {
        let opening = {
            let mut known = self.0.known.lock();
            match known.get(authority) {
                Some(Slot::Open(channel)) if channel.is_open() => {
                    channel.touch();
                    return Ok(Arc::clone(channel));
                }
                Some(Slot::Opening(opening)) => opening.clone(),
                Some(Slot::Open(_)) | None => self.open(&mut known, authority)?,
            }
        };
        opening.await
    }

    /// A call that was sent at `sent` got no answer in time. When nobody else got one over this channel since,
    /// it may be one whose other end vanished: the next call shall not rely on it.
    pub(super) fn doubt(&self, authority: &str, channel: &Arc<Channel>, sent: Instant) {
        if !channel.answered_since(sent) {
            self.0.forget(authority, channel);
        }
    }

    fn open(&self, known: &mut HashMap<Box<str>, Slot>, authority: &str) -> Result<Opening, OpenError> {
        known.remove(authority);
        if known.len() >= self.0.limits.channels {
            close_an_unused_one(known);
        }
        if known.len() >= self.0.limits.channels {
            return Err(OpenError::TooMany(self.0.limits.channels));
        }
        let (pool, name) = (Arc::clone(&self.0), Box::<str>::from(authority));
        let opening = async move {
            let opened = pool.connect(&name).await;
            let mut known = pool.known.lock();
            match &opened {
                Ok(channel) => drop(known.insert(name, Slot::Open(Arc::clone(channel)))),
                Err(_) => drop(known.remove(&name)),
            }
            opened
        };
        let opening = opening.boxed().shared();
        known.insert(authority.into(), Slot::Opening(opening.clone()));
        tokio::spawn(opening.clone());
        Ok(opening)
    }
}

impl Pool {
    async fn connect(self: &Arc<Self>, authority: &str) -> Opened {
        let limit = self.limits.connect;
        let connecting = async {
            let uri = Uri::try_from(format!("http://{authority}/")).map_err(|error| in_words(&error))?;
            let stream = self.connector.clone().call(uri).await.map_err(|error| in_words(&error))?;
            Channel::begin(stream).await.map_err(|error| in_words(&error))
        };
        let begun = timeout(limit, connecting)
            .await
            .unwrap_or_else(|_| Err(format!("no connection within {} s", limit.as_secs_f64())));
        let (channel, connection) = begun.map_err(|words| OpenError::NotReached(words.into()))?;
        let channel = Arc::new(channel);
        channel.touch();
        tokio::spawn(drive(
            Arc::downgrade(self),
            authority.into(),
            Arc::downgrade(&channel),
            connection,
            self.limits.idle,
        ));
        Ok(channel)
    }

    fn forget(&self, authority: &str, channel: &Arc<Channel>) {
        let mut known = self.known.lock();
        if matches!(known.get(authority), Some(Slot::Open(open)) if Arc::ptr_eq(open, channel)) {
            known.remove(authority);
        }
    }
}

impl fmt::Debug for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channels").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

/// Lets a connection do its work until it ends, and has it forgotten then, or once nobody uses it.
async fn drive(
    pool: Weak<Pool>,
    authority: Box<str>,
    channel: Weak<Channel>,
    connection: impl Future<Output = Result<(), hyper::Error>>,
    idle: Duration,
) {
    let forget = |only_unused: bool| {
        if let (Some(pool), Some(channel)) = (pool.upgrade(), channel.upgrade())
            && !(only_unused && (Arc::strong_count(&channel) > 2 || channel.unused_for() < idle))
        {
            pool.forget(&authority, &channel);
        }
    };
    tokio::pin!(connection);
    let ended = loop {
        tokio::select! {
            ended = &mut connection => break ended,
            () = sleep(idle) => forget(true),
        }
    };
    forget(false);
    if let Err(error) = ended {
        tracing::debug!(%authority, error = in_words(&error), "a gRPC channel broke");
    }
}

/// Makes room: of the channels that no call is using, the one that is unused for longest is closed.
fn close_an_unused_one(known: &mut HashMap<Box<str>, Slot>) {
    let unused = known.iter().filter_map(|(name, slot)| match slot {
        Slot::Open(channel) if Arc::strong_count(channel) == 1 => Some((channel.unused_for(), name)),
        Slot::Open(_) | Slot::Opening(_) => None,
    });
    if let Some((_, name)) = unused.max() {
        let name = name.clone();
        known.remove(&name);
    }
}

/// Finds the connections of a host that vanished without a word.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(60);
