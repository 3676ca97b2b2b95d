//! What a client is answered, and the codes of errors.

use serde::Serialize;

use crate::http::encode;

/// The codes of errors (behaviour 38, 39).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Not a call at all.
    Parse,
    /// Another version, or no id.
    Request,
    /// No such method.
    Method,
    /// Anything else that went wrong.
    Internal,
    /// Refused for good, or rolled back.
    Failure,
}

impl Code {
    /// The number.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Parse => -32700,
            Self::Request => -32600,
            Self::Method => -32601,
            Self::Internal => -32603,
            Self::Failure => -32901,
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    error: Option<Error<'a>>,
    id: &'a str,
    jsonrpc: &'static str,
    result: Option<NewGid<'a>>,
}

#[derive(Serialize)]
struct Error<'a> {
    code: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
    message: &'a str,
}

#[derive(Serialize)]
struct Data<'a> {
    status: &'a str,
}

#[derive(Serialize)]
struct NewGid<'a> {
    gid: &'a str,
}

/// Done; with the gid that newGid asked for.
#[must_use]
pub fn success_body(id: &str, gid: Option<&str>) -> Vec<u8> {
    encode(&Body { error: None, id, jsonrpc: "2.0", result: gid.map(|gid| NewGid { gid }) })
}

/// Not done. `status` tells a client that waited for the result where the transaction stands (decision 5).
#[must_use]
pub fn error_body(id: &str, code: Code, message: &str, status: Option<&str>) -> Vec<u8> {
    let error = Error { code: code.number(), data: status.map(|status| Data { status }), message };
    encode(&Body { error: Some(error), id, jsonrpc: "2.0", result: None })
}
