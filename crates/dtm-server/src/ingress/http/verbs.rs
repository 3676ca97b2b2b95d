//! Requests that change a transaction.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;

use dtm_core::model::Seconds;
use dtm_proto::http::{
    GidRequest, RegisterRequest, TransactionRequest, progresses_body, reset_cron_time_body,
};

use super::body::read;
use super::reply::Reply;
use super::routes::Ingress;
use super::views::{Query, owner_text};
use crate::api;
use crate::api::{ApiError, Class, ResetCronTime};

type Shared = State<Arc<Ingress>>;

pub(super) async fn prepare(ingress: Shared, headers: HeaderMap, body: Body) -> Response {
    let work = async {
        let request = transaction(&ingress, &headers, body).await?;
        done(api::prepare(&ingress.api, &request).await)
    };
    measured(&ingress, "prepare", work).await
}

pub(super) async fn submit(ingress: Shared, headers: HeaderMap, body: Body) -> Response {
    let work = async {
        let request = transaction(&ingress, &headers, body).await?;
        done(api::submit(&ingress.api, &request).await)
    };
    measured(&ingress, "submit", work).await
}

pub(super) async fn abort(ingress: Shared, headers: HeaderMap, body: Body) -> Response {
    let work = async {
        let request = transaction(&ingress, &headers, body).await?;
        done(api::abort(&ingress.api, &request).await)
    };
    measured(&ingress, "abort", work).await
}

pub(super) async fn prepare_workflow(ingress: Shared, headers: HeaderMap, body: Body) -> Response {
    let work = async {
        let request = transaction(&ingress, &headers, body).await?;
        let stored = api::prepare_workflow(&ingress.api, &request).await?;
        Ok(Reply::json(progresses_body(&stored.transaction, &owner_text(&stored.owner))))
    };
    measured(&ingress, "prepareWorkflow", work).await
}

pub(super) async fn register_branch(ingress: Shared, headers: HeaderMap, body: Body) -> Response {
    let work = async {
        let bytes = bytes(&ingress, &headers, body).await?;
        // Behaviour 24: here a body that does not decode is the client's fault.
        let request = RegisterRequest::decode(&bytes)
            .map_err(|error| Reply::message(http::StatusCode::BAD_REQUEST, &error.to_string()))?;
        done(api::register_branch(&ingress.api, &request).await)
    };
    measured(&ingress, "registerBranch", work).await
}

pub(super) async fn force_stop(ingress: Shared, headers: HeaderMap, body: Body) -> Response {
    let work = async {
        let request = gid_request(&ingress, &headers, body).await?;
        let gid = request.gid().map_err(|error| Reply::from(ApiError::from(error)))?;
        done(api::force_stop(&ingress.api, &gid).await)
    };
    measured(&ingress, "forceStop", work).await
}

pub(super) async fn reset_next_cron_time(ingress: Shared, headers: HeaderMap, body: Body) -> Response {
    let work = async {
        let request = gid_request(&ingress, &headers, body).await?;
        let gid = request.gid().map_err(|error| Reply::from(ApiError::from(error)))?;
        done(api::reset_next_cron_time(&ingress.api, &gid).await)
    };
    measured(&ingress, "resetNextCronTime", work).await
}

pub(super) async fn reset_cron_time(ingress: Shared, RawQuery(query): RawQuery) -> Response {
    let work = async {
        let query = Query::parse(query.as_deref());
        let timeout = query.number::<u32>("timeout")?.map(Seconds::new);
        let limit = query.number("limit")?.unwrap_or(100);
        let done = api::reset_cron_time(&ingress.api, ResetCronTime { timeout, limit }).await?;
        Ok(Reply::json(reset_cron_time_body(done.count, done.has_remaining)))
    };
    measured(&ingress, "resetCronTime", work).await
}

/// Counts a request by its use case, never by its URL (decision 23).
pub(super) async fn measured(
    ingress: &Ingress,
    api: &'static str,
    work: impl Future<Output = Result<Reply, Reply>>,
) -> Response {
    let begun = Instant::now();
    let (reply, ok) = match work.await {
        Ok(reply) => (reply, true),
        Err(reply) => (reply, false),
    };
    ingress.metrics.request(api, "http", ok, begun.elapsed());
    reply.into_response()
}

async fn transaction(
    ingress: &Ingress,
    headers: &HeaderMap,
    body: Body,
) -> Result<TransactionRequest, Reply> {
    let bytes = bytes(ingress, headers, body).await?;
    let mut request = TransactionRequest::decode(&bytes).map_err(ApiError::from)?;
    pass_headers_through(&mut request, headers)?;
    Ok(request)
}

/// Old clients name headers of their own request that every branch call has to carry.
pub(in crate::ingress) fn pass_headers_through(
    request: &mut TransactionRequest,
    headers: &HeaderMap,
) -> Result<(), ApiError> {
    for name in std::mem::take(&mut request.passthrough_headers) {
        let Some(value) = headers.get(&name) else { continue };
        let value = value.to_str().map_err(|_| {
            ApiError::new(Class::Invalid, format!("passthrough_headers: header '{name}' is not text"))
        })?;
        request.branch_headers.entry(name).or_insert_with(|| value.to_owned());
    }
    Ok(())
}

async fn gid_request(ingress: &Ingress, headers: &HeaderMap, body: Body) -> Result<GidRequest, Reply> {
    let bytes = bytes(ingress, headers, body).await?;
    Ok(GidRequest::decode(&bytes).map_err(ApiError::from)?)
}

async fn bytes(ingress: &Ingress, headers: &HeaderMap, body: Body) -> Result<Bytes, Reply> {
    Ok(read(headers, body, ingress.body_bytes_max, ingress.body_time_max).await?)
}

pub(super) fn done(result: Result<(), ApiError>) -> Result<Reply, Reply> {
    result.map(|()| Reply::success()).map_err(Reply::from)
}
