//! What a branch in this process is called with, whoever calls it: a driver, or a client in this process.

use std::fmt;
use std::sync::Arc;

use dtm_barrier::{BranchContext, BranchOp, UnknownBranchOp};
use dtm_core::coordinator::{BranchCall, CallOp};
use dtm_core::model::{Mode, Payload};

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct LocalCall {
    pub(crate) url: Arc<str>,
    pub(crate) gid: String,
    pub(crate) branch_id: String,
    pub(crate) mode: Mode,
    pub(crate) op: CalledFor,
    /// XA, first phase: where the second one is to be called.
    pub(crate) phase2_url: Option<String>,
    pub(crate) payload: Payload,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CalledFor {
    /// An operation of a branch.
    Branch(BranchOp),
    /// That the workflow of this name goes on.
    Workflow(Arc<str>),
}

impl LocalCall {
    /// The call of a client in this process.
    pub(crate) fn by_client(url: &str, context: BranchContext, payload: Payload) -> Self {
        Self {
            url: url.into(),
            gid: context.gid,
            branch_id: context.branch_id,
            mode: context.trans_type,
            op: CalledFor::Branch(context.op),
            phase2_url: context.phase2_url,
            payload,
        }
    }
}

impl TryFrom<&BranchCall> for LocalCall {
    type Error = UnknownBranchOp;

    /// The call of a driver.
    fn try_from(call: &BranchCall) -> Result<Self, UnknownBranchOp> {
        Ok(Self {
            url: Arc::clone(&call.url),
            gid: call.gid.to_string(),
            branch_id: call.branch_id.to_string(),
            mode: call.mode,
            op: match &call.op {
                CallOp::Branch(op) => CalledFor::Branch(BranchOp::parse(op.as_str())?),
                CallOp::Workflow(name) => CalledFor::Workflow(Arc::clone(name)),
            },
            phase2_url: None,
            payload: call.payload.clone(),
        })
    }
}

impl fmt::Display for CalledFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(op) => op.fmt(f),
            Self::Workflow(name) => f.write_str(name),
        }
    }
}
