//! One run: everything follows from its seed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use dtm_core::model::{Gid, Transaction};
use dtm_store::{Filter, TransactionStore};
use dtm_testkit::invariants::{Entry, Observed, Violation, check};
use tokio::time::{Instant, sleep};

use crate::bug::Bug;
use crate::buggy_store::BuggyStore;
use crate::chance::Chance;
use crate::cluster::Cluster;
use crate::watchdog::watched;
use crate::watched_store::OPERATIONS_MAX;
use crate::workload;
use crate::world::World;

/// How long clients begin new transactions, and how long things go wrong.
const BUSY: Duration = Duration::from_secs(25);
const TROUBLED: Duration = Duration::from_secs(45);
/// Invariant I8: how long after the end of all trouble every transaction has to have ended.
const BOUND: Duration = Duration::from_secs(180);
/// How long calls may still be under way when everything has ended.
const LATE: Duration = Duration::from_secs(20);

/// What a run showed.
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) entries: Vec<Entry>,
    pub(crate) violations: Vec<Violation>,
    /// What is wrong with the run as a whole.
    pub(crate) failures: Vec<String>,
    pub(crate) stored: BTreeMap<Gid, Transaction>,
    pub(crate) operations: u64,
}

/// Runs a seed, with a bug planted or not.
pub(crate) fn run(seed: u64, bug: Option<Bug>) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime can be built");
    watched(seed, || runtime.block_on(simulate(seed, bug)))
}

async fn simulate(seed: u64, bug: Option<Bug>) -> Report {
    let world = Arc::new(World::new(seed, bug));
    let begin = Instant::now();
    let cluster = Cluster::start(&world, Chance::new(seed, 2)).await;
    let programs = workload::start(&world, &cluster, BUSY, Chance::new(seed, 3));
    sleep(TROUBLED).await;
    world.journal.note("no more faults");
    world.faults.end();
    world.branches.heal();
    cluster.calm_down();
    programs.end().await;
    settle(&world).await;
    sleep(LATE).await;
    cluster.stop().await;
    let entries = world.journal.entries();
    let stored = everything(&world.store).await;
    let violations = check(&Observed::new(&entries, &stored));
    let operations = world.operations.load(Ordering::Relaxed);
    let mut failures = Vec::new();
    let panics = format!("dtm_tasks_panicked_total {}\n", world.panics.load(Ordering::Relaxed));
    if !world.metrics.render().contains(&panics) {
        failures.push("a driver panicked by itself".to_owned());
    }
    if operations >= OPERATIONS_MAX {
        failures.push(format!("{operations} operations of the store: somebody turns in circles"));
    }
    if begin.elapsed() > TROUBLED + BOUND + 10 * LATE {
        failures.push(format!("the run took {:?}", begin.elapsed()));
    }
    Report { seed, entries, violations, failures, stored, operations }
}

/// Waits until everything has ended, or until the bound is over.
async fn settle(world: &World) {
    let deadline = Instant::now() + BOUND;
    while Instant::now() < deadline {
        let stored = everything(&world.store).await;
        if stored.values().all(|transaction| transaction.status().is_final()) {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
}

async fn everything(store: &BuggyStore) -> BTreeMap<Gid, Transaction> {
    let page = store.scan(&Filter::default(), None, 10_000).await.expect("the store can be read");
    let mut all = BTreeMap::new();
    for listed in page.transactions {
        let gid = listed.definition.gid;
        if let Some(stored) = store.load(&gid).await.expect("the store can be read") {
            all.insert(gid, stored.transaction);
        }
    }
    all
}

impl Report {
    /// Whether anything is wrong.
    pub(crate) fn failed(&self) -> bool {
        !self.violations.is_empty() || !self.failures.is_empty()
    }

    /// What is wrong, and how to see it again.
    pub(crate) fn complaint(&self) -> String {
        let mut text = format!("seed {}:\n", self.seed);
        for failure in &self.failures {
            writeln!(text, "  {failure}").expect("a string can be written");
        }
        for violation in &self.violations {
            writeln!(text, "  {violation}").expect("a string can be written");
        }
        let seed = self.seed;
        let command =
            format!("DTM_SIM_SEED={seed} cargo test -p dtm-tests --test sim one_seed -- --nocapture");
        writeln!(text, "  repeat it with: {command}").expect("a string can be written");
        text
    }

    /// Everything that happened, a line each.
    pub(crate) fn trace(&self) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            writeln!(text, "{entry}").expect("a string can be written");
        }
        text
    }
}
