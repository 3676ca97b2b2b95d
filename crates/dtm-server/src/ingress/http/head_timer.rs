//! A limit for the head of a request that has begun, apart from the limit for idle connections.
//!
//! hyper has one timer for both. Clients keep idle connections for a minute and more, but a head that has begun
//! and does not end is an attack or a broken client, and its connection has to be given back soon.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// What the connection knows about its requests; shared between the stream and the service.
#[derive(Debug, Default)]
pub(super) struct Progress {
    heads: AtomicU64,
    in_request: AtomicBool,
}

impl Progress {
    /// A head is complete, and its request is being handled.
    pub(super) fn begin(&self) {
        self.heads.fetch_add(1, Ordering::Relaxed);
        self.in_request.store(true, Ordering::Relaxed);
    }

    /// The request has its answer.
    pub(super) fn end(&self) {
        self.in_request.store(false, Ordering::Relaxed);
    }
}

/// A connection whose reads fail when a head has begun and does not end within the limit.
#[derive(Debug)]
pub(super) struct HeadTimer {
    stream: TcpStream,
    progress: Arc<Progress>,
    limit: Duration,
    /// When the present head began, and how many were complete then.
    begun: Option<(Instant, u64)>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl HeadTimer {
    pub(super) const fn new(stream: TcpStream, progress: Arc<Progress>, limit: Duration) -> Self {
        Self { stream, progress, limit, begun: None, sleep: None }
    }

    /// When the head that has begun must have ended; `None` when none has.
    fn deadline(&mut self) -> Option<Instant> {
        let heads = self.progress.heads.load(Ordering::Relaxed);
        if self.progress.in_request.load(Ordering::Relaxed)
            || self.begun.is_some_and(|(_, then)| then != heads)
        {
            self.begun = None;
        }
        self.begun.map(|(begun, _)| begun + self.limit)
    }

    fn note_bytes(&mut self) {
        if self.deadline().is_none() && !self.progress.in_request.load(Ordering::Relaxed) {
            self.begun = Some((Instant::now(), self.progress.heads.load(Ordering::Relaxed)));
        }
    }

    fn is_too_late(&mut self, context: &mut Context<'_>) -> bool {
        let Some(deadline) = self.deadline() else {
            self.sleep = None;
            return false;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(context).is_ready()
    }
}

impl AsyncRead for HeadTimer {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                if buffer.filled().len() > before {
                    self.note_bytes();
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending if self.is_too_late(context) => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the head of the request took too long",
            ))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncWrite for HeadTimer {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(200);

    async fn connection() -> (TcpStream, HeadTimer, Arc<Progress>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let progress = Arc::new(Progress::default());
        let (stream, _) = listener.accept().await.unwrap();
        (client, HeadTimer::new(stream, Arc::clone(&progress), LIMIT), progress)
    }

    #[tokio::test]
    async fn a_head_that_has_begun_and_does_not_end_fails_at_the_limit() {
        let (mut client, mut server, _) = connection().await;
        client.write_all(b"POST /").await.unwrap();
        let mut buffer = [0; 64];
        assert_eq!(server.read(&mut buffer).await.unwrap(), 6);
        let error = server.read(&mut buffer).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn an_idle_connection_and_the_body_of_a_request_are_not_limited_here() {
        let (mut client, mut server, progress) = connection().await;
        let mut buffer = [0; 64];
        // Idle, longer than the limit.
        assert!(tokio::time::timeout(2 * LIMIT, server.read(&mut buffer)).await.is_err());
        // A head, and a body that pauses for longer than the limit.
        client.write_all(b"head").await.unwrap();
        assert_eq!(server.read(&mut buffer).await.unwrap(), 4);
        progress.begin();
        assert!(tokio::time::timeout(2 * LIMIT, server.read(&mut buffer)).await.is_err());
        client.write_all(b"body").await.unwrap();
        assert_eq!(server.read(&mut buffer).await.unwrap(), 4);
        // Idle again: the first head does not count any more.
        progress.end();
        assert!(tokio::time::timeout(2 * LIMIT, server.read(&mut buffer)).await.is_err());
        // The next head counts anew.
        client.write_all(b"next").await.unwrap();
        assert_eq!(server.read(&mut buffer).await.unwrap(), 4);
        assert!(server.read(&mut buffer).await.is_err());
    }
}
