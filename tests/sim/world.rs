//! What all parts of one run share, and how a server process is started in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dtm_core::coordinator::Policy;
use dtm_core::model::{Seconds, Timestamp};
use dtm_server::alert;
use dtm_server::config::AlertConfig;
use dtm_server::metrics::Metrics;
use dtm_server::runner::{Context, Engine, Jitter, Settings};
use dtm_store::{Clock, NodeName, NodeStore, TokenSource};
use dtm_testkit::invariants::{Event, Journal};
use dtm_testkit::services::{Books, Branches};
use dtm_testkit::{MemoryStore, START, VirtualClock};

use crate::bug::Bug;
use crate::buggy_store::BuggyStore;
use crate::chance::Chance;
use crate::faults::Faults;
use crate::flows::Flows;
use crate::gate::Gate;
use crate::transport::SimTransport;
use crate::watched_store::WatchedStore;

/// How long a server may be silent before others take over.
pub(crate) const NODE_TIMEOUT: Duration = Duration::from_secs(3);

/// What all parts of one run share.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) journal: Journal,
    pub(crate) branches: Arc<Branches>,
    pub(crate) flows: Arc<Flows>,
    pub(crate) store: Arc<BuggyStore>,
    pub(crate) faults: Faults,
    pub(crate) metrics: Metrics,
    /// Operations of the store so far.
    pub(crate) operations: Arc<AtomicU64>,
    /// Panics that were made.
    pub(crate) panics: Arc<AtomicU64>,
    policy: Policy,
    settings: Settings,
    numbers: Arc<AtomicU64>,
    bug: Option<Bug>,
}

/// One start of a server.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) engine: Engine,
    pub(crate) gate: Gate,
    /// `node:epoch`.
    pub(crate) label: String,
}

impl World {
    pub(crate) fn new(seed: u64, bug: Option<Bug>) -> Self {
        let mut chance = Chance::new(seed, 1);
        let clock = Arc::new(VirtualClock::starting_at(START));
        let journal = Journal::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let books = Arc::new(Books::new(journal.clone()));
        let store = MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>, NODE_TIMEOUT);
        Self {
            seed,
            clock,
            journal,
            branches: Arc::new(Branches::new(books)),
            flows: Arc::default(),
            store: Arc::new(BuggyStore::new(store, bug)),
            faults: Faults::new(chance.fork()),
            metrics: Metrics::new(),
            operations: Arc::default(),
            panics: Arc::default(),
            policy: policy(&mut chance),
            settings: settings(&mut chance),
            numbers: Arc::default(),
            bug,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A number that nobody else gets.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Starts a server. Once it has returned, earlier starts of the same name are dead to the store.
    pub(crate) async fn start(&self, node: &NodeName) -> Process {
        let epoch = self.store.join(node).await.expect("joining does not fail");
        let (gate, label) = (Gate::open(), format!("{}:{}", node.as_str(), epoch.0));
        self.journal.record(Event::Joined { node: node.clone(), epoch });
        let store = WatchedStore {
            inner: Arc::clone(&self.store),
            journal: self.journal.clone(),
            faults: self.faults.clone(),
            gate: gate.clone(),
            operations: Arc::clone(&self.operations),
        };
        let transport = SimTransport {
            branches: Arc::clone(&self.branches),
            flows: Arc::clone(&self.flows),
            journal: self.journal.clone(),
            gate: gate.clone(),
            numbers: Arc::clone(&self.numbers),
            faults: self.faults.clone(),
            panics: Arc::clone(&self.panics),
            caller: label.clone(),
            bug: self.bug,
        };
        let engine = Engine::start(Context {
            store: Arc::new(store),
            transport: Arc::new(transport),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            alerts: no_alerts(&self.metrics),
            metrics: self.metrics.clone(),
            policy: self.policy.clone(),
            settings: self.settings.clone(),
            tokens: TokenSource::new(node.clone(), epoch),
            jitter: Jitter::seeded(self.seed ^ epoch.0),
        });
        Process { engine, gate, label }
    }
}

fn no_alerts(metrics: &Metrics) -> alert::AlertSender {
    let config = AlertConfig { web_hook: None, queue_max: 1, timeout: Duration::from_secs(1) };
    let (sender, _) = alert::start(&config, metrics).expect("no web hook is configured");
    sender
}

fn policy(chance: &mut Chance) -> Policy {
    Policy {
        retry_interval: Seconds::new(2),
        retry_interval_max: Seconds::new(20),
        timeout_to_fail: Seconds::new(15),
        request_timeout: Seconds::new(2),
        defer_progress: chance.percent(80),
        calls_in_flight_max: chance.one_of(&[1, 2, 128]),
        ..Policy::default()
    }
}

fn settings(chance: &mut Chance) -> Settings {
    Settings {
        active_max: chance.one_of(&[2, 5, 10_000]),
        sleep_in_memory_max: Duration::from_secs(chance.one_of(&[1, 5, 60])),
        flush_after: Duration::from_millis(chance.one_of(&[20, 100, 1_500])),
        poll_interval: Duration::from_secs(chance.between(1, 3)),
        claim_batch: chance.one_of(&[1, 3, 100]),
        heartbeat_interval: NODE_TIMEOUT / 3,
        ownership_trusted_for: Some(Duration::from_millis(100)),
        write_trusted_for: Some(NODE_TIMEOUT / 2),
        keep_finished: chance.maybe(30, |_| Duration::from_secs(300)),
    }
}
