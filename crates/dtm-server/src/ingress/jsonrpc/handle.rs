//! Which method is which use case.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use dtm_proto::http::TransactionRequest;
use dtm_proto::jsonrpc::{Call, Method};

use super::super::http::{Ingress, pass_headers_through, read};
use super::reply::{Failed, Outcome};
use crate::api;
use crate::api::ApiError;

/// The name of a call whose method is not known, as a metric's label.
const UNKNOWN: &str = "other";

/// Carries out one call. It is counted by its method, with a protocol of its own (decision 23).
pub(in crate::ingress) async fn handle(
    ingress: State<Arc<Ingress>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let begun = Instant::now();
    let (mut id, mut method) = (String::new(), UNKNOWN);
    let work = async {
        let body = read(&headers, body, ingress.body_bytes_max, ingress.body_time_max).await?;
        let call = Call::decode(&body).map_err(|error| Failed::unreadable(&error))?;
        id.clone_from(&call.id);
        let called = call.method()?;
        method = called.as_str();
        carry_out(&ingress, called, &headers, &body).await
    };
    let outcome = work.await.unwrap_or_else(Outcome::Failed);
    let ok = !matches!(outcome, Outcome::Failed(_));
    ingress.metrics.request(method, "json-rpc", ok, begun.elapsed());
    outcome.reply(&id)
}

async fn carry_out(
    ingress: &Ingress,
    method: Method,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Outcome, Failed> {
    let api = &ingress.api;
    match method {
        Method::NewGid => return Ok(Outcome::NewGid(api::new_gid())),
        Method::Prepare => api::prepare(api, &transaction(headers, body)?).await?,
        Method::Submit => api::submit(api, &transaction(headers, body)?).await?,
        Method::Abort => api::abort(api, &transaction(headers, body)?).await?,
        Method::RegisterBranch => {
            let request = Call::branch(body).map_err(ApiError::from)?;
            api::register_branch(api, &request).await?;
        }
    }
    Ok(Outcome::Done)
}

fn transaction(headers: &HeaderMap, body: &[u8]) -> Result<TransactionRequest, ApiError> {
    let mut request = Call::transaction(body)?;
    pass_headers_through(&mut request, headers)?;
    Ok(request)
}
