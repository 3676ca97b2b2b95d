//! What every driver shares.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use dtm_core::coordinator::Policy;
use dtm_core::model::Timestamp;
use dtm_store::{Clock, Ownership, Store, TokenSource};

use super::jitter::Jitter;
use super::recent::Recent;
use super::registry::Registry;
use super::turns::Turns;
use crate::alert::AlertSender;
use crate::metrics::Metrics;
use crate::transport::Transport;

/// How drivers behave beyond what the core decides.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Transactions that sleep in memory; past it they are released to the store while they wait.
    pub active_max: usize,
    /// A transaction that waits longer than this is released to the store.
    pub sleep_in_memory_max: Duration,
    /// How long deferred progress may stay in memory only.
    pub flush_after: Duration,
    /// The longest pause between two looks for transactions that nobody drives.
    pub poll_interval: Duration,
    /// Transactions that are claimed at once.
    pub claim_batch: usize,
    /// The pause between two heartbeats.
    pub heartbeat_interval: Duration,
    /// For how long after its last write a driver may call branches without making sure that the transaction is still
    /// its own: on a store that servers share, another one may have taken it over meanwhile. `None`: for ever.
    pub ownership_trusted_for: Option<Duration>,
    /// How long a write may take whose effects follow without another look at who owns the transaction: a process that
    /// stood still meanwhile may have been taken for dead. `None`: as long as it likes.
    pub write_trusted_for: Option<Duration>,
    /// How long finished transactions stay visible. `None`: for ever.
    pub keep_finished: Option<Duration>,
}

/// What every driver shares. Handed to [`Engine::start`](super::Engine::start).
pub struct Context {
    /// Where transactions are.
    pub store: Arc<dyn Store>,
    /// How branches are called.
    pub transport: Arc<dyn Transport>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where alerts go.
    pub alerts: AlertSender,
    /// What is counted.
    pub metrics: Metrics,
    /// What decisions depend on.
    pub policy: Policy,
    /// How drivers behave.
    pub settings: Settings,
    /// The tokens of this start of this server.
    pub tokens: TokenSource,
    /// How pauses are spread.
    pub jitter: Jitter,
}

/// The context and what the runner keeps for itself.
pub(super) struct Shared {
    pub(super) context: Context,
    pub(super) registry: Registry,
    pub(super) recent: Recent,
    pub(super) turns: Turns,
    pub(super) tasks: TaskTracker,
    pub(super) agenda: Agenda,
    /// Told when the store did not say whether this process has come to hold something.
    pub(super) doubt: Notify,
    /// Whether the store took the last heartbeat.
    pub(super) healthy: watch::Sender<bool>,
    /// Cancelled when the server stops. Whoever waits for anything waits for this too.
    pub(super) stop: CancellationToken,
}

/// When the poller has to look next because of something that this process has released.
#[derive(Debug)]
pub(super) struct Agenda {
    earliest: AtomicU64,
    changed: Notify,
}

impl Shared {
    pub(super) fn new(context: Context) -> Self {
        Self {
            context,
            registry: Registry::new(),
            recent: Recent::default(),
            turns: Turns::default(),
            tasks: TaskTracker::new(),
            doubt: Notify::new(),
            agenda: Agenda { earliest: AtomicU64::new(u64::MAX), changed: Notify::new() },
            healthy: watch::Sender::new(true),
            stop: CancellationToken::new(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.context.clock.now()
    }

    /// Whether this start of this server is the one that holds.
    pub(super) fn holds(&self, owner: &Ownership) -> bool {
        let (token, ours) = (&owner.token, &self.context.tokens);
        owner.held && token.node == *ours.node() && token.epoch == ours.epoch()
    }

    /// Whether the store takes writes.
    pub(super) fn note_health(&self, healthy: bool) {
        self.healthy.send_if_modified(|known| std::mem::replace(known, healthy) != healthy);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }
}

impl Agenda {
    /// Something becomes due at `at` that nobody holds.
    pub(super) fn note(&self, at: Timestamp) {
        if self.earliest.fetch_min(at.as_millis(), Ordering::SeqCst) > at.as_millis() {
            self.changed.notify_one();
        }
    }

    /// The earliest time noted since [`take`](Self::take).
    pub(super) fn earliest(&self) -> Option<Timestamp> {
        noted(self.earliest.load(Ordering::SeqCst))
    }

    /// The same, and forgets it.
    pub(super) fn take(&self) -> Option<Timestamp> {
        noted(self.earliest.swap(u64::MAX, Ordering::SeqCst))
    }

    /// An earlier time than all since [`take`](Self::take) was noted.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

fn noted(millis: u64) -> Option<Timestamp> {
    (millis != u64::MAX).then(|| Timestamp::from_millis(millis))
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("policy", &self.policy)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
