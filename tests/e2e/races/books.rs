//! What the branch service has seen of each transaction, and what may never be seen.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::harness::{Call, Reply};

/// The calls of every transaction, in the order of their arrival.
pub(super) struct Books(Mutex<Pages>);

#[derive(Default)]
struct Pages {
    calls: HashMap<String, Vec<Entry>>,
    busy: HashMap<(String, String, String), Instant>,
    violations: Vec<String>,
}

/// One call that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) branch_id: String,
    pub(super) op: String,
    /// Whether it was answered with success.
    pub(super) done: bool,
    /// Whether it arrived after [`Books::close`].
    pub(super) late: bool,
}

impl Books {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Enters a call that is answered with `reply` after `pause`. A row that is called again before that has
    /// two calls out at the same time.
    pub(super) fn enter(&self, call: &Call, reply: Reply, pause: Duration) -> Reply {
        let (gid, branch_id, op) = (call.gid(), call.branch_id(), call.op());
        let done = matches!(&reply, Reply::Whole(whole) if whole.status == 200);
        let mut pages = self.0.lock();
        let now = Instant::now();
        let row = (gid.clone(), branch_id.clone(), op.clone());
        if pages.busy.insert(row, now + pause).is_some_and(|until| until > now) {
            pages.violations.push(format!("{gid} {branch_id} {op} was called while it was being called"));
        }
        let calls = pages.calls.entry(gid.clone()).or_default();
        let late = calls.iter().any(|entry| entry.op == CLOSED);
        if op != PROBE
            && calls.iter().any(|entry| entry.done && (&entry.branch_id, &entry.op) == (&branch_id, &op))
        {
            pages.violations.push(format!("{gid} {branch_id} {op} was called again after its success"));
        }
        let entry = Entry { branch_id, op, done, late };
        pages.calls.entry(gid).or_default().push(entry);
        drop(pages);
        reply.after(pause)
    }

    /// From now on calls of this transaction are late.
    pub(super) fn close(&self, gid: &str) {
        let mark = Entry { branch_id: String::new(), op: CLOSED.to_owned(), done: false, late: false };
        self.0.lock().calls.entry(gid.to_owned()).or_default().push(mark);
    }

    /// The calls of a transaction, without the back-checks.
    pub(super) fn of(&self, gid: &str) -> Vec<Entry> {
        let calls = self.0.lock().calls.get(gid).cloned().unwrap_or_default();
        calls.into_iter().filter(|entry| entry.op != CLOSED && entry.op != PROBE).collect()
    }

    /// The rows that were called with success, as "branch op", in the order of the calls.
    pub(super) fn done(&self, gid: &str) -> Vec<String> {
        let done = self.of(gid).into_iter().filter(|entry| entry.done);
        done.map(|entry| format!("{} {}", entry.branch_id, entry.op)).collect()
    }

    /// What was seen that may never be seen.
    pub(super) fn violations(&self) -> Vec<String> {
        self.0.lock().violations.clone()
    }
}

const CLOSED: &str = "closed";
const PROBE: &str = "msg";
