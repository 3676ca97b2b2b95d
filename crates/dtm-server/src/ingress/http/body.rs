//! Reading a request body: bounded in size and time, whatever its content type says (behaviour 5).

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;

use super::reply::Reply;

/// Why a body was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingress) struct BodyError {
    /// The status of the answer.
    pub(in crate::ingress) status: StatusCode,
    /// What is wrong.
    pub(in crate::ingress) message: String,
}

impl From<BodyError> for Reply {
    fn from(error: BodyError) -> Self {
        Self::message(error.status, &error.message)
    }
}

/// How much of a body that is too large is read and thrown away, so that a client which sends all of it before
/// it reads gets to see its answer instead of a broken connection.
const DISCARDED_BYTES_MAX: usize = 128 << 20;

/// Reads the whole body.
pub(in crate::ingress) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    bytes_max: usize,
    time_max: Duration,
) -> Result<Bytes, BodyError> {
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let collected = if announced.is_some_and(|announced| announced > bytes_max as u64) {
        Err(Trouble::TooLarge)
    } else {
        tokio::time::timeout(time_max, collect(&mut body, bytes_max)).await.unwrap_or(Err(Trouble::Slow))
    };
    collected.map_err(|trouble| match trouble {
        Trouble::TooLarge => {
            // Who asks first (Expect: 100-continue) sends nothing after a refusal.
            if !headers.contains_key(header::EXPECT) {
                tokio::spawn(tokio::time::timeout(time_max, discard(body)));
            }
            let message =
                format!("the request body is larger than {bytes_max} bytes (setting MaxRequestBytes)");
            BodyError { status: StatusCode::PAYLOAD_TOO_LARGE, message }
        }
        Trouble::Broken(error) => {
            let message = format!("the request body broke off: {error}");
            BodyError { status: StatusCode::BAD_REQUEST, message }
        }
        Trouble::Slow => {
            let message = format!("the request body did not arrive within {} seconds", time_max.as_secs());
            BodyError { status: StatusCode::REQUEST_TIMEOUT, message }
        }
    })
}

enum Trouble {
    TooLarge,
    Broken(axum::Error),
    Slow,
}

async fn collect(body: &mut Body, bytes_max: usize) -> Result<Bytes, Trouble> {
    // Nearly every body is one frame, which needs no copy.
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Trouble::Broken)?.into_data() else { continue };
        if first.len().max(all.len()) + data.len() > bytes_max {
            return Err(Trouble::TooLarge);
        }
        if first.is_empty() {
            first = data;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&data);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

async fn discard(mut body: Body) {
    let mut discarded = 0;
    while let Some(Ok(frame)) = body.frame().await {
        discarded += frame.data_ref().map_or(0, Bytes::len);
        if discarded > DISCARDED_BYTES_MAX {
            return;
        }
    }
}
