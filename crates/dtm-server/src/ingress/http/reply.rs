//! The envelope of every answer (behaviour 1 to 4).

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

use dtm_proto::http::Envelope;

use crate::api::{ApiError, Class};

/// An answer: a status and a JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingress) struct Reply {
    pub(in crate::ingress) status: StatusCode,
    pub(in crate::ingress) body: Bytes,
}

impl Reply {
    /// 200 with this body.
    pub(in crate::ingress) fn json(body: impl Into<Bytes>) -> Self {
        Self { status: StatusCode::OK, body: body.into() }
    }

    /// 200 `{"dtm_result":"SUCCESS"}`.
    pub(super) fn success() -> Self {
        Self::json(Envelope::success())
    }

    /// An error without `dtm_result`.
    pub(super) fn message(status: StatusCode, message: &str) -> Self {
        Self { status, body: Envelope::error(message, None).into() }
    }
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        let status = error.status.map(dtm_core::model::Status::as_str);
        match error.class {
            Class::Failure => {
                Self { status: StatusCode::CONFLICT, body: Envelope::failure(&error.message, status).into() }
            }
            Class::Ongoing => {
                Self { status: StatusCode::TOO_EARLY, body: Envelope::ongoing(&error.message, status).into() }
            }
            Class::Invalid => Self::message(StatusCode::BAD_REQUEST, &error.message),
            Class::Internal => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                body: Envelope::error(&error.message, status).into(),
            },
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.body.into());
        *response.status_mut() = self.status;
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}
