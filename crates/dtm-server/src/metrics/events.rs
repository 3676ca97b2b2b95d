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
use dtm_core::model::{Mode, Op, Outcome, Status};

use super::cells::{Cells, Dimension, Labels};
use super::exposition;
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

/// What became of an alert.
const ALERT_SENT: usize = 0;
const ALERT_FAILED: usize = 1;
const ALERT_DROPPED: usize = 2;

const PROTOCOLS: &[&str] = &["HTTP", "GRPC", "JSON-RPC", "other"];
const APIS: &[&str] = &[
    "submit",
    "prepare",
    "registerBranch",
    "abort",
    "newGid",
    "query",
    "prepareWorkflow",
    "all",
    "version",
    "forceStop",
    "resetNextCronTime",
    "resetCronTime",
    "subscribe",
    "unsubscribe",
    "topic",
    "queryKV",
    "scanKV",
    "other",
];
const OK_OR_FAIL: &[&str] = &["ok", "fail"];
/// In the order of [`Mode::ALL`].
const MODELS: &[&str] = &["saga", "tcc", "xa", "msg", "workflow"];
/// In the order of [`Op::ALL`]; the name of a workflow is not bounded and therefore no label.
const BRANCH_TYPES: &[&str] =
    &["action", "compensate", "confirm", "cancel", "commit", "rollback", "msg", "business", "workflow"];
const OUTCOMES: &[&str] = &["success", "failure", "ongoing", "unknown", "not_sent"];

const TYPE: Dimension = Dimension { label: "type", values: PROTOCOLS };
const API: Dimension = Dimension { label: "api", values: APIS };
const STATUS: Dimension = Dimension { label: "status", values: OK_OR_FAIL };
const MODEL: Dimension = Dimension { label: "model", values: MODELS };
const BRANCH_TYPE: Dimension = Dimension { label: "branchtype", values: BRANCH_TYPES };
const OUTCOME: Dimension = Dimension { label: "outcome", values: OUTCOMES };
const RESULT: Dimension = Dimension { label: "result", values: &["sent", "failed", "dropped"] };

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

/// The index of a value; the last one stands for all that are not listed.
fn position(values: &[&str], value: &str) -> usize {
    values.iter().position(|known| *known == value).unwrap_or(values.len() - 1)
}

const fn mode_index(mode: Mode) -> usize {
    match mode {
        Mode::Saga => 0,
        Mode::Tcc => 1,
        Mode::Xa => 2,
        Mode::Message => 3,
        Mode::Workflow => 4,
    }
}

