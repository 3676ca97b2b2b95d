//! The JSON of an alert.

use bytes::Bytes;
use serde::Serialize;

use dtm_core::coordinator::Alert;

/// What DTM posts (behaviour 92).
#[derive(Debug, Serialize)]
struct Message<'a> {
    gid: &'a str,
    status: &'static str,
    branch: &'a str,
    error: &'a str,
    retry_count: u32,
}

/// The body of the post.
///
/// # Errors
/// None that is known of: everything in it is text or a number.
pub(super) fn body(alert: &Alert) -> Result<Bytes, serde_json::Error> {
    let message = Message {
        gid: alert.gid.as_str(),
        status: alert.status.as_str(),
        branch: &alert.url,
        error: &alert.error,
        retry_count: alert.retry_count,
    };
    serde_json::to_vec(&message).map(Bytes::from)
}
