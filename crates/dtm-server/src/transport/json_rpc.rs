//! The request to a branch over JSON-RPC (behaviour 40).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use dtm_core::coordinator::BranchCall;

/// Why a payload cannot be sent over JSON-RPC (defect B2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a branch over JSON-RPC needs a payload that is a JSON object, null or empty")]
pub(super) struct NotAnObject;

/// Checks that a payload can be sent over JSON-RPC.
pub(super) fn check_params(payload: &[u8]) -> Result<(), NotAnObject> {
    params(payload).map(|_| ())
}

/// The body of the request: the fields of the payload, byte for byte, and the coordinates of the branch.
pub(super) fn body(call: &BranchCall) -> Result<Vec<u8>, NotAnObject> {
    let mut params = params(call.payload.as_bytes())?;
    for (name, value) in [
        ("gid", call.gid.as_str()),
        ("trans_type", call.mode.as_str()),
        ("branch_id", call.branch_id.as_str()),
        ("op", call.op.as_str()),
    ] {
        params.insert(name.to_owned(), to_raw_value(value).map_err(|_| NotAnObject)?);
    }
    let (method, id) = (method(&call.url), short_uuid::ShortUuid::generate().to_string());
    serde_json::to_vec(&Request { jsonrpc: "2.0", method: &method, params, id: &id }).map_err(|_| NotAnObject)
}

#[derive(Serialize)]
struct Request<'a> {
    jsonrpc: &'static str,
    method: &'a str,
    params: Params,
    id: &'a str,
}

type Params = BTreeMap<String, Box<RawValue>>;

fn params(payload: &[u8]) -> Result<Params, NotAnObject> {
    match payload.trim_ascii() {
        b"" | b"null" => Ok(Params::new()),
        // a list would be read as well, if it had the right length
        object @ [b'{', ..] => serde_json::from_slice(object).map_err(|_| NotAnObject),
        _ => Err(NotAnObject),
    }
}

/// The value of `method` in the query; empty when there is none, as with DTM.
fn method(url: &str) -> String {
    let query =
        url.split_once('#').map_or(url, |(url, _)| url).split_once('?').map_or("", |(_, query)| query);
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "method").map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_or_nothing_has_room_for_the_coordinates() {
        // defect B2
        for payload in ["", " ", "null", "{}", " {\"a\":[1,{\"b\":null}]} "] {
            assert_eq!(check_params(payload.as_bytes()), Ok(()), "{payload}");
        }
        for payload in ["[]", "[1]", "1", "\"a\"", "true", "{", "{\"a\"}", "{} {}", "nullx", "\u{0}"] {
            assert_eq!(check_params(payload.as_bytes()), Err(NotAnObject), "{payload}");
        }
        assert_eq!(check_params(b"{\"a\":\"\xff\"}"), Err(NotAnObject));
    }

    #[test]
    fn the_method_is_the_one_of_the_query() {
        // behaviour 40
        for (url, expected) in [
            ("http://h/rpc?method=TransIn", "TransIn"),
            ("http://h/rpc?x=method&method=a%20b+c#method=d", "a b c"),
            ("http://h/method", ""),
            ("http://h/rpc?methods=a", ""),
        ] {
            assert_eq!(method(url), expected, "{url}");
        }
    }
}
