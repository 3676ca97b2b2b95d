//! What can go wrong in a store, and whether trying again helps.

use dtm_core::model::Gid;

/// An error of a store. The message says what failed, on what, and what to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The gid, topic or branch is there already. Nothing was changed.
    #[error("{0} exists already")]
    AlreadyExists(String),
    /// The gid or topic is not there. Nothing was changed.
    #[error("{0} does not exist")]
    NotFound(String),
    /// The record is not as the write expects it: somebody else was faster. Nothing was changed. Load it
    /// again and decide anew.
    #[error("conflict on {what}: expected {expected}, found {found}")]
    Conflict {
        /// The record.
        what: String,
        /// What the write expects.
        expected: String,
        /// What is stored.
        found: String,
    },
    /// The stored record cannot be read. It is left as it is and never treated as empty; an operator has to
    /// look at it.
    #[error(
        "the record of {gid} cannot be read: {detail}; it is left untouched, restore it from a backup or remove it"
    )]
    Damaged {
        /// The record.
        gid: Gid,
        /// What is wrong with it.
        detail: String,
    },
    /// The value cannot be stored, ever.
    #[error("{what} cannot be stored: {detail}")]
    Rejected {
        /// The record.
        what: String,
        /// Why.
        detail: String,
    },
    /// The store did not answer or could not write; it may have written all the same. Trying again may help.
    #[error("the store is not available: {0}; the operation may or may not have happened")]
    Unavailable(String),
    /// The store is closed, because the server is stopping. Nothing was changed.
    #[error("the store is closed: the server is stopping")]
    Closed,
    /// The store cannot be opened, or has failed for good. The message says what to do.
    #[error("{0}")]
    Fatal(String),
}

impl Error {
    /// Whether the same call may succeed later without anybody doing anything.
    #[must_use]
    pub const fn retry_helps(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::AlreadyExists(_)
            | Self::NotFound(_)
            | Self::Conflict { .. }
            | Self::Damaged { .. }
            | Self::Rejected { .. }
            | Self::Closed
            | Self::Fatal(_) => false,
        }
    }

    /// Whether the operation took effect: `Some(false)` when it certainly did not, `None` when nobody knows.
    #[must_use]
    pub const fn happened(&self) -> Option<bool> {
        match self {
            Self::AlreadyExists(_)
            | Self::NotFound(_)
            | Self::Conflict { .. }
            | Self::Damaged { .. }
            | Self::Rejected { .. }
            | Self::Closed => Some(false),
            Self::Unavailable(_) | Self::Fatal(_) => None,
        }
    }
}
