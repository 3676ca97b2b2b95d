//! Extractors and answers for axum.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{BranchContext, BranchError, Done, NotABranchCall};
use crate::BranchBarrier;

impl<S: Send + Sync> FromRequestParts<S> for BranchContext {
    type Rejection = NotABranchCall;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Self::from_query(parts.uri.query().unwrap_or(""))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for BranchBarrier {
    type Rejection = NotABranchCall;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Self::from_query(parts.uri.query().unwrap_or(""))
    }
}

impl IntoResponse for NotABranchCall {
    fn into_response(self) -> Response {
        answer(StatusCode::BAD_REQUEST, None, Some(&self.to_string()))
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        answer(StatusCode::OK, Some("SUCCESS"), None)
    }
}

impl IntoResponse for BranchError {
    fn into_response(self) -> Response {
        match &self {
            Self::RollBack(reason) => answer(StatusCode::CONFLICT, Some("FAILURE"), Some(reason)),
            Self::Ongoing => answer(StatusCode::TOO_EARLY, Some("ONGOING"), None),
            Self::Retry(_) => answer(StatusCode::INTERNAL_SERVER_ERROR, None, Some(&self.to_string())),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    dtm_result: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

/// Servers of old search the whole body for two words, so a message must never contain them: an error text
/// with `FAILURE` in it would roll money back, a reason with `ONGOING` in it would never roll back.
fn answer(code: StatusCode, dtm_result: Option<&'static str>, message: Option<&str>) -> Response {
    let message = message.map(|text| text.replace("FAILURE", "failure").replace("ONGOING", "ongoing"));
    (code, Json(Body { dtm_result, message: message.as_deref() })).into_response()
}
