//! Reading a request body: bounded in size and time, whatever its content type says (behaviour 5).

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::reply::Reply;

/// Reads the whole body.
pub(super) async fn read(
    headers: &http::HeaderMap,
    body: Body,
    bytes_max: usize,
    time_max: Duration,
) -> Result<Bytes, Reply> {
    let too_large = || {
        let message = format!("the request body is larger than {bytes_max} bytes (setting MaxRequestBytes)");
        Reply::message(StatusCode::PAYLOAD_TOO_LARGE, &message)
    };
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > bytes_max as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(time_max, Limited::new(body, bytes_max).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => {
            let message = format!("the request body broke off: {error}");
            Err(Reply::message(StatusCode::BAD_REQUEST, &message))
        }
        Err(_) => {
            let message = format!("the request body did not arrive within {} seconds", time_max.as_secs());
            Err(Reply::message(StatusCode::REQUEST_TIMEOUT, &message))
        }
    }
}