const fn op_index(op: &CallOp) -> usize {
    match op {
        CallOp::Branch(Op::Action) => 0,
        CallOp::Branch(Op::Compensate) => 1,
        CallOp::Branch(Op::Confirm) => 2,
        CallOp::Branch(Op::Cancel) => 3,
        CallOp::Branch(Op::Commit) => 4,
        CallOp::Branch(Op::Rollback) => 5,
        CallOp::Branch(Op::Message) => 6,
        CallOp::Branch(Op::Business) => 7,
        CallOp::Workflow(_) => 8,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(text: &str) -> BTreeSet<&str> {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split(['{', ' ']).next())
            .collect()
    }

    fn busy() -> Metrics {
        let metrics = Metrics::new();
        metrics.request("submit", "HTTP", true, Duration::from_millis(2));
        metrics.transaction_ended(Mode::Saga, Status::Succeed, Duration::from_millis(20));
        metrics.branch_called(Mode::Saga, &CallOp::Branch(Op::Action), &Outcome::Success);
        metrics
    }

    #[test]
    fn the_names_and_labels_are_those_of_dtm() {
        // features 8, decision 23
        let text = busy().render();
        for line in [
            concat!("dtm_server_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
            "dtm_server_process_total{type=\"HTTP\",api=\"submit\",status=\"ok\"} 1",
            "dtm_server_response_duration_count{type=\"HTTP\",api=\"submit\"} 1",
            "dtm_transaction_process_total{model=\"saga\",status=\"ok\"} 1",
            "dtm_transaction_handled_duration_count{model=\"saga\"} 1",
            "dtm_branch_process_total{model=\"saga\",branchtype=\"action\",status=\"ok\"} 1",
            "# TYPE dtm_server_process_total counter",
            "# TYPE dtm_server_response_duration histogram",
            "# TYPE dtm_server_info gauge",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn the_number_of_series_does_not_grow_with_the_number_of_transactions() {
        // defect R11, S11
        let metrics = busy();
        metrics.request("query?gid=1", "HTTP", true, Duration::ZERO);
        metrics.branch_called(Mode::Workflow, &CallOp::Workflow("w-1".into()), &Outcome::Ongoing);
        let before = metrics.render().lines().count();
        for _ in 0..1_000 {
            metrics.request("query?gid=2", "carrier pigeon", true, Duration::ZERO);
            metrics.branch_called(Mode::Workflow, &CallOp::Workflow("w-2".into()), &Outcome::Ongoing);
            metrics.transaction_ended(Mode::Saga, Status::Succeed, Duration::ZERO);
        }
        let text = metrics.render();
        let other_protocol = 2 + REQUEST_SECONDS.len() + 1 + 1;
        assert_eq!(text.lines().count(), before + other_protocol);
        assert!(!text.contains("gid") && !text.contains("w-2") && !text.contains("pigeon"), "{text}");
    }

    #[test]
    fn only_the_end_of_a_transaction_counts() {
        // defect M18
        let metrics = Metrics::new();
        for status in [Status::Prepared, Status::Submitted, Status::Aborting] {
            metrics.transaction_ended(Mode::Tcc, status, Duration::ZERO);
        }
        assert!(!names(&metrics.render()).contains("dtm_transaction_process_total"));
        metrics.transaction_ended(Mode::Tcc, Status::Failed, Duration::ZERO);
        assert!(metrics.render().contains("dtm_transaction_process_total{model=\"tcc\",status=\"fail\"} 1"));
    }

    #[test]
    fn a_call_that_was_not_made_is_no_call() {
        let metrics = Metrics::new();
        let not_sent = Outcome::NotSent { cause: "down".to_owned() };
        metrics.branch_called(Mode::Saga, &CallOp::Branch(Op::Action), &not_sent);
        let text = metrics.render();
        assert!(text.contains("dtm_branch_outcomes_total{model=\"saga\",outcome=\"not_sent\"} 1"));
        assert!(!names(&text).contains("dtm_branch_process_total"));
    }

    #[test]
    fn every_mode_and_op_has_its_own_label() {
        let modes = Mode::ALL.map(|mode| MODELS[mode_index(mode)]);
        assert_eq!(modes, Mode::ALL.map(Mode::as_str));
        let ops = Op::ALL.map(|op| BRANCH_TYPES[op_index(&CallOp::Branch(op))]);
        assert_eq!(ops, Op::ALL.map(Op::as_str));
    }

    #[test]
    fn every_alert_and_every_trouble_is_counted() {
        let metrics = Metrics::new();
        metrics.alert_sent();
        metrics.alert_failed();
        metrics.alert_dropped();
        metrics.ownership_lost();
        metrics.conflict();
        metrics.record_damaged();
        metrics.task_panicked();
        let text = metrics.render();
        for line in [
            "dtm_alerts_total{result=\"sent\"} 1",
            "dtm_alerts_total{result=\"failed\"} 1",
            "dtm_alerts_total{result=\"dropped\"} 1",
            "dtm_ownership_lost_total 1",
            "dtm_conflicts_total 1",
            "dtm_records_damaged_total 1",
            "dtm_tasks_panicked_total 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn what_is_watched_is_read_at_each_scrape() {
        use std::sync::atomic::{AtomicU64, Ordering};
        let metrics = Metrics::new();
        assert!(!metrics.render().contains("dtm_active_transactions"));
        let active = Arc::new(AtomicU64::new(7));
        let seen = Arc::clone(&active);
        metrics.watch(Watched::ActiveTransactions, move || seen.load(Ordering::SeqCst));
        metrics.watch(Watched::StoreBatches, || 3);
        metrics.watch(Watched::BreakersOpen, || 2);
        metrics.watch(Watched::BreakersClosed, || 5);
        assert!(metrics.render().contains("\ndtm_active_transactions 7\n"));
        active.store(8, Ordering::SeqCst);
        let text = metrics.render();
        assert!(text.contains("# TYPE dtm_active_transactions gauge\ndtm_active_transactions 8\n"), "{text}");
        assert!(
            text.contains("# TYPE dtm_store_batches_total counter\ndtm_store_batches_total 3\n"),
            "{text}"
        );
        assert!(
            text.contains("dtm_breakers{state=\"closed\"} 5\ndtm_breakers{state=\"open\"} 2\n"),
            "{text}"
        );
    }
}
