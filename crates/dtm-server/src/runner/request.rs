//! What a request asks for, and what it is answered.

use tokio::sync::oneshot;

use dtm_core::coordinator::{PassEnd, Refusal, Verb};
use dtm_core::model::{Definition, Mode, Status, Timestamp, WorkflowEnd};

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It is durable; the transaction goes on by itself.
    Accepted,
    /// There was nothing to change.
    Unchanged,
    /// The client asked to wait, and the first pass has ended.
    Passed(PassEnd),
}

/// Why a request was not applied.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RequestError {
    /// The request is not acceptable.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such transaction.
    #[error("no TransGlobal with gid: {0} found")]
    NotFound(String),
    /// The transaction cannot be aborted (any more).
    #[error("trans type: '{mode}' current status '{status}', cannot abort. FAILURE")]
    CannotAbort {
        /// What is stored.
        mode: Mode,
        /// Where it stands.
        status: Status,
    },
    /// The transaction has ended.
    #[error("global transaction force stop error. status: {0}. error: FAILURE")]
    CannotStop(Status),
    /// Somebody else changed the transaction at the same moment, again and again.
    #[error("{0} is being changed by somebody else: try again")]
    Busy(String),
    /// The store failed. Whether the request was stored is unknown unless the message says so.
    #[error("store: {0}")]
    Store(#[from] dtm_store::Error),
    /// The server is stopping. The transaction, if it was stored, goes on when a server runs again.
    #[error("the server is stopping: ask again with the same gid")]
    Stopping,
}

/// The answer to a request, sent by the driver.
pub(super) type Answer = oneshot::Sender<Result<Applied, RequestError>>;

/// What is asked of a driver.
#[derive(Debug)]
pub(super) enum Request {
    /// Prepare or submit.
    Admit(Box<Admit>),
    /// Undo.
    Abort(Box<Abort>),
    /// End it without undoing anything.
    ForceStop,
    /// Try again now, if the next try is later than that.
    Reschedule { later_than: Option<Timestamp> },
}

/// A prepare or submit.
#[derive(Debug, Clone)]
pub(super) struct Admit {
    pub(super) verb: Verb,
    pub(super) definition: Definition,
    pub(super) end: Option<WorkflowEnd>,
}

/// An abort.
#[derive(Debug, Clone)]
pub(super) struct Abort {
    /// The mode that the client believes the transaction to have, if it says so.
    pub(super) mode: Option<Mode>,
    pub(super) reason: String,
    /// Whether the answer waits for the end of the first pass; it also does when the transaction says so.
    pub(super) wait_result: bool,
}

/// What arrives in the inbox of a driver: a request, and where to answer it.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) request: Request,
    pub(super) answer: Answer,
}
