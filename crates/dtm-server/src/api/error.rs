//! What a use case answers when it does not do what was asked.

use dtm_core::coordinator::Refusal;
use dtm_core::model::{Mode, Status};
use dtm_proto::http::{DecodeError, RequestError as InvalidRequest};

use crate::runner::RequestError;
use crate::transport::NotCallable;

/// An error for a client. Each protocol has its own form for each class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// Which kind of error it is.
    pub class: Class,
    /// What is wrong, and what to do.
    pub message: String,
    /// Where the transaction stands, when the client waited for its result (decision 5).
    pub status: Option<Status>,
}

/// The kinds of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Final: the request will never be possible, or the transaction was rolled back.
    Failure,
    /// Not ended yet.
    Ongoing,
    /// The request itself is wrong (decision 14).
    Invalid,
    /// Anything else.
    Internal,
}

impl ApiError {
    pub(crate) const fn new(class: Class, message: String) -> Self {
        Self { class, message, status: None }
    }

    pub(super) fn with_status(self, status: Status) -> Self {
        Self { status: Some(status), ..self }
    }

    /// A refused registration: for a workflow it is an error that its second execution notices (behaviour 25).
    pub(super) fn of_registration(error: RequestError, mode: Mode) -> Self {
        match error {
            RequestError::Refused(refusal @ Refusal::BranchTaken { .. }) if mode == Mode::Workflow => {
                Self::new(Class::Internal, refusal.to_string())
            }
            other => other.into(),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let class = match &refusal {
            Refusal::Gid(_)
            | Refusal::Ordering(_)
            | Refusal::TooManyBranches { .. }
            | Refusal::TooLarge { .. }
            | Refusal::Invalid(_) => Class::Invalid,
            Refusal::Different { .. }
            | Refusal::CannotPrepare(_)
            | Refusal::CannotSubmit(_)
            | Refusal::NotPrepared { .. }
            | Refusal::BranchTaken { .. } => Class::Failure,
            Refusal::TopicNotFound | Refusal::WorkflowNotPrepared => Class::Internal, // behaviour 86, 96
        };
        Self::new(class, refusal.to_string())
    }
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        let class = match error {
            RequestError::Refused(refusal) => return refusal.into(),
            RequestError::CannotAbort { .. } | RequestError::CannotStop(_) | RequestError::Busy(_) => {
                Class::Failure
            }
            RequestError::NotFound(_) | RequestError::Store(_) | RequestError::Stopping => Class::Internal,
        };
        Self::new(class, error.to_string())
    }
}

impl From<DecodeError> for ApiError {
    /// Behaviour 4: a body that is no such JSON is an internal error, as it is in Go.
    fn from(error: DecodeError) -> Self {
        Self::new(Class::Internal, error.to_string())
    }
}

impl From<InvalidRequest> for ApiError {
    fn from(error: InvalidRequest) -> Self {
        // Behaviour 23 pins a 500 for one of them.
        let class = if error.http_status() == 500 { Class::Internal } else { Class::Invalid };
        Self::new(class, error.to_string())
    }
}

impl From<NotCallable> for ApiError {
    fn from(error: NotCallable) -> Self {
        Self::new(Class::Invalid, error.to_string())
    }
}

impl From<dtm_core::model::GidError> for ApiError {
    fn from(error: dtm_core::model::GidError) -> Self {
        Self::new(Class::Invalid, error.to_string())
    }
}
