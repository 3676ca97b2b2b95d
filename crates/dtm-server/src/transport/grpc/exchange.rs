//! One unary call with bounds on everything: time, headers, body.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::super::client::in_words;
use super::channel::Channel;
use super::channels::{Channels, OpenError};
use super::metadata::deadline;
use super::method::GrpcMethod;
use super::status::Status;

/// Why there is no status, in words for logs and alerts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// Nothing was sent.
    #[error(transparent)]
    NoChannel(#[from] OpenError),
    #[error("no answer within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    #[error("no answer: {0}")]
    Broken(String),
    #[error("answered, but without a status within {} s", .0.as_secs_f64())]
    StatusTimedOut(Duration),
    #[error("answered, but the connection broke before the status: {0}")]
    StatusBroken(String),
    #[error("answered HTTP status {0}, which is no answer of a gRPC server")]
    NoGrpc(StatusCode),
    #[error("answered without a gRPC status")]
    NoStatus,
    #[error("answered with a message that is longer than the limit of {0} bytes")]
    TooLong(usize),
}

/// A call that is ready to be sent.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: GrpcMethod<'a>,
    pub(super) headers: HeaderMap,
    pub(super) message: Bytes,
}

/// Makes the call within `limit`, and reads at most `bytes_max` of the answer before its status.
pub(super) async fn exchange(
    channels: &Channels,
    call: &Call<'_>,
    limit: Duration,
    bytes_max: usize,
) -> Result<Status, Trouble> {
    let due = Instant::now() + limit;
    let mut sent: Option<(Arc<Channel>, Instant)> = None;
    let mut begun = false;
    let exchange = async {
        let response = loop {
            let channel = channels.get(&call.method.authority).await?;
            let again = sent.is_none();
            sent = Some((Arc::clone(&channel), Instant::now()));
            match channel.send(call.request(due)).await {
                Ok(response) => break response,
                // not one byte was sent: the channel was closed at that moment
                Err(error) if again && error.message().is_some() => {}
                Err(error) => return Err(Trouble::Broken(in_words(error.error()))),
            }
        };
        begun = true;
        let (head, body) = response.into_parts();
        if head.status != StatusCode::OK {
            return Err(Trouble::NoGrpc(head.status));
        }
        match Status::read(&head.headers) {
            Some(status) => Ok(status),
            None => status_after(body, bytes_max).await,
        }
    };
    match tokio::time::timeout_at(due, exchange).await {
        Ok(ended) => ended,
        Err(_) if begun => Err(Trouble::StatusTimedOut(limit)),
        Err(_) => {
            if let Some((channel, at)) = sent {
                channels.doubt(&call.method.authority, &channel, at);
            }
            Err(Trouble::TimedOut(limit))
        }
    }
}

impl Call<'_> {
    fn request(&self, due: Instant) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.message.clone()));
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = Uri::clone(&self.method.uri);
        *request.headers_mut() = self.headers.clone();
        let left = due.saturating_duration_since(Instant::now());
        request.headers_mut().insert("grpc-timeout", deadline(left));
        request
    }
}

/// Throws the message away and reads the status behind it. Dropping the rest resets the stream.
async fn status_after(mut body: Incoming, bytes_max: usize) -> Result<Status, Trouble> {
    let mut bytes = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Trouble::StatusBroken(in_words(&error)))?;
        if let Some(trailers) = frame.trailers_ref() {
            return Status::read(trailers).ok_or(Trouble::NoStatus);
        }
        bytes = bytes.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if bytes > bytes_max {
            return Err(Trouble::TooLong(bytes_max));
        }
    }
    Err(Trouble::NoStatus)
}
