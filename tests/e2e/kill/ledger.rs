//! The branch service's books: each effect behind a barrier, and calls that came too late.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::harness::{Call, Reply};

/// What happened to one branch of one transaction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    /// Forward calls (action, confirm), however often.
    pub(crate) forward: usize,
    /// Backward calls (compensate, cancel), however often.
    pub(crate) backward: usize,
    /// How often the effect was applied.
    pub(crate) applied: usize,
    /// How often the effect was undone.
    pub(crate) undone: usize,
    /// A backward call came first: a late forward call does nothing.
    barred: bool,
}

pub(crate) struct Ledger(Mutex<Books>);

struct Books {
    entries: HashMap<String, HashMap<String, Entry>>,
    ended: HashSet<String>,
    late: Vec<String>,
    rng: StdRng,
}

impl Ledger {
    pub(crate) fn new(seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        Self(Mutex::new(Books { entries: HashMap::new(), ended: HashSet::new(), late: Vec::new(), rng }))
    }

    /// Somebody has seen that the transaction has ended.
    pub(crate) fn has_ended(&self, gid: &str) {
        self.0.lock().ended.insert(gid.to_owned());
    }

    pub(crate) fn entries(&self, gid: &str) -> HashMap<String, Entry> {
        self.0.lock().entries.get(gid).cloned().unwrap_or_default()
    }

    /// Calls for transactions whose end somebody had seen.
    pub(crate) fn late_calls(&self) -> usize {
        self.0.lock().late.len()
    }

    pub(crate) fn assert_no_late_calls(&self) {
        let books = self.0.lock();
        assert!(books.late.is_empty(), "called after the end was seen: {:#?}", books.late);
    }

    /// Does what a branch behind a barrier does, and now and then fails to do it, or to say so.
    pub(crate) fn decide(&self, call: &Call) -> Reply {
        let (gid, branch_id, op) = (call.gid(), call.branch_id(), call.op());
        if gid.is_empty() {
            return Reply::ok();
        }
        let mut books = self.0.lock();
        if books.ended.contains(&gid) {
            books.late.push(format!("{gid} {branch_id} {op}"));
        }
        let luck = books.rng.random_range(0..100);
        let pause = Duration::from_millis(books.rng.random_range(0..15));
        let refuses = call.path == "/refuses" && op == "action";
        let entry = books.entries.entry(gid).or_default().entry(branch_id).or_default();
        let forward = matches!(op.as_str(), "action" | "confirm");
        if forward {
            entry.forward += 1;
        } else {
            entry.backward += 1;
        }
        match luck {
            0..3 => return Reply::error(),
            3..6 => return Reply::ongoing(),
            _ if refuses => return Reply::failure().after(pause),
            _ => {}
        }
        match (forward, entry.applied > entry.undone) {
            (true, false) if !entry.barred => entry.applied += 1,
            (false, true) => {
                entry.undone += 1;
                entry.barred = true;
            }
            (false, false) => entry.barred = true,
            (true, _) => {} // a repetition, or too late
        }
        // Done, but the answer is lost.
        if luck < 9 { Reply::Close } else { Reply::ok().after(pause) }
    }
}
