//! Calls to branches over HTTP, and over JSON-RPC.

use std::collections::BTreeMap;
use std::time::Duration;

use dtm_core::model::Outcome;
use dtm_proto::outcome::{ResultProtocol, from_http, from_json_rpc};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Url};
use serde::Serialize;
use serde_json::Value;

use super::call::{BranchCall, Called};
use super::http::{Lost, exchange_once};
use super::{Answer, address};
use crate::Error;

/// How a branch over HTTP is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Http,
    JsonRpc,
}

/// Whether a URL is one of HTTP.
pub(super) fn is_http(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

/// The parsed URL of a branch over HTTP.
///
/// # Errors
/// [`Error::Invalid`] naming what is expected.
pub(crate) fn parse(url: &str) -> Result<Url, Error> {
    let parsed = Url::parse(url).ok().filter(|parsed| is_http(url) && parsed.host().is_some());
    parsed.ok_or_else(|| {
        let expected = "expected http://HOST/... or https://HOST/...; for HOST:PORT/package.Service/Method use Client::grpc";
        Error::invalid("the URL of a branch", format!("{}: {expected}", shown(url)))
    })
}

/// The URL of a branch for a message or a log: without whatever may be secret.
pub(crate) fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(parsed) if is_http(url) => address::shown(&parsed),
        Ok(_) | Err(_) => url.split('?').next().unwrap_or(url).to_owned(),
    }
}

/// Makes a call, and says what it came to.
///
/// # Errors
/// [`Error::Invalid`] when something cannot be sent. Nothing was sent.
pub(crate) async fn call(
    client: &Client,
    url: Url,
    dialect: Dialect,
    call: &BranchCall<'_>,
    dtm: &str,
    timeout: Duration,
) -> Result<Called, Error> {
    let (method, url, body) = match dialect {
        Dialect::Http => {
            let method = if call.payload.is_some() { Method::POST } else { Method::GET };
            let body = call.payload.map_or_else(Vec::new, |payload| payload.as_bytes().to_vec());
            (method, with_coordinates(url, call, dtm), body)
        }
        Dialect::JsonRpc => (Method::POST, url.clone(), json_rpc_body(&url, call, dtm)?),
    };
    let request = client.request(method, url).headers(headers(call)?).timeout(timeout).body(body);
    Ok(match exchange_once(request).await {
        Ok(Answer { code, body }) => {
            let outcome = match dialect {
                Dialect::Http => from_http(code, &body, ResultProtocol::Compat),
                Dialect::JsonRpc => from_json_rpc(code, &body, ResultProtocol::Compat),
            };
            Called { outcome, body }
        }
        Err(Lost { cause, .. }) => Called::without_body(Outcome::Unknown { cause }),
    })
}

/// What stands in the query (behaviour 49; features 3.2).
fn with_coordinates(mut url: Url, call: &BranchCall<'_>, dtm: &str) -> Url {
    {
        let mut query = url.query_pairs_mut();
        for (name, value) in coordinates(call, dtm) {
            query.append_pair(name, value);
        }
    }
    url
}

fn coordinates<'a>(call: &'a BranchCall<'a>, dtm: &'a str) -> impl Iterator<Item = (&'static str, &'a str)> {
    let pairs = [
        ("dtm", dtm),
        ("gid", call.gid),
        ("trans_type", call.mode.as_str()),
        ("branch_id", call.branch_id),
        ("op", call.op.as_str()),
    ];
    pairs.into_iter().chain(call.phase2_url.map(|url| ("phase2_url", url)))
}

fn headers(call: &BranchCall<'_>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in &call.options.branch_headers {
        let wrong = || Error::invalid("branch_header", name);
        let name = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
        headers.insert(name, HeaderValue::from_str(value).map_err(|_| wrong())?);
    }
    Ok(headers)
}

/// The fields of the payload, and the coordinates of the branch (behaviour 40).
fn json_rpc_body(url: &Url, call: &BranchCall<'_>, dtm: &str) -> Result<Vec<u8>, Error> {
    #[derive(Serialize)]
    struct Body<'a> {
        jsonrpc: &'static str,
        method: &'a str,
        params: BTreeMap<String, Value>,
        id: String,
    }
    let wrong = || {
        let reason = "a branch over JSON-RPC needs a payload that is a JSON object, null or empty";
        Error::invalid("payload", reason)
    };
    let payload = call.payload.map_or(b"".as_slice(), |payload| payload.as_bytes().trim_ascii());
    let mut params: BTreeMap<String, Value> = match payload {
        b"" | b"null" => BTreeMap::new(),
        object => serde_json::from_slice(object).map_err(|_| wrong())?,
    };
    for (name, value) in coordinates(call, dtm) {
        params.insert(name.to_owned(), value.into());
    }
    let method = url.query_pairs().find(|(name, _)| name == "method").map(|(_, value)| value.into_owned());
    let id = format!("{:032x}", rand::random::<u128>());
    let body = Body { jsonrpc: "2.0", method: method.as_deref().unwrap_or(""), params, id };
    serde_json::to_vec(&body).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use dtm_core::model::{Mode, Options};

    use super::*;
    use crate::Payload;
    use crate::branch::BranchOp;

    fn of<'a>(url: &'a str, payload: Option<&'a Payload>, options: &'a Options) -> BranchCall<'a> {
        BranchCall {
            url,
            gid: "a/b c",
            mode: Mode::Xa,
            branch_id: "01",
            op: BranchOp::Action,
            phase2_url: Some(url),
            payload,
            options,
        }
    }

    #[test]
    fn a_call_says_which_branch_of_which_transaction_it_is() {
        // behaviour 49
        let options = Options::default();
        let url = with_coordinates(
            parse("http://h/x?y=1").unwrap(),
            &of("http://h/x?y=1", None, &options),
            "http://dtm",
        );
        assert_eq!(
            url.as_str(),
            "http://h/x?y=1&dtm=http%3A%2F%2Fdtm&gid=a%2Fb+c&trans_type=xa&branch_id=01&op=action&phase2_url=http%3A%2F%2Fh%2Fx%3Fy%3D1"
        );
    }

    #[test]
    fn over_json_rpc_the_payload_is_an_object_that_the_coordinates_join() {
        // behaviour 40
        let (options, payload) = (Options::default(), Payload::bytes(r#"{"amount":30}"#));
        let url = "http://h/rpc?method=TransIn";
        let body = json_rpc_body(&parse(url).unwrap(), &of(url, Some(&payload), &options), "d").unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["method"], &body["params"]["amount"]), (&"TransIn".into(), &30.into()));
        assert_eq!(body["params"]["gid"], "a/b c");
        let list = Payload::bytes("[1]");
        assert!(json_rpc_body(&parse(url).unwrap(), &of(url, Some(&list), &options), "d").is_err());
    }

    #[test]
    fn a_url_that_is_none_is_refused_and_no_secret_is_shown() {
        for url in ["", "h:1/s.S/M", "ftp://h", "http://", "/path"] {
            assert!(matches!(parse(url), Err(Error::Invalid { .. })), "{url}");
        }
        assert_eq!(shown("http://user:secret@h/x?token=secret#secret"), "http://h/x");
        assert_eq!(shown("h:1/s.S/M"), "h:1/s.S/M");
    }
}
