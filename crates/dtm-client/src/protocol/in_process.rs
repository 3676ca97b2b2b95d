//! Requests to a coordinator in this process: no encoding, and time-outs and verdicts as over a wire.

use std::sync::Arc;

use dtm_core::model;
use dtm_core::model::Registration;
use tokio::time::timeout;

use super::verdict::judge;
use super::{Answered, BranchCall, Called, Patience, Request, Timeouts, Verb, Verdict};
use crate::branch::BranchContext;
use crate::in_process::{Coordinator, Declined};
use crate::workflow::Stored;
use crate::{Error, Transaction};

/// A coordinator in this process, and how long it may take.
#[derive(Debug)]
pub(crate) struct InProcess {
    pub(crate) coordinator: Arc<dyn Coordinator>,
    pub(crate) timeouts: Timeouts,
}

impl InProcess {
    pub(super) async fn transaction(&self, verb: Verb, request: &Request<'_>) -> Verdict {
        let (patience, request) = (request.patience(verb), request.in_process());
        let answer = match verb {
            Verb::Prepare => self.within(patience, self.coordinator.prepare(request)).await,
            Verb::Submit => self.within(patience, self.coordinator.submit(request)).await,
            Verb::Abort => self.within(patience, self.coordinator.abort(request)).await,
        };
        Answered::from(answer).into()
    }

    pub(super) async fn register(&self, gid: &str, registration: &Registration) -> Verdict {
        let answer = self.within(Patience::Usual, self.coordinator.register(gid, registration)).await;
        Answered::from(answer).into()
    }

    pub(super) async fn prepare_workflow(&self, request: &Request<'_>) -> Answered<Stored> {
        let prepared = self.coordinator.prepare_workflow(request.in_process());
        match self.within(Patience::Usual, prepared).await {
            Ok(stored) => Stored::of(&stored).into(),
            Err(verdict) => Answered::Not(verdict),
        }
    }

    pub(super) async fn query(&self, gid: &str) -> Result<Option<Transaction>, Error> {
        let queried: Result<Option<model::Transaction>, Verdict> =
            self.within(Patience::Usual, self.coordinator.query(gid)).await;
        let stored = super::server::value(&format!("query of {gid}"), Ok(queried.into()))?;
        Ok(stored.as_ref().map(Transaction::from))
    }

    /// Whether a URL is that of a branch in this process.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is, and there is no such branch.
    pub(super) fn has_branch(&self, url: &str) -> Result<bool, Error> {
        match self.coordinator.check_branch(url) {
            None => Ok(false),
            Some(Ok(())) => Ok(true),
            Some(Err(problem)) => Err(Error::invalid("the URL of a branch", problem)),
        }
    }

    /// Calls a branch in this process.
    pub(super) async fn call(&self, call: &BranchCall<'_>, limit: std::time::Duration) -> Called {
        let mut context = BranchContext::new(call.gid, call.branch_id, call.op, call.mode);
        context.phase2_url = call.phase2_url.map(str::to_owned);
        let payload = call.payload.map_or_else(model::Payload::empty, |payload| payload.as_bytes().into());
        Called::without_body(self.coordinator.call(call.url, context, payload, limit).await)
    }

    async fn within<T>(
        &self,
        patience: Patience,
        work: impl Future<Output = Result<T, Declined>>,
    ) -> Result<T, Verdict> {
        match timeout(self.timeouts.of(patience), work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Declined { code, message, status })) => {
                Err(judge(code, message, status.map(model::Status::as_str)))
            }
            Err(_) => Err(Verdict::Unclear { cause: "no answer in time".to_owned() }),
        }
    }
}

impl<T> From<Result<T, Verdict>> for Answered<T> {
    fn from(answer: Result<T, Verdict>) -> Self {
        answer.map_or_else(Self::Not, Self::Value)
    }
}
