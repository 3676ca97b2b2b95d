//! Who was called, how often, and when: written by the clients and by the branch services.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// The record of one load. A transaction is called `NAME-TRANSACTION-CLIENT`.
pub(crate) struct Ledger {
    name: String,
    steps: u32,
    begun: Instant,
    /// For each step of each transaction, how often its action was called.
    calls: Box<[AtomicU8]>,
    /// For each transaction, steps that have not been called yet.
    missing: Box<[AtomicU32]>,
    /// For each transaction, nanoseconds since `begun`.
    submitted: Box<[AtomicU64]>,
    /// For each transaction, nanoseconds since `begun`.
    last_called: Box<[AtomicU64]>,
    /// For each client.
    ended: Box<[Notify]>,
    /// For each transaction, the client that submitted it.
    clients: Box<[AtomicU32]>,
    /// How many transactions count: all, or those that were begun in time.
    count: AtomicU32,
    /// Requests that the server refused.
    refused: AtomicU64,
    /// Calls that no step explains: compensations, unknown steps, other names.
    unexplained: AtomicU64,
}

/// How long transactions took from submit to the last call of a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Latencies {
    pub(crate) p50: Duration,
    pub(crate) p95: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
    /// From the first submit to the last call.
    pub(crate) whole: Duration,
}

/// What is wrong with the branch calls of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Branches that were never called.
    pub(crate) missing: usize,
    /// Branches that were called more than once, which is allowed.
    pub(crate) repeated: usize,
    /// Calls that belong to no branch.
    pub(crate) unexplained: u64,
    /// Requests of clients that the server refused.
    pub(crate) refused: u64,
}

impl Ledger {
    /// The name has no `-`.
    pub(crate) fn new(name: &str, count: u32, steps: u32, clients: u32) -> Self {
        let limit = count;
        let count = count as usize;
        Self {
            name: name.to_owned(),
            steps,
            begun: Instant::now(),
            calls: (0..count * steps as usize).map(|_| AtomicU8::new(0)).collect(),
            missing: (0..count).map(|_| AtomicU32::new(steps)).collect(),
            submitted: (0..count).map(|_| AtomicU64::new(0)).collect(),
            last_called: (0..count).map(|_| AtomicU64::new(0)).collect(),
            ended: (0..clients).map(|_| Notify::new()).collect(),
            clients: (0..count).map(|_| AtomicU32::new(0)).collect(),
            count: AtomicU32::new(limit),
            refused: AtomicU64::new(0),
            unexplained: AtomicU64::new(0),
        }
    }

    pub(crate) fn gid(&self, transaction: u32, client: u32) -> String {
        format!("{}-{transaction}-{client}", self.name)
    }

    /// The gids that a transaction may have: which client took it is known from the gid only.
    pub(crate) fn gids_of(&self, transaction: usize) -> impl Iterator<Item = String> {
        (0..self.ended.len()).map(move |client| format!("{}-{transaction}-{client}", self.name))
    }

    /// Whether a gid is of this ledger, and which transaction it is.
    pub(crate) fn transaction_of(&self, gid: &str) -> Option<u32> {
        self.parse(gid).map(|(transaction, _)| transaction)
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(SeqCst) as usize
    }

    /// Only the first `count` transactions were begun.
    pub(crate) fn ends_at(&self, count: u32) {
        self.count.store(count, SeqCst);
    }

