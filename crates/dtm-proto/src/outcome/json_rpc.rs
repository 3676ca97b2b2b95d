//! Answers over JSON-RPC.

use serde::de::{Deserialize, Deserializer};

use dtm_core::model::Outcome;

use super::http::from_http;
use super::result_protocol::ResultProtocol;
use super::scalar::Scalar;

/// The JSON-RPC error code by which a branch says that it failed.
pub const JSON_RPC_FAILURE: i64 = -32_901;
/// The JSON-RPC error code by which a branch says that it is still at it.
pub const JSON_RPC_ONGOING: i64 = -32_902;

/// What the answer of a branch over JSON-RPC means (behaviour 41, decision 4, defect B8). The caller bounds
/// the size of `body`.
#[must_use]
pub fn from_json_rpc(status: u16, body: &[u8], protocol: ResultProtocol) -> Outcome {
    let by_http = from_http(status, body, protocol);
    if matches!(by_http, Outcome::Failure { .. } | Outcome::Ongoing) {
        return by_http;
    }
    let Some(answer) = RpcAnswer::read(body) else {
        let cause = match by_http {
            Outcome::Unknown { cause } => cause,
            _ => format!("the branch answered {} bytes that are not a JSON-RPC answer", body.len()),
        };
        return Outcome::Unknown { cause };
    };
    match answer.error {
        None => by_http,
        Some(RpcError { code: Some(JSON_RPC_FAILURE), message }) => {
            Outcome::Failure { reason: message.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()) }
        }
        Some(RpcError { code: Some(JSON_RPC_ONGOING), .. }) => Outcome::Ongoing,
        Some(RpcError { code: Some(code), .. }) => {
            Outcome::Unknown { cause: format!("the branch answered JSON-RPC error code {code}") }
        }
        Some(RpcError { code: None, .. }) => {
            Outcome::Unknown { cause: "the branch answered a JSON-RPC error without a code".to_owned() }
        }
    }
}

#[derive(serde::Deserialize)]
struct RpcAnswer {
    #[serde(default)]
    error: Option<RpcError>,
}

impl RpcAnswer {
    /// `None` for whatever is not one object: a list would be the answer to a batch, which nobody asked for.
    fn read(body: &[u8]) -> Option<Self> {
        let body = body.trim_ascii();
        if !body.starts_with(b"{") {
            return None;
        }
        serde_json::from_slice(body).ok()
    }
}

struct RpcError {
    code: Option<i64>,
    message: Option<String>,
}

impl<'de> Deserialize<'de> for RpcError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Fields {
            #[serde(default)]
            code: Scalar,
            #[serde(default)]
            message: Scalar,
        }
        let Fields { code, message } = Fields::deserialize(deserializer)?;
        let code = if let Scalar::Integer(code) = code { Some(code) } else { None };
        let message = if let Scalar::Text(text) = message { Some(text) } else { None };
        Ok(Self { code, message })
    }
}
