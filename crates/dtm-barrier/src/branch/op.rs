//! What a branch is asked to do, seen from the branch.

use std::fmt;

/// The `op` of a call. One more than [`Op`](dtm_core::model::Op) knows: a TCC client itself calls a branch with `try`.
///
/// ```
/// use dtm_barrier::branch::BranchOp;
/// assert_eq!(BranchOp::parse("compensate"), Ok(BranchOp::Compensate));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BranchOp {
    /// Do it: a step of a saga, a message or a workflow, or phase one of XA.
    Action,
    /// Undo the action.
    Compensate,
    /// TCC: reserve it.
    Try,
    /// TCC: make the reservation final.
    Confirm,
    /// TCC: give the reservation back.
    Cancel,
    /// XA, workflow: commit.
    Commit,
    /// XA, workflow: roll back.
    Rollback,
    /// Message: has the local transaction committed?
    Message,
}

/// An `op` that no branch is called with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("unknown op '{0}': expected action, compensate, try, confirm, cancel, commit, rollback or msg")]
pub struct UnknownBranchOp(pub String);

impl BranchOp {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Action,
        Self::Compensate,
        Self::Try,
        Self::Confirm,
        Self::Cancel,
        Self::Commit,
        Self::Rollback,
        Self::Message,
    ];

    /// The value of `op` on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Compensate => "compensate",
            Self::Try => "try",
            Self::Confirm => "confirm",
            Self::Cancel => "cancel",
            Self::Commit => "commit",
            Self::Rollback => "rollback",
            Self::Message => "msg",
        }
    }

    /// Reads an `op`.
    ///
    /// # Errors
    /// [`UnknownBranchOp`] for any other text.
    pub fn parse(text: &str) -> Result<Self, UnknownBranchOp> {
        Self::ALL.into_iter().find(|op| op.as_str() == text).ok_or_else(|| UnknownBranchOp(text.to_owned()))
    }
}

impl fmt::Display for BranchOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
