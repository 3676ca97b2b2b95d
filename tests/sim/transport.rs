//! Calls of one server process to the simulated branch services.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use dtm_core::coordinator::{BranchCall, CallOp};
use dtm_core::model::{Gid, Op, Outcome};
use dtm_server::transport::{Attempt, Contact, Transport};
use dtm_testkit::invariants::{Event, Journal};
use dtm_testkit::services::Branches;

use crate::bug::Bug;
use crate::faults::Faults;
use crate::flows::Flows;
use crate::gate::Gate;

#[derive(Debug)]
pub(crate) struct SimTransport {
    pub(crate) branches: Arc<Branches>,
    pub(crate) flows: Arc<Flows>,
    pub(crate) journal: Journal,
    pub(crate) gate: Gate,
    pub(crate) numbers: Arc<AtomicU64>,
    pub(crate) faults: Faults,
    /// How often a panic was made.
    pub(crate) panics: Arc<AtomicU64>,
    /// The start of the server, as `node:epoch`.
    pub(crate) caller: String,
    pub(crate) bug: Option<Bug>,
}

#[async_trait]
impl Transport for SimTransport {
    async fn attempt(&self, call: &BranchCall, _: &BTreeMap<String, String>, _: Duration) -> Attempt {
        self.gate.pass().await;
        let pending = self.begin(call);
        if self.faults.panics() {
            self.panics.fetch_add(1, Ordering::Relaxed);
            std::panic::resume_unwind(Box::new("a defect that shows now and then"));
        }
        let outcome = self.deliver(call).await;
        self.gate.pass().await;
        pending.ended(&outcome);
        Attempt { outcome, contact: Contact::Inconclusive }
    }
}

impl SimTransport {
    fn begin(&self, call: &BranchCall) -> Pending {
        let id = self.numbers.fetch_add(1, Ordering::Relaxed);
        self.journal.record(Event::Called {
            id,
            caller: self.caller.clone(),
            gid: call.gid.clone(),
            key: call.key,
            branch_id: call.branch_id.clone(),
            op: match &call.op {
                CallOp::Branch(op) => Some(*op),
                CallOp::Workflow(_) => None,
            },
        });
        Pending { id, gid: call.gid.clone(), journal: self.journal.clone(), open: true }
    }

    async fn deliver(&self, call: &BranchCall) -> Outcome {
        match (self.bug, &call.op) {
            (Some(Bug::SkipsACompensation), CallOp::Branch(Op::Compensate)) => Outcome::Success,
            (Some(Bug::MixesUpTheWays), CallOp::Branch(op)) => {
                let op = match op {
                    Op::Cancel => Op::Confirm,
                    Op::Rollback => Op::Commit,
                    other => *other,
                };
                self.branches.call(&BranchCall { op: CallOp::Branch(op), ..call.clone() }).await
            }
            (_, CallOp::Workflow(_)) => self.flows.resume(&call.gid, call.timeout.into()).await,
            (Some(Bug::TimeOutIsFailure), _) => match self.branches.call(call).await {
                Outcome::Unknown { cause } => Outcome::Failure { reason: cause },
                other => other,
            },
            _ => self.branches.call(call).await,
        }
    }
}

/// A call whose end the journal waits for.
struct Pending {
    id: u64,
    gid: Gid,
    journal: Journal,
    open: bool,
}

impl Pending {
    fn ended(mut self, outcome: &Outcome) {
        self.open = false;
        self.record(Some(outcome.clone()));
    }

    fn record(&self, outcome: Option<Outcome>) {
        self.journal.record(Event::CallEnded { id: self.id, gid: self.gid.clone(), outcome });
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.open {
            self.record(None);
        }
    }
}
