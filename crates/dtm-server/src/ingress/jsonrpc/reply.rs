//! The envelope of every answer (behaviour 37 to 39).

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use dtm_core::model::Status;
use dtm_proto::http::DecodeError;
use dtm_proto::jsonrpc::{Code, Invalid, error_body, success_body};

use super::super::http::{BodyError, Reply};
use crate::api::{ApiError, Class};

/// What became of a call.
#[derive(Debug)]
pub(super) enum Outcome {
    Done,
    NewGid(String),
    Failed(Failed),
}

/// Why a call was not carried out.
#[derive(Debug)]
pub(super) struct Failed {
    http: StatusCode,
    code: Code,
    message: String,
    status: Option<Status>,
}

impl Outcome {
    /// The answer to the call with this id.
    pub(super) fn reply(self, id: &str) -> Response {
        let reply = match self {
            Self::Done => Reply::json(success_body(id, None)),
            Self::NewGid(gid) => Reply::json(success_body(id, Some(&gid))),
            Self::Failed(Failed { http, code, message, status }) => {
                let body = error_body(id, code, &message, status.map(Status::as_str));
                Reply { status: http, body: body.into() }
            }
        };
        reply.into_response()
    }
}

impl Failed {
    fn new(code: Code, message: String) -> Self {
        Self { http: StatusCode::OK, code, message, status: None }
    }

    /// What was sent is no call. Go answers with 400 then (behaviour 38).
    pub(super) fn unreadable(error: &DecodeError) -> Self {
        let message = format!("Parse json error: {error}");
        Self { http: StatusCode::BAD_REQUEST, ..Self::new(Code::Parse, message) }
    }
}

impl From<BodyError> for Failed {
    fn from(error: BodyError) -> Self {
        Self { http: error.status, ..Self::new(Code::Internal, error.message) }
    }
}

impl From<Invalid> for Failed {
    fn from(error: Invalid) -> Self {
        let code = match error {
            Invalid::Request(_) => Code::Request,
            Invalid::Method(_) => Code::Method,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ApiError> for Failed {
    /// There is no code for "not ended yet": such an answer is an internal error, as it is with DTM.
    fn from(error: ApiError) -> Self {
        let code = match error.class {
            Class::Failure => Code::Failure,
            Class::Ongoing | Class::Invalid | Class::Internal => Code::Internal,
        };
        Self { status: error.status, ..Self::new(code, error.message) }
    }
}
