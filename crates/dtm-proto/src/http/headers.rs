//! `branch_headers`: only what every HTTP client can send is stored.

use std::collections::BTreeMap;

use dtm_core::model::truncate;

use super::limits::RequestLimits;
use super::request_error::RequestError;

/// Checks the headers that every call to a branch will carry: a header that cannot be sent would keep the
/// transaction from ever ending.
///
/// # Errors
/// [`RequestError`] when they are too large, or when a name or value cannot be sent (RFC 9110, section 5).
pub(super) fn check_headers(
    headers: &BTreeMap<String, String>,
    limits: &RequestLimits,
) -> Result<(), RequestError> {
    let bytes = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > limits.header_bytes_max {
        return Err(RequestError::TooLarge {
            field: "branch_headers".to_owned(),
            bytes,
            limit: limits.header_bytes_max,
            setting: "MaxBranchHeaderBytes",
        });
    }
    for (name, value) in headers {
        if !is_token(name) {
            let name = truncate(name, 64).escape_debug();
            let problem = format!("has the name '{name}': allowed are letters, digits and !#$%&'*+-.^_`|~");
            return Err(RequestError::field("branch_headers", problem));
        }
        if value.chars().any(|c| c.is_control() && c != '\t') {
            let problem = "must have a value without control characters";
            return Err(RequestError::field(format!("branch_headers.{}", truncate(name, 64)), problem));
        }
    }
    Ok(())
}

/// `token` of RFC 9110, section 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
