//! Where a transaction, and each of its branches, stands.

use std::fmt;

/// The status of a global transaction.
///
/// ```text
/// saga      (submit) submitted -> succeed | aborting -> failed
/// msg       prepared -> submitted -> succeed ; prepared -> failed
/// tcc, xa   prepared -> submitted -> succeed ; prepared -> aborting -> failed
/// workflow  prepared -> succeed | failed
/// any unfinished status -> failed by a forced stop
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Known to the server; the client has not decided yet.
    Prepared,
    /// Decided: go forward.
    Submitted,
    /// Decided: undo.
    Aborting,
    /// Done everywhere. Final.
    Succeed,
    /// Undone everywhere. Final.
    Failed,
}

/// The status of one branch row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BranchStatus {
    /// Not known to have ended. The call may never have been made, may be under way, or may have got lost.
    Prepared,
    /// The branch confirmed that it did it.
    Succeed,
    /// The branch said that it will not do it (saga actions and workflow steps only).
    Failed,
}

/// A status that this server does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown status '{0}'")]
pub struct UnknownStatus(pub String);

impl Status {
    /// All statuses, in the order in which a transaction may pass through them.
    pub const ALL: [Self; 5] = [Self::Prepared, Self::Submitted, Self::Aborting, Self::Succeed, Self::Failed];

    /// Whether the status never changes again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Prepared | Self::Submitted | Self::Aborting => false,
            Self::Succeed | Self::Failed => true,
        }
    }

    /// The value of `status` on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Submitted => "submitted",
            Self::Aborting => "aborting",
            Self::Succeed => "succeed",
            Self::Failed => "failed",
        }
    }

    /// Reads a `status`.
    ///
    /// # Errors
    /// [`UnknownStatus`] for any other text.
    pub fn parse(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl BranchStatus {
    /// The value of a branch's `status` on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Succeed => "succeed",
            Self::Failed => "failed",
        }
    }

    /// Reads a branch's `status`.
    ///
    /// # Errors
    /// [`UnknownStatus`] for any other text.
    pub fn parse(text: &str) -> Result<Self, UnknownStatus> {
        match text {
            "prepared" => Ok(Self::Prepared),
            "succeed" => Ok(Self::Succeed),
            "failed" => Ok(Self::Failed),
            other => Err(UnknownStatus(other.to_owned())),
        }
    }
}
