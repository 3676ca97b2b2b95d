//! What a call over gRPC says about its transaction, and the branch headers (behaviour 45).

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use http::header::{CONTENT_TYPE, TE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};

use dtm_core::coordinator::BranchCall;

/// Why a branch header cannot be sent as metadata. The value is not repeated: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// Not a name of metadata.
    #[error("'{0}' cannot be the name of gRPC metadata: letters, digits, '-', '_' and '.' are possible")]
    Name(String),
    /// A value that is not text.
    #[error("the value of '{0}' cannot be gRPC metadata: only printable ASCII is possible")]
    Value(String),
}

/// Checks that a branch header can be sent over gRPC.
///
/// # Errors
/// [`MetadataError`] naming the header.
pub(in super::super) fn check_metadata(name: &str, value: &str) -> Result<(), MetadataError> {
    entry(name, value).map(|_| ())
}

/// Whether a text can be the value of metadata.
pub(in super::super) fn check_metadata_value(value: &str) -> bool {
    value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// The headers of a call, except for its deadline. Branch headers that belong to the protocol, or to the
/// transaction, are not sent: DTM's gRPC library leaves them out as well.
pub(super) fn headers(
    call: &BranchCall,
    branch_headers: &BTreeMap<String, String>,
) -> Result<HeaderMap, MetadataError> {
    let mut headers = HeaderMap::with_capacity(16);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_VALUE));
    for (name, value) in [
        (GID, call.gid.as_str()),
        (TRANS_TYPE, call.mode.as_str()),
        (BRANCH_ID, call.branch_id.as_str()),
        (OP, call.op.as_str()),
        (DTM, ""),
    ] {
        // bytes: the name of a workflow may be any text, and Go's library reads it
        let value = HeaderValue::from_bytes(value.as_bytes());
        let value = value.map_err(|_| MetadataError::Value(name.as_str().to_owned()))?;
        headers.insert(name, value);
    }
    for (name, value) in branch_headers {
        let (name, value) = entry(name, value)?;
        if !is_reserved(&name) {
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

/// The value of the header `grpc-timeout`: at most eight digits and a unit.
pub(super) fn deadline(left: Duration) -> HeaderValue {
    let (millis, seconds) = (left.as_millis(), left.as_secs());
    let text = match (millis, seconds) {
        (..=99_999_999, _) => format!("{}m", millis.max(1)),
        (_, ..=99_999_999) => format!("{seconds}S"),
        _ => format!("{}H", (seconds / 3_600).min(99_999_999)),
    };
    // it has digits and a letter only
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("99999999H"))
}

/// Names are lower case on the wire; a value under a name that ends in `-bin` is Base64 there, and any text.
fn entry(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), MetadataError> {
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let bad_name = || MetadataError::Name(name.to_owned());
    if !name.bytes().all(may_stand) {
        return Err(bad_name());
    }
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad_name())?;
    let encoded = if parsed.as_str().ends_with("-bin") {
        HeaderValue::try_from(BASE64.encode(value))
    } else if check_metadata_value(value) {
        HeaderValue::from_str(value)
    } else {
        return Err(MetadataError::Value(name.to_owned()));
    };
    Ok((parsed, encoded.map_err(|_| MetadataError::Value(name.to_owned()))?))
}

fn is_reserved(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("grpc-") || name.starts_with("dtm-") || RESERVED.contains(&name)
}

const GID: HeaderName = HeaderName::from_static("dtm-gid");
const TRANS_TYPE: HeaderName = HeaderName::from_static("dtm-trans_type");
const BRANCH_ID: HeaderName = HeaderName::from_static("dtm-branch_id");
const OP: HeaderName = HeaderName::from_static("dtm-op");
const DTM: HeaderName = HeaderName::from_static("dtm-dtm");
const USER_AGENT_VALUE: &str = concat!("dtm-server/", env!("CARGO_PKG_VERSION"));

/// What HTTP/2 and gRPC say themselves.
const RESERVED: [&str; 11] = [
    "connection",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_cannot_be_metadata_is_named_and_its_value_is_not() {
        for name in ["x token", "x-tökèn", "x!", ""] {
            assert_eq!(check_metadata(name, "v"), Err(MetadataError::Name(name.to_owned())));
        }
        for value in ["sécret", "secret\n", "secret\t", "secret\u{7f}"] {
            let error = check_metadata("x-token", value).unwrap_err();
            assert_eq!(error, MetadataError::Value("x-token".to_owned()));
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        for (name, value) in [("x-token", ""), ("X_Token.1", " ~"), ("x-bin", "sécret\n")] {
            assert_eq!(check_metadata(name, value), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_deadline_has_at_most_eight_digits() {
        for (left, expected) in [
            (Duration::from_secs(3), "3000m"),
            (Duration::from_micros(10), "1m"),
            (Duration::from_secs(99_999), "99999000m"),
            (Duration::from_secs(100_000), "100000S"),
            (Duration::from_secs(100_000_000), "27777H"),
            (Duration::MAX, "99999999H"),
        ] {
            assert_eq!(deadline(left), expected);
        }
    }
}
