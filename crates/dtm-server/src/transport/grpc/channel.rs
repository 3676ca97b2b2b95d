//! One HTTP/2 connection to a gRPC server.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http2::{Builder, Connection, SendRequest};
use hyper::rt::{Read, Write};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;

type Message = Full<Bytes>;

/// A connection that many calls share.
pub(super) struct Channel {
    requests: SendRequest<Message>,
    opened: Instant,
    /// When it was used last, and when something came last, in milliseconds after `opened`.
    used: AtomicU64,
    answered: AtomicU64,
}

impl Channel {
    /// Begins HTTP/2 on a connection. The second part has to be polled until it ends, which it does once the
    /// channel is dropped and its last call has ended.
    pub(super) async fn begin<S>(
        stream: S,
    ) -> Result<(Self, Connection<S, Message, TokioExecutor>), hyper::Error>
    where
        S: Read + Write + Unpin + Send + 'static,
    {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).max_header_list_size(HEAD_BYTES_MAX);
        let (requests, connection) = builder.handshake(stream).await?;
        let (used, answered) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok((Self { requests, opened: Instant::now(), used, answered }, connection))
    }

    /// Whether a call may be made over it.
    pub(super) fn is_open(&self) -> bool {
        !self.requests.is_closed()
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &self,
        request: Request<Message>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Message>>> {
        let answer = self.requests.clone().try_send_request(request).await;
        if answer.is_ok() {
            self.answered.store(self.age(), Ordering::Relaxed);
        }
        answer
    }

    /// Notes that a call is going to use it.
    pub(super) fn touch(&self) {
        self.used.store(self.age(), Ordering::Relaxed);
    }

    /// For how long no call has used it.
    pub(super) fn unused_for(&self) -> Duration {
        Duration::from_millis(self.age().saturating_sub(self.used.load(Ordering::Relaxed)))
    }

    /// Whether the head of any answer came after `then`.
    pub(super) fn answered_since(&self, then: Instant) -> bool {
        let then = then.saturating_duration_since(self.opened).as_millis();
        u128::from(self.answered.load(Ordering::Relaxed)) > then
    }

    fn age(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("is_open", &self.is_open()).finish_non_exhaustive()
    }
}

/// The longest head of an answer, and its longest trailers, in bytes.
const HEAD_BYTES_MAX: u32 = 65_536;
