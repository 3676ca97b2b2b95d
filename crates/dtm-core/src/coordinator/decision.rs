//! What to do next.

use std::sync::Arc;

use super::Write;
use crate::model::{
    BranchId, BranchIndex, Gid, Mode, Op, Outcome, Payload, Protocol, Seconds, Status, Timestamp,
};

/// The answer of [`decide`](super::decide): at most one write, what may happen after it, and when to look again.
#[must_use = "a decision that is not carried out loses a transaction"]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// What to make durable. `None`: nothing changed.
    pub write: Option<Write>,
    /// What to do once the write is durable (at once when its durability is deferrable).
    pub effects: Vec<Effect>,
    /// When to feed [`Input::Woke`](super::Input::Woke) if nothing else happens before. `None`: not at all.
    pub wake: Option<Timestamp>,
}

/// Something that happens outside the coordinator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Call a branch; its outcome comes back as [`Input::Branch`](super::Input::Branch).
    Call(BranchCall),
    /// Ask whether a message's local transaction committed; comes back as `Probed`.
    Probe(BranchCall),
    /// Call a workflow back; comes back as `Resumed`.
    Resume(BranchCall),
    /// Tell the operators that something is stuck.
    Alert(Alert),
    /// The pass has ended: answer whoever waits for its result.
    Reply(PassEnd),
}

/// Which call of a transaction is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallKey {
    /// The call of a branch row.
    Branch(BranchIndex),
    /// The back-check of a message.
    Probe,
    /// The call-back of a workflow.
    Resume,
}

/// The value of `op` in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOp {
    /// An operation of a branch.
    Branch(Op),
    /// The name of a workflow.
    Workflow(Arc<str>),
}

impl CallOp {
    /// The text on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Branch(op) => op.as_str(),
            Self::Workflow(name) => name,
        }
    }
}

/// Everything that a transport needs to make one call, except for the headers, which are the transaction's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchCall {
    /// Which call it is.
    pub key: CallKey,
    /// The transaction.
    pub gid: Gid,
    /// Its mode.
    pub mode: Mode,
    /// The branch.
    pub branch_id: BranchId,
    /// What it is asked to do.
    pub op: CallOp,
    /// Where.
    pub url: Arc<str>,
    /// How, unless the URL says otherwise.
    pub protocol: Protocol,
    /// The body.
    pub payload: Payload,
    /// How long the call may take.
    pub timeout: Seconds,
    /// Whether this is not the first pass: retries yield to first calls when a destination is busy.
    pub retry: bool,
}

/// Word to the operators, in the shape of DTM's web hook (behaviour 92).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The transaction.
    pub gid: Gid,
    /// Where it stands.
    pub status: Status,
    /// The URL that does not do its part.
    pub url: Arc<str>,
    /// What went wrong.
    pub error: String,
    /// Failing passes in a row.
    pub retry_count: u32,
}

/// How a pass ended, for clients that wait for the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassEnd {
    /// Where the transaction stands now.
    pub status: Status,
    /// Why it is rolled back, if it is.
    pub reason: Option<String>,
    /// What kept the pass from going on, if anything did.
    pub trouble: Option<Outcome>,
}
