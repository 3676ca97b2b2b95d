//! The client's side: a call, and its answer.

use serde::Deserialize;

use super::Method;
use crate::http::encode;

/// The body of a call. `params` is the body that the same request has over HTTP; a JSON object.
#[must_use]
pub fn call_body(method: Method, id: &str, params: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(params.len() + 96);
    body.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"method\":");
    body.extend_from_slice(&encode(&method.as_str()));
    body.extend_from_slice(b",\"id\":");
    body.extend_from_slice(&encode(&id));
    body.extend_from_slice(b",\"params\":");
    body.extend_from_slice(params);
    body.push(b'}');
    body
}

/// An answer as a client reads it. Unknown keys are skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The id of the call; another one, or none, means that something else than the server answered.
    pub id: String,
    /// The answer to newGid; otherwise empty.
    pub gid: String,
    /// The error, when the call was not carried out.
    pub error: Option<AnsweredError>,
}

/// Why a call was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredError {
    /// See [`Code`](super::Code).
    pub code: i64,
    /// What the server says.
    pub message: String,
    /// Where the transaction stands, when the client waited for its result (decision 5).
    pub status: Option<String>,
}

impl Answer {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// When it is no such JSON object: then something other than the server answered.
    pub fn decode(body: &[u8]) -> Result<Self, serde_json::Error> {
        let Fields { id, result, error } = serde_json::from_slice(body)?;
        let gid = result.and_then(|result| result.gid).unwrap_or_else(String::new);
        let error = error.map(|ErrorFields { code, message, data }| AnsweredError {
            code,
            message,
            status: data.and_then(|data| data.status),
        });
        Ok(Self { id, gid, error })
    }
}

#[derive(Deserialize)]
struct Fields {
    id: String,
    result: Option<ResultFields>,
    error: Option<ErrorFields>,
}

#[derive(Deserialize)]
struct ResultFields {
    gid: Option<String>,
}

#[derive(Deserialize)]
struct ErrorFields {
    code: i64,
    message: String,
    data: Option<DataFields>,
}

#[derive(Deserialize)]
struct DataFields {
    status: Option<String>,
}
