//! The callback as a route of axum.

use axum::extract::{Query, Request};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde::Deserialize;

use super::resume::resume;
use crate::Workflows;

/// What the server says in the query: which workflow, and which function is it.
#[derive(Deserialize)]
struct Called {
    gid: String,
    op: String,
}

impl Workflows {
    /// The callback over HTTP, for the path of the URL that the builder was given (feature `axum`).
    ///
    /// The server calls by POST with the input as the body; DTM's own calls by GET when there is none.
    ///
    /// ```
    /// # use dtm_client::Client;
    /// # use dtm_workflow::Workflows;
    /// # fn example(workflows: Workflows) -> axum::Router {
    /// axum::Router::new().route("/workflow", workflows.http_callback())
    /// # }
    /// ```
    pub fn http_callback<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        let workflows = self.clone();
        let handler = move |request: Request| {
            let workflows = workflows.clone();
            async move { called(&workflows, request).await }
        };
        get(handler.clone()).post(handler)
    }
}

async fn called(workflows: &Workflows, request: Request) -> Response {
    let Called { gid, op } = match read(request.uri()) {
        Ok(called) => called,
        Err(why) => return (StatusCode::BAD_REQUEST, why).into_response(),
    };
    let max = workflows.limits().input_bytes_max;
    let Ok(input) = axum::body::to_bytes(request.into_body(), max).await else {
        let why = format!("the input has more than {max} bytes, or did not arrive");
        return (StatusCode::PAYLOAD_TOO_LARGE, why).into_response();
    };
    resume(workflows, op, gid, input.into()).await.into_response()
}

fn read(uri: &Uri) -> Result<Called, String> {
    let refused = |why: &str| Err(format!("not the callback of a workflow: {why}"));
    match Query::<Called>::try_from_uri(uri) {
        Ok(Query(called)) if called.gid.is_empty() => refused("gid is empty"),
        Ok(Query(called)) => Ok(called),
        Err(rejection) => refused(&rejection.body_text()),
    }
}
