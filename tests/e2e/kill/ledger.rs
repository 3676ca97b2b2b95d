//! The branch service's books: each effect behind a barrier, and calls that came too late.
//!
//! | path | what it does |
//! |---|---|
//! | `/branch` | answers soon |
//! | `/refuses` | an action that will never be done |
//! | `/slow` | takes its time, up to seconds, and says more often that it is still at it |
//! | `/open` | as `/slow`; whether it refuses is decided by chance, once and for all |
//! | `/query` | the back-check of a message: whether its local transaction was committed, by chance, once and for all |

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
    /// What `/open` has decided.
    refuses: Option<bool>,
}

pub(crate) struct Ledger(Mutex<Books>);

struct Books {
    entries: HashMap<String, HashMap<String, Entry>>,
    ended: HashSet<String>,
    late: Vec<String>,
    committed: HashMap<String, bool>,
    rng: StdRng,
}

impl Ledger {
    pub(crate) fn new(seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        Self(Mutex::new(Books {
            entries: HashMap::new(),
            ended: HashSet::new(),
            late: Vec::new(),
            committed: HashMap::new(),
            rng,
        }))
    }

    /// Somebody has seen that the transaction has ended.
    pub(crate) fn has_ended(&self, gid: &str) {
        self.0.lock().ended.insert(gid.to_owned());
    }

    pub(crate) fn entries(&self, gid: &str) -> HashMap<String, Entry> {
        self.0.lock().entries.get(gid).cloned().unwrap_or_default()
    }

    /// Whether the local transaction of a message was committed. Nobody knows before the first one asks.
    pub(crate) fn has_committed(&self, gid: &str) -> bool {
        let books = &mut *self.0.lock();
        *books.committed.entry(gid.to_owned()).or_insert_with(|| books.rng.random())
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
        if call.path == "/query" {
            return if self.has_committed(&gid) { Reply::ok() } else { Reply::failure() };
        }
        let books = &mut *self.0.lock();
        if books.ended.contains(&gid) {
            books.late.push(format!("{gid} {branch_id} {op}"));
        }
        let luck = books.rng.random_range(0..100);
        let slow = matches!(call.path.as_str(), "/slow" | "/open");
        let pause = pause(&mut books.rng, slow);
        let chance = books.rng.random_ratio(3, 10);
        let entry = books.entries.entry(gid).or_default().entry(branch_id).or_default();
        let refuses = match call.path.as_str() {
            "/refuses" => op == "action",
            "/open" => op == "action" && *entry.refuses.get_or_insert(chance),
            _ => false,
        };
        let forward = matches!(op.as_str(), "action" | "confirm");
        if forward {
            entry.forward += 1;
        } else {
            entry.backward += 1;
        }
        match luck {
            0..3 => return Reply::error(),
            3..6 => return Reply::ongoing(),
            9..25 if slow => return Reply::ongoing().after(pause),
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

/// How long an answer takes.
fn pause(rng: &mut StdRng, slow: bool) -> Duration {
    let span = match rng.random_range(0..10) {
        0..4 if slow => 50..800,
        4 if slow => 1_000..4_000,
        _ => 0..15,
    };
    Duration::from_millis(rng.random_range(span))
}
