//! Calls to branches that a client makes itself: the tries of a TCC, the first phase of XA, the back-check of
//! a message whose local transaction nobody knows about.

use std::time::Duration;

use dtm_core::model::{Mode, Options, Outcome};

use crate::Payload;
use crate::branch::BranchOp;

/// One call.
#[derive(Debug)]
pub(crate) struct BranchCall<'a> {
    pub(crate) url: &'a str,
    pub(crate) gid: &'a str,
    pub(crate) mode: Mode,
    pub(crate) branch_id: &'a str,
    pub(crate) op: BranchOp,
    /// XA: where phase two is to be called.
    pub(crate) phase2_url: Option<&'a str>,
    /// None for a question, which over HTTP is a `GET`.
    pub(crate) payload: Option<&'a Payload>,
    pub(crate) options: &'a Options,
}

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) outcome: Outcome,
    /// What the branch has answered, for a success.
    pub(crate) body: Vec<u8>,
}

impl Called {
    pub(crate) const fn without_body(outcome: Outcome) -> Self {
        Self { outcome, body: Vec::new() }
    }
}

impl BranchCall<'_> {
    /// How long the answer may take.
    pub(crate) fn timeout(&self, default: Duration) -> Duration {
        self.options.request_timeout.map_or(default, Duration::from)
    }
}
