//! Messages: calls that follow a local transaction.

use std::time::Duration;

use dtm_core::model::{Mode, Payload};
use dtm_proto::http::StepRequest;
use serde::Serialize;

use super::options::options;
use super::request::Request;
use super::step::written;
use super::{BranchError, BranchResult, Coordinator, Done, Error, Receipt};

/// Calls that are made, each until it succeeds, once a local transaction has committed: what an outbox is for, without
/// one.
#[derive(Debug, Clone)]
#[must_use = "a message does nothing until it is submitted"]
pub struct Message {
    request: Request,
}

impl Message {
    pub(super) fn new(coordinator: Coordinator, gid: &str) -> Self {
        Self { request: Request::new(coordinator, gid, Mode::Message) }
    }

    options!();

    /// Calls `url` after the ones that are there. A branch of a message cannot say "no": it is asked until it succeeds. A
    /// payload that cannot be written as JSON is an error when the message is sent, before anything else happens.
    pub fn step<T: Serialize + ?Sized>(mut self, url: impl Into<String>, payload: &T) -> Self {
        let url = url.into();
        let payload = match written(&url, payload) {
            Ok(payload) => payload,
            Err(error) => {
                self.request.refuse(error.to_string());
                Payload::empty()
            }
        };
        self.request.body.steps.push(StepRequest {
            action: url.into(),
            compensate: "".into(),
            data: Payload::empty(),
        });
        self.request.body.payloads.push(payload);
        self
    }

    /// Calls everybody who subscribes `topic` when the message is stored: [`Coordinator::subscribe`].
    pub fn topic<T: Serialize + ?Sized>(self, topic: &str, payload: &T) -> Self {
        self.step(format!("topic://{topic}"), payload)
    }

    /// Makes the calls at once instead of one after the other.
    pub fn concurrent(mut self) -> Self {
        self.request.body.concurrent = true;
        self
    }

    /// Makes no call before so much time has passed since the message was stored. Whole seconds, rounded up.
    pub fn delay(mut self, delay: Duration) -> Self {
        let seconds = self.request.seconds("delay", delay);
        self.request.body.custom_data = format!("{{\"delay\":{seconds}}}");
        self
    }

    /// Where to ask whether the local transaction committed, when nobody says so: a branch that answers
    /// [`Done`] for yes and [`BranchError::RollBack`] for no.
    pub fn query_prepared(mut self, url: impl Into<String>) -> Self {
        let url: String = url.into();
        self.request.body.query_prepared = url.into();
        self
    }

    /// Stores the message without making any call yet.
    ///
    /// # Errors
    /// [`Error`] saying what holds.
    pub async fn prepare(&self) -> Result<(), Error> {
        if self.request.body.query_prepared.is_empty() {
            let message =
                "query_prepared is missing: nobody could be asked whether the local transaction committed";
            return Err(Error::Refused { gid: self.gid().to_owned(), message: message.to_owned() });
        }
        self.request.prepare().await
    }

    /// Makes the calls. Once it has returned `Ok`, that is durable. A message may be submitted without having been prepared,
    /// and as often as it takes.
    ///
    /// # Errors
    /// [`Error`] saying what holds.
    pub async fn submit(&self) -> Result<Receipt, Error> {
        self.request.submit().await
    }

    /// Prepares the message, runs the local transaction, and submits the message if that has committed.
    ///
    /// | `local_transaction` returns | what happens |
    /// |---|---|
    /// | `Ok(Done)` | the message is submitted |
    /// | `Err(BranchError::RollBack(..))` | the message is dropped: [`Error::RolledBack`] |
    /// | any other error, or it is dropped, or the process dies | nobody knows whether it committed: the coordinator asks [`query_prepared`](Self::query_prepared) when `timeout_to_fail` is over |
    ///
    /// # Errors
    /// [`Error`] saying what holds.
    pub async fn do_and_submit<F, R>(
        self,
        query_prepared: impl Into<String>,
        local_transaction: F,
    ) -> Result<Receipt, Error>
    where
        F: FnOnce() -> R,
        R: Future<Output = BranchResult>,
    {
        let message = self.query_prepared(query_prepared);
        message.prepare().await?;
        match local_transaction().await {
            Ok(Done) => message.submit().await,
            Err(BranchError::RollBack(reason)) => Err(message.request.abort(reason).await),
            Err(error @ (BranchError::Ongoing | BranchError::Retry(_))) => Err(Error::Unknown {
                gid: message.gid().to_owned(),
                cause: format!("the local transaction may have committed; the back-check will tell: {error}"),
            }),
        }
    }
}
