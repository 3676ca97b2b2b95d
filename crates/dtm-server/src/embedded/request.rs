//! A request to the coordinator in this process: the use cases of the server, without a wire in between.

use std::fmt;
use std::time::Duration;

use dtm_core::coordinator::Refusal;
use dtm_core::model::{Mode, Status};
use dtm_proto::http::TransactionRequest;

use super::error::without_marker;
use super::presence::{bytes_of, check_bytes};
use super::{Coordinator, Error};
use crate::api::{self, ApiError, Class};

/// A transaction that was accepted, and where it stood when it was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The transaction.
    pub gid: String,
    /// `succeed` when the result was waited for, or when it had ended before; else `submitted`.
    pub status: Status,
}

/// A transaction that is being put together.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) coordinator: Coordinator,
    pub(super) body: TransactionRequest,
    /// The first thing that cannot be used.
    problem: Option<String>,
}

impl Request {
    pub(super) fn new(coordinator: Coordinator, gid: &str, mode: Mode) -> Self {
        Self { coordinator, body: TransactionRequest::new(gid, mode), problem: None }
    }

    pub(super) fn refuse(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }

    /// Whole seconds, rounded up: a short time must not become 0, which means "as configured".
    pub(super) fn seconds(&mut self, field: &'static str, time: Duration) -> i64 {
        if time.is_zero() {
            self.refuse(format!("{field} is zero: leave it out for the default"));
        }
        let whole = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
        i64::try_from(whole).unwrap_or(i64::MAX) // refused as too long when the definition is made
    }

    pub(super) async fn submit(&self) -> Result<Receipt, Error> {
        self.check()?;
        match api::submit(self.coordinator.api(), &self.body).await {
            Ok(()) if self.body.wait_result => Ok(self.receipt(Status::Succeed)),
            Ok(()) => Ok(self.receipt(Status::Submitted)),
            Err(error) => {
                self.ended_before(&error).await.unwrap_or_else(|| Err(Error::of(&self.body.gid, error)))
            }
        }
    }

    /// What has become of the very same transaction, if it was submitted before and has ended, or is being rolled back. Other
    /// content is refused with other words.
    async fn ended_before(&self, error: &ApiError) -> Option<Result<Receipt, Error>> {
        if error.class != Class::Failure || error.status.is_some() {
            return None;
        }
        let gid = self.body.gid.clone();
        let stored = self.coordinator.query(&gid).await.ok()??;
        let status = stored.status();
        if error.message != Refusal::CannotSubmit(status).to_string() {
            return None;
        }
        Some(match status {
            Status::Succeed => Ok(self.receipt(status)),
            Status::Failed => {
                let reason = stored.state.reason.unwrap_or_else(|| "no reason was given".to_owned());
                Err(Error::RolledBack { gid, reason: without_marker(&reason).to_owned() })
            }
            Status::Prepared | Status::Submitted | Status::Aborting => {
                Err(Error::StillRunning { gid, status })
            }
        })
    }

    fn receipt(&self, status: Status) -> Receipt {
        Receipt { gid: self.body.gid.clone(), status }
    }

    pub(super) async fn prepare(&self) -> Result<(), Error> {
        self.check()?;
        self.told(api::prepare(self.coordinator.api(), &self.body).await)
    }

    /// Rolls it back; always the error that says so.
    pub(super) async fn abort(&self, reason: String) -> Error {
        let body = TransactionRequest { rollback_reason: reason.clone(), ..self.body.clone() };
        match self.told(api::abort(self.coordinator.api(), &body).await) {
            Ok(()) => Error::RolledBack { gid: self.body.gid.clone(), reason },
            Err(error) => error,
        }
    }

    fn told(&self, result: Result<(), ApiError>) -> Result<(), Error> {
        result.map_err(|error| Error::of(&self.body.gid, error))
    }

    /// What an ingress would refuse before a use case sees it.
    fn check(&self) -> Result<(), Error> {
        let refused = |message| Err(Error::Refused { gid: self.body.gid.clone(), message });
        if let Some(problem) = &self.problem {
            return refused(problem.clone());
        }
        check_bytes(bytes_of(&self.body), self.coordinator.bytes_max()).or_else(refused)
    }
}

/// The numbers of things only: payloads and headers may be secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("gid", &self.body.gid)
            .field("mode", &self.body.trans_type)
            .field("steps", &self.body.steps.len())
            .finish_non_exhaustive()
    }
}
