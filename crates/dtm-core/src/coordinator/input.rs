//! What can happen to a transaction.

use crate::model::{Amendment, BranchIndex, Outcome, WorkflowEnd};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The client says: go forward. For a workflow: it has ended.
    Submitted {
        /// What the request adds to what prepare said.
        amendment: Option<Amendment>,
        /// How the workflow ended; `None` for every other mode.
        end: Option<WorkflowEnd>,
    },
    /// The client says: undo.
    Aborted {
        /// Its words.
        reason: String,
    },
    /// An operator says: stop here, without undoing anything.
    ForceStopped,
    /// An operator says: try again now. What is out is not doubled, and no time-out, back-check or delay comes
    /// earlier: a transaction that waits for one is looked at, and waits on.
    Rescheduled,
    /// The time of the last decision's `wake` has come, or a driver starts.
    Woke,
    /// A branch call ended.
    Branch {
        /// The row that was called.
        index: BranchIndex,
        /// What became of it.
        outcome: Outcome,
    },
    /// The back-check of a message ended.
    Probed {
        /// What became of it.
        outcome: Outcome,
    },
    /// The call-back of a workflow ended.
    Resumed {
        /// What became of it.
        outcome: Outcome,
    },
}

impl Input {
    /// The name, for error messages and tables.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Submitted { .. } => "Submitted",
            Self::Aborted { .. } => "Aborted",
            Self::ForceStopped => "ForceStopped",
            Self::Rescheduled => "Rescheduled",
            Self::Woke => "Woke",
            Self::Branch { .. } => "Branch",
            Self::Probed { .. } => "Probed",
            Self::Resumed { .. } => "Resumed",
        }
    }

    /// What became of the call that this input is about.
    #[must_use]
    pub const fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Branch { outcome, .. } | Self::Probed { outcome } | Self::Resumed { outcome } => {
                Some(outcome)
            }
            Self::Submitted { .. }
            | Self::Aborted { .. }
            | Self::ForceStopped
            | Self::Rescheduled
            | Self::Woke => None,
        }
    }

    /// Whether everything that waits for the next pass is tried again now.
    #[must_use]
    pub const fn starts_a_pass(&self) -> bool {
        match self {
            Self::Submitted { .. } | Self::Aborted { .. } | Self::Rescheduled | Self::Woke => true,
            Self::ForceStopped | Self::Branch { .. } | Self::Probed { .. } | Self::Resumed { .. } => false,
        }
    }
}
