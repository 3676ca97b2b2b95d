//! Streams of the standard services, which would never end by themselves.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use hyper::body::{Body, Frame};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::{Code, Status};

use super::activity::Call;

/// A body that ends when the server stops, so that nobody who watches holds the stop up.
pub(super) struct UntilStopped<B> {
    body: B,
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
    has_ended: bool,
    /// What an answer says at last.
    last: Option<HeaderMap>,
    /// As long as the stream lasts, the connection is used.
    _call: Option<Call>,
}

impl<B> UntilStopped<B> {
    /// Of a client: as if it had no more to say.
    pub(super) fn questions(body: B, stopping: WaitForCancellationFutureOwned) -> Self {
        Self { body, stopping: Box::pin(stopping), has_ended: false, last: None, _call: None }
    }

    /// Of the server: ends with the status UNAVAILABLE.
    pub(super) fn answers(body: B, stopping: WaitForCancellationFutureOwned, call: Call) -> Self {
        let mut last = HeaderMap::new();
        last.insert(Status::GRPC_STATUS, HeaderValue::from(Code::Unavailable as i32));
        last.insert(Status::GRPC_MESSAGE, HeaderValue::from_static("the server is stopping"));
        let (last, call) = (Some(last), Some(call));
        Self { body, stopping: Box::pin(stopping), has_ended: false, last, _call: call }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for UntilStopped<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        // What is ready goes first: the last word of the health service is that the server does not serve.
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        if self.stopping.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.has_ended = true;
        Poll::Ready(self.last.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended || self.body.is_end_stream()
    }
}
