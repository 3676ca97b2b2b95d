//! What a branch is asked to do.

/// The operation of a branch row or a branch call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Do it: a step of a saga, message or workflow.
    Action,
    /// Undo the action of a saga step.
    Compensate,
    /// Make the tried branch of a TCC final.
    Confirm,
    /// Undo the tried branch of a TCC.
    Cancel,
    /// Commit a prepared XA branch, or phase two of a workflow step.
    Commit,
    /// Roll back a prepared XA branch, or phase two of a workflow step.
    Rollback,
    /// Ask whether the local transaction of a message committed.
    Message,
    /// Marker that a workflow wrote inside an XA branch.
    Business,
}

/// An operation that this server does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown op '{0}': use one of action, compensate, confirm, cancel, commit, rollback, msg, business")]
pub struct UnknownOp(pub String);

impl Op {
    /// All operations.
    pub const ALL: [Self; 8] = [
        Self::Action,
        Self::Compensate,
        Self::Confirm,
        Self::Cancel,
        Self::Commit,
        Self::Rollback,
        Self::Message,
        Self::Business,
    ];

    /// The value of `op` on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Compensate => "compensate",
            Self::Confirm => "confirm",
            Self::Cancel => "cancel",
            Self::Commit => "commit",
            Self::Rollback => "rollback",
            Self::Message => "msg",
            Self::Business => "business",
        }
    }

    /// Reads an `op`.
    ///
    /// # Errors
    /// [`UnknownOp`] for any other text.
    pub fn parse(text: &str) -> Result<Self, UnknownOp> {
        Self::ALL.into_iter().find(|op| op.as_str() == text).ok_or_else(|| UnknownOp(text.to_owned()))
    }
}
