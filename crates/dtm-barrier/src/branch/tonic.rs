//! Metadata and statuses for tonic.

use dtm_core::model::Outcome;
use dtm_proto::outcome::from_grpc;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};

use super::{BranchContext, BranchError, NotABranchCall};
use crate::BranchBarrier;

impl BranchContext {
    /// Reads `dtm-gid`, `dtm-branch_id`, `dtm-op` and `dtm-trans_type`, and `dtm-phase2_url` if it is there, from gRPC metadata.
    ///
    /// # Errors
    /// [`NotABranchCall`] when one of the four is missing, empty, given twice, unknown, or not UTF-8.
    pub fn from_metadata(metadata: &MetadataMap) -> Result<Self, NotABranchCall> {
        Self::from_texts(
            text(metadata, "dtm-gid")?,
            text(metadata, "dtm-branch_id")?,
            text(metadata, "dtm-op")?,
            text(metadata, "dtm-trans_type")?,
            text(metadata, "dtm-phase2_url")?,
        )
    }

    /// The context of a request over gRPC: its metadata, as [`from_metadata`](Self::from_metadata) reads it.
    ///
    /// # Errors
    /// As [`from_metadata`](Self::from_metadata). `?` turns it into a [`Status`].
    pub fn from_grpc<T>(request: &Request<T>) -> Result<Self, NotABranchCall> {
        Self::from_metadata(request.metadata())
    }
}

impl BranchBarrier {
    /// A barrier for the call that gRPC metadata names.
    ///
    /// # Errors
    /// As [`BranchContext::from_metadata`].
    pub fn from_metadata(metadata: &MetadataMap) -> Result<Self, NotABranchCall> {
        Self::try_from(BranchContext::from_metadata(metadata)?)
    }

    /// A barrier for a request over gRPC.
    ///
    /// ```
    /// use dtm_barrier::BranchBarrier;
    /// use tonic::{Request, Response, Status};
    ///
    /// async fn take(request: Request<u64>) -> Result<Response<()>, Status> {
    ///     let barrier = BranchBarrier::from_grpc(&request)?;
    ///     println!("{} cents for {}", request.get_ref(), barrier.context().gid);
    ///     Ok(Response::new(()))
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`BranchContext::from_metadata`]. `?` turns it into a [`Status`].
    pub fn from_grpc<T>(request: &Request<T>) -> Result<Self, NotABranchCall> {
        Self::from_metadata(request.metadata())
    }
}

/// The value of that name; not [`to_str`](tonic::metadata::MetadataValue::to_str), which refuses everything but ASCII.
fn text<'a>(metadata: &'a MetadataMap, name: &str) -> Result<Option<&'a str>, NotABranchCall> {
    let mut values = metadata.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(NotABranchCall(format!("{name} is given twice")));
    }
    match std::str::from_utf8(value.as_encoded_bytes()) {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(NotABranchCall(format!("{name} is not UTF-8"))),
    }
}

/// | branch says | gRPC status |
/// |---|---|
/// | [`RollBack`](BranchError::RollBack) | `ABORTED`, with the reason |
/// | [`Ongoing`](BranchError::Ongoing) | `FAILED_PRECONDITION` |
/// | [`Retry`](BranchError::Retry) | `UNKNOWN`, whatever the error was: also one that came as `ABORTED` from elsewhere |
impl From<BranchError> for Status {
    fn from(error: BranchError) -> Self {
        match &error {
            // older SDKs say "still at it" by this text
            BranchError::RollBack(reason) if reason == "ONGOING" => Self::new(Code::Aborted, "ongoing"),
            BranchError::RollBack(reason) => Self::new(Code::Aborted, reason),
            BranchError::Ongoing => Self::new(Code::FailedPrecondition, "ONGOING"),
            BranchError::Retry(_) => Self::new(Code::Unknown, error.to_string()),
        }
    }
}

impl From<NotABranchCall> for Status {
    fn from(error: NotABranchCall) -> Self {
        Self::new(Code::InvalidArgument, error.to_string())
    }
}

impl BranchError {
    /// What the status means that another branch has answered: `ABORTED` is a "no", `FAILED_PRECONDITION` is "still at it",
    /// and everything else "try again later". `?` on a [`Status`] is always "try again later": whoever asks somebody else
    /// decides whether the other's "no" is also his own.
    ///
    /// ```
    /// use dtm_barrier::BranchError;
    /// use tonic::Status;
    /// assert!(matches!(BranchError::from_status(Status::aborted("sold out")), BranchError::RollBack(why) if why == "sold out"));
    /// assert!(matches!(BranchError::from(Status::aborted("sold out")), BranchError::Retry(_)));
    /// ```
    #[must_use]
    pub fn from_status(status: Status) -> Self {
        match from_grpc(status.code(), status.message()) {
            Outcome::Failure { reason } => Self::RollBack(reason),
            Outcome::Ongoing => Self::Ongoing,
            Outcome::Success | Outcome::Unknown { .. } | Outcome::NotSent { .. } => {
                Self::Retry(Box::new(status))
            }
        }
    }
}
