//! Which path is which use case.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post};
use http::{HeaderValue, StatusCode, header};

use super::super::jsonrpc;
use super::{topics, verbs, views};
use crate::api::Api;
use crate::metrics::Metrics;

/// What the HTTP ingress needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ingress {
    /// The use cases.
    pub api: Api,
    /// What is counted.
    pub metrics: Metrics,
    /// The largest request body in bytes.
    pub body_bytes_max: usize,
    /// How long a request body may take to arrive.
    pub body_time_max: Duration,
}

/// The router of the HTTP API. Anything unknown is 404 in plain text (behaviour 7).
pub fn routes(ingress: Ingress) -> Router {
    let verbs = Router::new()
        .route("/prepare", post(verbs::prepare))
        .route("/prepareWorkflow", post(verbs::prepare_workflow))
        .route("/submit", post(verbs::submit))
        .route("/abort", post(verbs::abort))
        .route("/registerBranch", post(verbs::register_branch))
        .route("/registerTccBranch", post(verbs::register_branch))
        .route("/registerXaBranch", post(verbs::register_branch))
        .route("/forceStop", post(verbs::force_stop))
        .route("/resetNextCronTime", post(verbs::reset_next_cron_time))
        .route("/resetCronTime", get(verbs::reset_cron_time))
        .route("/subscribe", get(topics::subscribe))
        .route("/unsubscribe", get(topics::unsubscribe))
        .route("/topic/{name}", delete(topics::delete))
        .route("/queryKV", get(topics::query_kv))
        .route("/scanKV", get(topics::scan_kv))
        .route("/newGid", get(views::new_gid))
        .route("/version", get(views::version))
        .route("/query", get(views::query))
        .route("/all", get(views::all));
    Router::new()
        .nest("/api/dtmsvr", verbs)
        .route("/api/json-rpc", post(jsonrpc::handle))
        .route("/api/ping", any(views::ping))
        .route("/api/metrics", get(views::metrics))
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .with_state(Arc::new(ingress))
}

async fn not_found() -> Response {
    let mut response = (StatusCode::NOT_FOUND, "404 page not found").into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}
