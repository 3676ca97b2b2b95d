//! Which URLs can be stored. Whether one can be called is for the transport to say: that depends on its
//! drivers.

use super::limits::RequestLimits;
use super::request_error::RequestError;

/// Checks the URL of a branch. The empty URL is allowed (behaviour 54).
///
/// # Errors
/// [`RequestError`] when it is too long or has a control character.
pub(super) fn check_url(
    field: impl Fn() -> String,
    url: &str,
    limits: &RequestLimits,
) -> Result<(), RequestError> {
    if url.len() > limits.url_bytes_max {
        let (bytes, limit) = (url.len(), limits.url_bytes_max);
        return Err(RequestError::TooLarge { field: field(), bytes, limit, setting: "MaxUrlBytes" });
    }
    if url.contains(char::is_control) {
        return Err(RequestError::field(field(), "must be a URL without control characters"));
    }
    Ok(())
}
