//! What the coordinator refuses.

use crate::model::{BranchIndex, GidError, Mode, OrderingError, Status};

/// An input or write that makes no sense for the transaction as it stands. Never a panic, never ignored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// The input does not belong to this mode in this status.
    #[error("{input} is not possible for a {mode} that is {status}")]
    Input {
        /// The mode of the transaction.
        mode: Mode,
        /// The status of the transaction.
        status: Status,
        /// The name of the input.
        input: &'static str,
    },
    /// The write was decided on another status.
    #[error("the write expects status {expected}, the transaction is {found}")]
    StaleWrite {
        /// What the write was decided on.
        expected: Status,
        /// What the transaction is.
        found: Status,
    },
    /// No transaction of this mode goes that way.
    #[error("a {mode} cannot go from {from} to {to}")]
    Transition {
        /// The mode of the transaction.
        mode: Mode,
        /// Where it is.
        from: Status,
        /// Where the write wants it.
        to: Status,
    },
    /// The row has ended before and would end differently.
    #[error("branch row {} has already ended", index.get())]
    RowEnded {
        /// The row.
        index: BranchIndex,
    },
    /// The transaction has no such row.
    #[error("there is no branch row {}", index.get())]
    NoSuchRow {
        /// The row.
        index: BranchIndex,
    },
}

/// Why a request of a client is not accepted. The message names the field and says what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The gid cannot be used.
    #[error(transparent)]
    Gid(#[from] GidError),
    /// `orders` cannot be used.
    #[error(transparent)]
    Ordering(#[from] OrderingError),
    /// More steps or branches than the server is configured for.
    #[error("{found} branches are more than MaxBranches = {limit} allows")]
    TooManyBranches {
        /// How many the request makes.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A field is longer than the server is configured for.
    #[error("{field} is {bytes} bytes long, at most {limit} are allowed ({setting})")]
    TooLarge {
        /// The field.
        field: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
        /// The setting that raises the limit.
        setting: &'static str,
    },
    /// This mode cannot be prepared or submitted that way.
    #[error("{0}")]
    Invalid(String),
    /// A step names a topic that nobody subscribes to (behaviour 86).
    #[error("topic not found")]
    TopicNotFound,
    /// Nothing with this gid is prepared that could end. The text is DTM's (behaviour 96).
    #[error("storage: NotFound")]
    WorkflowNotPrepared,
    /// The gid is taken by a transaction with other content.
    #[error("gid is in use by a transaction with other content: {difference} differs")]
    Different {
        /// The first difference.
        difference: String,
    },
    /// The transaction cannot be prepared any more.
    #[error("current status '{0}', cannot prepare. FAILURE")]
    CannotPrepare(Status),
    /// The transaction cannot be submitted any more. The spelling is DTM's, and clients match it.
    #[error("current status '{0}', cannot sumbmit. FAILURE")]
    CannotSubmit(Status),
    /// The transaction is of another mode, or not prepared any more.
    #[error("no trans with gid: {gid} status: prepared found FAILURE")]
    NotPrepared {
        /// The gid of the request.
        gid: String,
    },
    /// The branch is registered already, with other content.
    #[error("branch {branch_id} of {gid} is registered already: {difference} differs")]
    BranchTaken {
        /// The gid of the request.
        gid: String,
        /// The branch of the request.
        branch_id: String,
        /// The first difference.
        difference: &'static str,
    },
}
