//! What is counted where it happens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use dtm_core::coordinator::CallOp;
use dtm_core::model::{Mode, Outcome, Status};

use super::cells::{Cells, Dimension, Labels};
use super::exposition;
use super::labels::{
    ALERT_DROPPED, ALERT_FAILED, ALERT_SENT, API, APIS, BRANCH_TYPE, MODEL, OUTCOME, PROTOCOLS, RESULT,
    STATUS, TYPE, mode_index, op_index, position,
};
use super::watched::{Watched, Watches};

/// All metrics of one server. Cheap to clone; every method costs far less than a microsecond, except
/// [`Metrics::render`].
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Mutex<Registry>,
    watches: Watches,
    requests: Cells<Counter>,
    request_durations: Cells<Histogram>,
    transactions: Cells<Counter>,
    transaction_durations: Cells<Histogram>,
    branches: Cells<Counter>,
    outcomes: Cells<Counter>,
    alerts: Cells<Counter>,
    ownership_lost: Counter,
    conflicts: Counter,
    records_damaged: Counter,
    tasks_panicked: Counter,
}

const REQUEST_SECONDS: [f64; 13] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
const TRANSACTION_SECONDS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 3_600.0];

impl Metrics {
    /// Metrics of a server that has not done anything yet.
    #[must_use]
    pub fn new() -> Self {
        Self { inner: Arc::new(Inner::new()) }
    }

    /// A request was answered. `api` is the name of its route in DTM, never its URL.
    pub fn request(&self, api: &'static str, protocol: &'static str, ok: bool, took: Duration) {
        let protocol = position(PROTOCOLS, protocol);
        let api = position(APIS, api);
        increment(self.inner.requests.at(&[protocol, api, usize::from(!ok)]));
        observe(self.inner.request_durations.at(&[protocol, api]), took);
    }

    /// A transaction reached a final status, `age` after its creation. Not to be called for retries.
    pub fn transaction_ended(&self, mode: Mode, status: Status, age: Duration) {
        let failed = match status {
            Status::Succeed => 0,
            Status::Failed => 1,
            Status::Prepared | Status::Submitted | Status::Aborting => return,
        };
        increment(self.inner.transactions.at(&[mode_index(mode), failed]));
        observe(self.inner.transaction_durations.at(&[mode_index(mode)]), age);
    }

    /// A branch, a back-check or a workflow was called, or the call was not made.
    pub fn branch_called(&self, mode: Mode, op: &CallOp, outcome: &Outcome) {
        let (outcome, status) = match outcome {
            Outcome::Success => (0, Some(0)),
            Outcome::Failure { .. } => (1, Some(1)),
            Outcome::Ongoing => (2, Some(1)),
            Outcome::Unknown { .. } => (3, Some(1)),
            Outcome::NotSent { .. } => (4, None),
        };
        let mode = mode_index(mode);
        increment(self.inner.outcomes.at(&[mode, outcome]));
        if let Some(status) = status {
            increment(self.inner.branches.at(&[mode, op_index(op), status]));
        }
    }

    /// An alert reached the web hook.
    pub fn alert_sent(&self) {
        increment(self.inner.alerts.at(&[ALERT_SENT]));
    }

    /// An alert did not reach the web hook.
    pub fn alert_failed(&self) {
        increment(self.inner.alerts.at(&[ALERT_FAILED]));
    }

    /// An alert was dropped, because too many were waiting.
    pub fn alert_dropped(&self) {
        increment(self.inner.alerts.at(&[ALERT_DROPPED]));
    }

    /// A write was refused, because somebody else drives the transaction by now.
    pub fn ownership_lost(&self) {
        self.inner.ownership_lost.inc();
    }

    /// A write was refused, because the record had changed since it was read.
    pub fn conflict(&self) {
        self.inner.conflicts.inc();
    }

    /// A record could not be read.
    pub fn record_damaged(&self) {
        self.inner.records_damaged.inc();
    }

    /// A task panicked, and its transaction was released.
    pub fn task_panicked(&self) {
        self.inner.tasks_panicked.inc();
    }

    /// Reads a value whenever somebody scrapes; a second call replaces the first. The closure must not hold
    /// anything that holds these metrics, or neither is ever dropped: let it have a `Weak`.
    pub fn watch(&self, what: Watched, read: impl Fn() -> u64 + Send + Sync + 'static) {
        self.inner.watches.set(what, Box::new(read));
    }

    /// Everything as text, of the type [`CONTENT_TYPE`](super::CONTENT_TYPE).
    #[must_use]
    pub fn render(&self) -> String {
        exposition::render(&self.inner.registry.lock())
    }
}

impl Inner {
    fn new() -> Self {
        let mut registry = Registry::default();
        let r = &mut registry;
        server_info(r);
        let watches = Watches::default();
        r.register_collector(Box::new(watches.clone()));
        let requests = "Requests that were answered";
        let durations = "Seconds from a request to its answer";
        let transactions = "Transactions that reached their end; ok is succeed, fail is failed";
        let ages = "Seconds from the creation of a transaction to its end";
        let branches = "Calls of branches; ok is success, fail is anything else";
        let outcomes = "Calls of branches by what became of them";
        Self {
            requests: counters(r, "dtm_server_process", requests, &[TYPE, API, STATUS]),
            request_durations: Cells::register(
                r,
                "dtm_server_response_duration",
                durations,
                &[TYPE, API],
                || Histogram::new(REQUEST_SECONDS),
            ),
            transactions: counters(r, "dtm_transaction_process", transactions, &[MODEL, STATUS]),
            transaction_durations: Cells::register(
                r,
                "dtm_transaction_handled_duration",
                ages,
                &[MODEL],
                || Histogram::new(TRANSACTION_SECONDS),
            ),
            branches: counters(r, "dtm_branch_process", branches, &[MODEL, BRANCH_TYPE, STATUS]),
            outcomes: counters(r, "dtm_branch_outcomes", outcomes, &[MODEL, OUTCOME]),
            alerts: counters(r, "dtm_alerts", "Alerts for the web hook", &[RESULT]),
            ownership_lost: counter(r, "dtm_ownership_lost", "Writes refused to a driver that was overtaken"),
            conflicts: counter(r, "dtm_conflicts", "Writes refused because the record had changed"),
            records_damaged: counter(r, "dtm_records_damaged", "Meetings with a record that cannot be read"),
            tasks_panicked: counter(
                r,
                "dtm_tasks_panicked",
                "Tasks that panicked; their transactions are tried later",
            ),
            watches,
            registry: Mutex::new(registry),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn server_info(registry: &mut Registry) {
    let labels: Labels = vec![("version", env!("CARGO_PKG_VERSION"))];
    let info = prometheus_client::metrics::family::Family::<Labels, Gauge>::default();
    info.get_or_create(&labels).set(1);
    registry.register("dtm_server_info", "The server; always 1", info);
}

fn counters(
    registry: &mut Registry,
    name: &'static str,
    help: &'static str,
    dimensions: &'static [Dimension],
) -> Cells<Counter> {
    Cells::register(registry, name, help, dimensions, Counter::default)
}

fn counter(registry: &mut Registry, name: &'static str, help: &'static str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

fn increment(counter: Option<&Counter>) {
    if let Some(counter) = counter {
        counter.inc();
    }
}

fn observe(histogram: Option<&Histogram>, span: Duration) {
    if let Some(histogram) = histogram {
        histogram.observe(span.as_secs_f64());
    }
}
