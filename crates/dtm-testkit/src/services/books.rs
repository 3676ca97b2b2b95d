//! The books of all services: what took effect, behind a barrier as DTM's SDKs have it.

use std::collections::{BTreeMap, BTreeSet};

use dtm_core::model::{BranchId, Gid, Op, Outcome};
use parking_lot::Mutex;

use crate::invariants::{Did, Event, Journal};

/// Decides what a call does when it arrives, and enters it into the journal.
#[derive(Debug)]
pub struct Books {
    journal: Journal,
    rows: Mutex<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    /// What was done, or can never be done any more.
    barrier: BTreeMap<(Gid, BranchId, Op), Origin>,
    /// Branches that say no.
    refusing: BTreeSet<(Gid, BranchId)>,
    /// How local transactions of messages ended.
    local: BTreeMap<Gid, bool>,
}

/// Who has written a barrier row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The operation itself.
    Own,
    /// The operation that undoes it, because it came first.
    Undo,
}

impl Books {
    /// Empty books.
    #[must_use]
    pub fn new(journal: Journal) -> Self {
        Self { journal, rows: Mutex::default() }
    }

    /// The branch says no to its action from now on.
    pub fn refuse(&self, gid: &Gid, branch_id: &BranchId) {
        self.rows.lock().refusing.insert((gid.clone(), branch_id.clone()));
    }

    /// A call arrives. The answer is the one of a service with a barrier: what was done before, and what comes
    /// too late, is answered as done.
    pub fn arrive(&self, gid: &Gid, branch_id: &BranchId, op: Op) -> Outcome {
        let did = self.rows.lock().enter(gid, branch_id, op);
        self.journal.record(Event::Effect { gid: gid.clone(), branch_id: branch_id.clone(), op, did });
        match did {
            Did::Applied | Did::Repeated | Did::Empty | Did::TooLate => Outcome::Success,
            Did::Refused => Outcome::Failure { reason: "refused FAILURE".to_owned() },
        }
    }

    /// The client's local transaction of a message tries to commit. A back-check that came first has ruled that
    /// out. Says whether it committed.
    pub fn commit_local(&self, gid: &Gid) -> bool {
        self.end_local(gid, true)
    }

    /// The client's local transaction of a message rolls back.
    pub fn roll_back_local(&self, gid: &Gid) {
        self.end_local(gid, false);
    }

    /// The back-check: a local transaction that has not committed by now never will.
    pub fn check_back(&self, gid: &Gid) -> Outcome {
        if self.end_local(gid, false) {
            Outcome::Success
        } else {
            Outcome::Failure { reason: "the local transaction did not commit FAILURE".to_owned() }
        }
    }

    fn end_local(&self, gid: &Gid, committed: bool) -> bool {
        let mut rows = self.rows.lock();
        if let Some(ended) = rows.local.get(gid) {
            return *ended;
        }
        rows.local.insert(gid.clone(), committed);
        self.journal.record(Event::Local { gid: gid.clone(), committed });
        committed
    }
}

impl Rows {
    fn enter(&mut self, gid: &Gid, branch_id: &BranchId, op: Op) -> Did {
        let key = |op| (gid.clone(), branch_id.clone(), op);
        match self.barrier.get(&key(op)) {
            Some(Origin::Own) => return Did::Repeated,
            Some(Origin::Undo) => return Did::TooLate,
            None => {}
        }
        if op == Op::Action && self.refusing.contains(&(gid.clone(), branch_id.clone())) {
            return Did::Refused;
        }
        self.barrier.insert(key(op), Origin::Own);
        if !undoes_an_action(op) {
            return Did::Applied;
        }
        match self.barrier.entry(key(Op::Action)) {
            std::collections::btree_map::Entry::Occupied(_) => Did::Applied,
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(Origin::Undo);
                Did::Empty
            }
        }
    }
}

const fn undoes_an_action(op: Op) -> bool {
    match op {
        Op::Compensate | Op::Cancel | Op::Rollback => true,
        Op::Action | Op::Confirm | Op::Commit | Op::Message | Op::Business => false,
    }
}