    /// A request was refused; how many were before.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.fetch_add(1, SeqCst)
    }

    /// The gid of a transaction that was submitted.
    pub(crate) fn submitted_gid(&self, transaction: u32) -> String {
        self.gid(transaction, self.clients[transaction as usize].load(Relaxed))
    }

    pub(crate) fn submits(&self, transaction: u32, client: u32) {
        self.clients[transaction as usize].store(client, Relaxed);
        self.submitted[transaction as usize].store(self.now(), Relaxed);
    }

    /// Waits for the last call of a transaction that `client` has under way. A call that comes too late for an
    /// earlier one wakes the client as well.
    pub(crate) async fn ended(&self, transaction: u32, client: u32) {
        while self.missing[transaction as usize].load(SeqCst) > 0 {
            self.ended[client as usize].notified().await;
        }
    }

    /// The action of `step` (from 0) was called.
    pub(crate) fn called(&self, gid: &str, step: u32) {
        let known = self.parse(gid).filter(|_| step < self.steps);
        let Some((transaction, client)) = known else { return self.called_without_reason() };
        let at = transaction as usize;
        let call = &self.calls[at * self.steps as usize + step as usize];
        // Full is full: 255 calls are as wrong as 256.
        let before =
            call.fetch_update(SeqCst, SeqCst, |calls| calls.checked_add(1)).unwrap_or_else(|full| full);
        if before == 0 && self.missing[at].fetch_sub(1, SeqCst) == 1 {
            self.last_called[at].store(self.now(), SeqCst);
            self.ended[client as usize].notify_one();
        }
    }

    /// A call came that no transaction of this load asks for.
    pub(crate) fn called_without_reason(&self) {
        self.unexplained.fetch_add(1, SeqCst);
    }

    /// That every branch was called exactly once.
    pub(crate) fn check(&self) -> crate::Result {
        let Tally { missing, repeated, unexplained, .. } = self.tally();
        let wrong = missing + repeated;
        if wrong == 0 && unexplained == 0 {
            return Ok(());
        }
        Err(format!(
            "{}: {wrong} branches were not called exactly once, and {unexplained} calls belong to none",
            self.name
        )
        .into())
    }

    /// What was called, and what was not.
    pub(crate) fn tally(&self) -> Tally {
        let calls = &self.calls[..self.count() * self.steps as usize];
        let count = |wanted: fn(u8) -> bool| calls.iter().filter(|calls| wanted(calls.load(SeqCst))).count();
        Tally {
            missing: count(|calls| calls == 0),
            repeated: count(|calls| calls > 1),
            unexplained: self.unexplained.load(SeqCst),
            refused: self.refused.load(SeqCst),
        }
    }

    /// The latencies of all transactions whose branches were called.
    pub(crate) fn latencies(&self) -> crate::Result<Latencies> {
        let times = || {
            let times = self.submitted.iter().zip(&self.last_called).take(self.count());
            times.map(|(s, l)| (s.load(SeqCst), l.load(SeqCst))).filter(|(_, last)| *last > 0)
        };
        let mut took: Vec<u64> = times().map(|(submitted, last)| last.saturating_sub(submitted)).collect();
        took.sort_unstable();
        let first = times().map(|(submitted, _)| submitted).min();
        let last = times().map(|(_, last)| last).max();
        let (Some(first), Some(last)) = (first, last) else { return Err("nothing was measured".into()) };
        Ok(Latencies {
            p50: percentile(&took, 50),
            p95: percentile(&took, 95),
            p99: percentile(&took, 99),
            max: percentile(&took, 100),
            whole: Duration::from_nanos(last.saturating_sub(first)),
        })
    }

    /// When the last branch of each transaction was called, of those that were.
    pub(crate) fn call_times(&self) -> impl Iterator<Item = Instant> {
        let times = self.last_called.iter().map(|time| time.load(SeqCst));
        times.filter(|time| *time > 0).map(|time| self.begun + Duration::from_nanos(time))
    }

    fn parse(&self, gid: &str) -> Option<(u32, u32)> {
        let mut parts = gid.split('-');
        let name = parts.next()?;
        let transaction: u32 = parts.next()?.parse().ok()?;
        let client: u32 = parts.next()?.parse().ok()?;
        let known = name == self.name
            && parts.next().is_none()
            && (transaction as usize) < self.missing.len()
            && (client as usize) < self.ended.len();
        known.then_some((transaction, client))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The smallest value that at least `percent` of all values do not exceed (nearest rank).
fn percentile(sorted: &[u64], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    Duration::from_nanos(sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_that_is_not_called_or_called_twice_is_noticed() {
        let ledger = Ledger::new("a", 1, 2, 1);
        ledger.called("a-0-0", 0);
        assert!(ledger.check().is_err(), "step 1 is missing");
        ledger.called("a-0-0", 1);
        ledger.check().unwrap();
        ledger.called("a-0-0", 1);
        assert!(ledger.check().is_err(), "step 1 was called twice");
    }

    #[test]
    fn a_call_that_belongs_to_nobody_is_noticed() {
        for (gid, step) in [("b-0-0", 0), ("a-1-0", 0), ("a-0-1", 0), ("a-0-0", 2), ("a-0-0-0", 0), ("", 0)] {
            let ledger = Ledger::new("a", 1, 2, 1);
            ledger.called("a-0-0", 0);
            ledger.called("a-0-0", 1);
            ledger.called(gid, step);
            assert!(ledger.check().is_err(), "{gid} {step}");
        }
    }

    #[tokio::test]
    async fn the_last_call_wakes_its_client_whatever_the_order() {
        let ledger = Ledger::new("a", 2, 2, 3);
        ledger.submits(1, 2);
        ledger.called(&ledger.gid(1, 2), 1);
        ledger.called(&ledger.gid(1, 2), 0);
        ledger.ended(1, 2).await;
        assert_eq!(ledger.submitted_gid(1), "a-1-2");
    }

    #[tokio::test]
    async fn a_call_that_comes_too_late_does_not_end_the_next_transaction() {
        let ledger = Ledger::new("a", 2, 1, 1);
        ledger.called("a-0-0", 0);
        let next = ledger.ended(1, 0);
        assert!(tokio::time::timeout(Duration::from_millis(20), next).await.is_err());
    }

    #[test]
    fn transactions_that_were_not_begun_in_time_do_not_count() {
        let ledger = Ledger::new("a", 5, 1, 1);
        ledger.called("a-0-0", 0);
        ledger.ends_at(1);
        ledger.check().unwrap();
        assert_eq!(ledger.count(), 1);
        ledger.ends_at(2);
        assert_eq!(ledger.tally().missing, 1);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let values: Vec<u64> = (1..=200).collect();
        assert_eq!(percentile(&values, 50), Duration::from_nanos(100));
        assert_eq!(percentile(&values, 99), Duration::from_nanos(198));
        assert_eq!(percentile(&values, 100), Duration::from_nanos(200));
        assert_eq!(percentile(&[7], 50), Duration::from_nanos(7));
    }
}
