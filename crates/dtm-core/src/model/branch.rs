//! Branches: the steps that a client lists at submit, and the ones that it registers on the way.

use std::sync::Arc;

use super::{BranchId, BranchStatus, Mode, Op, Payload, Subscription};

/// One step of a saga or message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The URL that does it.
    pub action: Arc<str>,
    /// The URL that undoes it; empty when there is nothing to undo, and for messages.
    pub compensate: Arc<str>,
    /// The body of both calls.
    pub payload: Payload,
    /// The id of the branch where it is not its position: topics make `01-01`, `01-02` of one step.
    pub branch_id: Option<BranchId>,
    /// Where it comes from a topic: which part of which one.
    pub subscription: Option<Subscription>,
}

impl Step {
    /// A step whose branch id is its position.
    #[must_use]
    pub fn new(action: &str, compensate: &str, payload: impl Into<Payload>) -> Self {
        Self {
            action: action.into(),
            compensate: compensate.into(),
            payload: payload.into(),
            branch_id: None,
            subscription: None,
        }
    }
}

/// One branch that a client registered while its transaction was prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    /// A tried TCC branch.
    Tcc {
        /// The id that the client gave it.
        branch_id: BranchId,
        /// The URL that makes it final; empty when there is nothing to do.
        confirm: Arc<str>,
        /// The URL that undoes it; empty when there is nothing to do.
        cancel: Arc<str>,
        /// The body of both calls.
        data: Payload,
    },
    /// A prepared XA branch.
    Xa {
        /// The id that the client gave it.
        branch_id: BranchId,
        /// The URL of phase two; `op` says whether to commit or to roll back.
        url: Arc<str>,
        /// What the client sent along; phase two is called without a body.
        data: Payload,
    },
    /// A finished step of a workflow.
    Workflow {
        /// The id that the client gave it.
        branch_id: BranchId,
        /// Which phase of the step it is.
        op: Op,
        /// How the step ended.
        status: BranchStatus,
        /// The recorded result, replayed when the workflow is run again.
        data: Payload,
    },
}

impl Registration {
    /// The id of the branch.
    #[must_use]
    pub const fn branch_id(&self) -> &BranchId {
        match self {
            Self::Tcc { branch_id, .. } | Self::Xa { branch_id, .. } | Self::Workflow { branch_id, .. } => {
                branch_id
            }
        }
    }

    /// The mode of the transactions that such a branch belongs to.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        match self {
            Self::Tcc { .. } => Mode::Tcc,
            Self::Xa { .. } => Mode::Xa,
            Self::Workflow { .. } => Mode::Workflow,
        }
    }

    /// The row that it occupies, of which a transaction has one: its branch and, for workflows, the phase.
    #[must_use]
    pub const fn row(&self) -> (&BranchId, Option<Op>) {
        match self {
            Self::Tcc { branch_id, .. } | Self::Xa { branch_id, .. } => (branch_id, None),
            Self::Workflow { branch_id, op, .. } => (branch_id, Some(*op)),
        }
    }
}
