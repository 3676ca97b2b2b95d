//! From a branch call to an HTTP request (behaviour 40, 49, 50).

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRAILER, TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;

use dtm_core::coordinator::{BranchCall, CallKey};
use dtm_core::model::{Mode, Payload, Protocol};

use super::discovery::Endpoint;
use super::json_rpc::{self, NotAnObject};
use super::target::{Target, UrlError};

/// Why a branch header cannot be sent. The value is not repeated: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Not a header name.
    #[error("'{0}' in branch_headers is not the name of an HTTP header")]
    Name(String),
    /// A control character in the value.
    #[error("the value of '{0}' in branch_headers has a character that no HTTP header may have")]
    Value(String),
}

/// Checks that a branch header can be sent.
///
/// # Errors
/// [`HeaderError`] when the name is not a header name, or the value has a line feed or the like.
pub fn check_header(name: &str, value: &str) -> Result<(), HeaderError> {
    header(name, value).map(|_| ())
}

/// Why no request can be made of a call.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error(transparent)]
    Params(#[from] NotAnObject),
}

/// The request that makes `call`.
pub(super) fn branch_request(
    call: &BranchCall,
    endpoint: Option<&Endpoint<'_>>,
    branch_headers: &BTreeMap<String, String>,
) -> Result<Request<Full<Bytes>>, RequestError> {
    let query = [
        ("branch_id", call.branch_id.as_str()),
        ("gid", call.gid.as_str()),
        ("op", call.op.as_str()),
        ("trans_type", call.mode.as_str()),
    ];
    let target = target(call, endpoint, &query)?;
    with_headers(json_request(target, method(call), body(&call.payload)), branch_headers)
}

/// The JSON-RPC request that makes `call`: its coordinates are in the body.
pub(super) fn json_rpc_request(
    call: &BranchCall,
    endpoint: Option<&Endpoint<'_>>,
    branch_headers: &BTreeMap<String, String>,
) -> Result<Request<Full<Bytes>>, RequestError> {
    let target = target(call, endpoint, &[])?;
    let body = Bytes::from(json_rpc::body(call)?);
    with_headers(json_request(target, Method::POST, body), branch_headers)
}

fn target(
    call: &BranchCall,
    endpoint: Option<&Endpoint<'_>>,
    query: &[(&str, &str)],
) -> Result<Target, UrlError> {
    endpoint.map_or_else(|| Target::new(&call.url, query), |endpoint| Target::at(endpoint, query))
}

fn with_headers(
    mut request: Request<Full<Bytes>>,
    branch_headers: &BTreeMap<String, String>,
) -> Result<Request<Full<Bytes>>, RequestError> {
    for (name, value) in branch_headers {
        let (name, value) = header(name, value)?;
        if !FRAMING.contains(&name) {
            request.headers_mut().insert(name, value);
        }
    }
    Ok(request)
}

/// A request with a JSON body.
pub(crate) fn json_request(target: Target, method: Method, body: Bytes) -> Request<Full<Bytes>> {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(HOST, target.host);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_VALUE));
    if let Some(authorization) = target.authorization {
        headers.insert(AUTHORIZATION, authorization);
    }
    if method == Method::POST && body.is_empty() {
        // hyper leaves it away, and some servers answer 411 then
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = target.uri;
    *request.headers_mut() = headers;
    request
}

/// POST when there is something to post, and always for XA (behaviour 50) and for the call-back of a
/// workflow that speaks HTTP (decision 8).
fn method(call: &BranchCall) -> Method {
    let resume = call.key == CallKey::Resume && call.protocol == Protocol::Http;
    if !call.payload.is_empty() || call.mode == Mode::Xa || resume { Method::POST } else { Method::GET }
}

/// The payload without a copy of its bytes.
fn body(payload: &Payload) -> Bytes {
    if payload.is_empty() { Bytes::new() } else { Bytes::from_owner(payload.clone()) }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), HeaderError> {
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderError::Name(name.to_owned()))?;
    // from_bytes, unlike from_str, takes UTF-8, which Go sends as well
    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| HeaderError::Value(name.to_owned()))?;
    Ok((parsed, value))
}

/// There are firewalls that let no request without one through.
const USER_AGENT_VALUE: &str = concat!("dtm-server/", env!("CARGO_PKG_VERSION"));

/// What only the client library may say: another value would let the two sides disagree about where the
/// request ends. Go's HTTP client, and with it DTM, ignores the same names. `Host` is not among them: DTM sends it,
/// for gateways that choose the service by it; the connection goes where the URL says all the same.
const FRAMING: [HeaderName; 3] = [CONTENT_LENGTH, TRANSFER_ENCODING, TRAILER];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_cannot_be_sent_is_named_and_its_value_is_not() {
        assert_eq!(check_header("x-token", "grüße"), Ok(()));
        assert_eq!(check_header("x token", "secret"), Err(HeaderError::Name("x token".to_owned())));
        let error = check_header("x-token", "sec\r\nret").unwrap_err();
        assert_eq!(error, HeaderError::Value("x-token".to_owned()));
        assert!(!error.to_string().contains("sec"), "{error}");
    }
}
