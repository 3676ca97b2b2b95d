//! Calls for whoever has a barrier.

use std::future::Future;

use dtm_barrier::{BranchBarrier, BranchError};

use super::{BranchChannel, Reply, http};
use crate::model::{StepEnd, told};

/// Calls in the name of a branch, from inside its action or a callback of phase two: the service on the other
/// side is told for whom it works. Nothing is recorded here; the action or the callback is, as a whole.
///
/// ```
/// use dtm_workflow::{BranchCalls, BranchError, Reply, Workflow};
///
/// async fn transfer(wf: Workflow, http: reqwest::Client) -> Result<Reply, BranchError> {
///     let refund = http.post("http://bank-a/refund");
///     wf.branch()
///         .on_rollback(async move |barrier| barrier.send(refund).await)
///         .send(http.post("http://bank-a/deduct"))
///         .await
/// }
/// # let _ = transfer;
/// ```
pub trait BranchCalls {
    /// Sends a request. See [`Branch::send`](crate::Branch::send) for what its answers mean.
    fn send(
        &self,
        request: reqwest::RequestBuilder,
    ) -> impl Future<Output = Result<Reply, BranchError>> + Send;

    /// A channel for generated gRPC clients.
    fn over<S>(&self, channel: S) -> BranchChannel<S>;
}

impl BranchCalls for BranchBarrier {
    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Reply, BranchError> {
        match http::send(self.context(), request).await? {
            StepEnd::Succeeded(body) => Ok(Reply::new(body)),
            StepEnd::Refused(body) => Err(BranchError::RollBack(told(&body))),
        }
    }

    fn over<S>(&self, channel: S) -> BranchChannel<S> {
        BranchChannel::plain(channel, self.context().clone())
    }
}
