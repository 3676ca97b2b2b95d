//! Whether Redis may drop transactions: asked again while the store is open.
//!
//! Somebody may change the policy, and a fail-over may lead to a server that was set up otherwise. What is stored is driven
//! on, so that it ends before it is dropped; nothing new is accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dtm_store::Error;
use parking_lot::Mutex;

use crate::RedisStore;
use crate::open::eviction_trouble;
use crate::servers::Servers;

/// How long what was seen is relied upon, while no connection is new.
const SEEN_FOR: Duration = Duration::from_secs(60);

/// How long one server is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was seen at last.
#[derive(Debug)]
pub(crate) struct Eviction {
    looking: AtomicBool,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    at: Instant,
    trouble: Option<String>,
}

impl Eviction {
    /// Right after all servers were found to be as they should.
    pub(crate) fn checked() -> Self {
        let seen = Seen { at: Instant::now(), trouble: None };
        Self { looking: AtomicBool::new(false), seen: Mutex::new(seen) }
    }

    /// The error of whatever must not be accepted now.
    pub(crate) fn refuse(&self) -> Result<(), Error> {
        match &self.seen.lock().trouble {
            None => Ok(()),
            Some(trouble) => Err(Error::Unavailable(format!("nothing new is accepted: {trouble}"))),
        }
    }

    async fn look(&self, servers: &Servers) {
        let mut trouble = None;
        for place in servers.masters() {
            match tokio::time::timeout(PATIENCE, eviction_trouble(servers, &place)).await {
                Ok(Ok(found)) => trouble = trouble.or(found),
                // its writes fail as well; it is asked again when it is back
                Ok(Err(fault)) => tracing::debug!(place, ?fault, "the policy of Redis is not known"),
                Err(_) => tracing::debug!(place, "the policy of Redis is not known: it is silent"),
            }
        }
        let mut seen = self.seen.lock();
        match (&trouble, &seen.trouble) {
            (Some(trouble), _) => {
                tracing::error!(trouble, "new transactions are refused until that is mended")
            }
            (None, Some(_)) => tracing::info!("Redis drops nothing any more: new transactions are accepted"),
            (None, None) => {}
        }
        *seen = Seen { at: Instant::now(), trouble };
    }
}

impl RedisStore {
    /// Has somebody look whether Redis may drop transactions, if that was long ago or a connection is new, and does not
    /// wait for that. Needs a tokio runtime.
    pub(crate) fn look_at_eviction(&self) {
        let redis = Arc::clone(self.shared());
        let is_new = redis.client.servers.has_new_connections();
        if !is_new && redis.eviction.seen.lock().at.elapsed() < SEEN_FOR {
            return;
        }
        if redis.eviction.looking.swap(true, Ordering::AcqRel) {
            return;
        }
        tokio::spawn(async move {
            redis.eviction.look(&redis.client.servers).await;
            redis.eviction.looking.store(false, Ordering::Release);
        });
    }
}
