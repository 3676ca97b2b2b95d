//! A layer under generated gRPC clients.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use dtm_barrier::{BranchContext, BranchError};
use dtm_core::model::Outcome;
use dtm_proto::outcome::from_grpc;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Body as HttpBody, StdError};
use tower_service::Service;

use super::patience::{Unanswered, patiently};
use super::unary;
use crate::Branch;
use crate::meaning::Answered;
use crate::model::{GO_STATUS_PREFIX, StepEnd, told};

/// A channel for unary calls in the name of a branch: a generated client on it is used as always.
///
/// Calls get the metadata `dtm-gid`, `dtm-trans_type`, `dtm-branch_id` and `dtm-op`. With
/// [`Branch::over`] the answer of the one call is recorded, and a replay makes none; the channel of
/// [`BranchCalls::over`](crate::BranchCalls::over) only adds the metadata. Either way the `ABORTED` and
/// `FAILED_PRECONDITION` of the service keep their meaning ("no", "still at it") when `?` makes a
/// [`BranchError`] of the status; from any other channel they would mean "try again later".
///
/// Answers are not compressed, and calls that stream are refused.
pub struct BranchChannel<S> {
    inner: S,
    caller: Caller,
}

/// In whose name a call is made.
enum Caller {
    /// One call, recorded.
    Recorded(Option<Branch>),
    /// Any number of calls, which whoever makes them records, or not.
    Plain(BranchContext),
}

/// A second call where one is recorded.
#[derive(Debug, thiserror::Error)]
#[error("a branch has one action, and this one has made its call: take another branch for another call")]
struct OneCallOnly;

impl<S> BranchChannel<S> {
    pub(crate) const fn recorded(inner: S, branch: Branch) -> Self {
        Self { inner, caller: Caller::Recorded(Some(branch)) }
    }

    pub(super) const fn plain(inner: S, context: BranchContext) -> Self {
        Self { inner, caller: Caller::Plain(context) }
    }
}

impl<S, B> Service<Request<Body>> for BranchChannel<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<StdError>,
    B: HttpBody<Data = Bytes> + Send,
    B::Error: Into<StdError>,
{
    type Response = Response<Body>;
    type Error = StdError;
    type Future = BoxFuture<'static, Result<Response<Body>, StdError>>;

    /// Always: what is replayed needs no connection.
    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let inner = self.inner.clone();
        match &mut self.caller {
            Caller::Recorded(branch) => match branch.take() {
                Some(branch) => Box::pin(async move {
                    let end =
                        branch.step(|barrier| async move { call(inner, barrier.context(), request).await });
                    answered(end.await.and_then(|end| branch.succeeded(end)))
                }),
                None => Box::pin(async { Err(OneCallOnly.into()) }),
            },
            Caller::Plain(context) => {
                let context = context.clone();
                Box::pin(async move {
                    let end = call(inner, &context, request).await;
                    answered(end.and_then(|end| match end {
                        StepEnd::Succeeded(message) => Ok(message),
                        StepEnd::Refused(data) => Err(BranchError::RollBack(told(&data))),
                    }))
                })
            }
        }
    }
}

/// Makes the call. What is recorded of it is what Go's SDK records.
async fn call<S, B>(
    mut inner: S,
    branch: &BranchContext,
    mut request: Request<Body>,
) -> Result<StepEnd, BranchError>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<StdError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<StdError>,
{
    for (name, value) in [
        ("dtm-gid", branch.gid.as_str()),
        ("dtm-trans_type", branch.trans_type.as_str()),
        ("dtm-branch_id", branch.branch_id.as_str()),
        ("dtm-op", branch.op.as_str()),
    ] {
        request.headers_mut().insert(name, HeaderValue::from_bytes(value.as_bytes())?);
    }
    // A compressed answer could not be read by the SDK that goes on with this workflow.
    request.headers_mut().remove("grpc-accept-encoding");
    let answer = patiently(async {
        poll_fn(|context| inner.poll_ready(context)).await.map_err(|error| unclear(error.into()))?;
        let response = inner.call(request).await.map_err(|error| unclear(error.into()))?;
        unary::read(response).await
    });
    let status = match answer.await? {
        Ok(message) => return Ok(StepEnd::Succeeded(message.to_vec())),
        Err(status) => status,
    };
    match from_grpc(status.code(), status.message()) {
        Outcome::Failure { reason } => {
            Ok(StepEnd::Refused(format!("{GO_STATUS_PREFIX}{reason}").into_bytes()))
        }
        Outcome::Ongoing => Err(BranchError::Ongoing),
        Outcome::Success | Outcome::Unknown { .. } | Outcome::NotSent { .. } => Err(status.into()),
    }
}

fn unclear(error: StdError) -> Unanswered {
    Unanswered::Unclear(error.to_string())
}

/// The answer as a generated client understands it, with its meaning as the source of the status.
fn answered(end: Result<Vec<u8>, BranchError>) -> Result<Response<Body>, StdError> {
    let error = match end {
        Ok(message) => return Ok(unary::write(&message)?),
        Err(error) => error,
    };
    let (mut status, answer) = match error {
        BranchError::RollBack(reason) => (Status::aborted(&reason), Answered::No(reason)),
        BranchError::Ongoing => (Status::failed_precondition("the branch is still at it"), Answered::Ongoing),
        BranchError::Retry(error) => return Err(error),
    };
    status.set_source(Arc::new(answer));
    Err(status.into())
}

impl<S> fmt::Debug for BranchChannel<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BranchChannel").finish_non_exhaustive()
    }
}
