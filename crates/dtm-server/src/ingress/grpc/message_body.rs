//! The message of a request: bounded in size and time.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tonic::Status;

/// A flag and a length of 32 bits stand before each message.
const PREFIX_BYTES: usize = 5;

/// What a message may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct MessageLimits {
    /// The longest message in bytes.
    pub(super) bytes_max: usize,
    /// How long the whole message may take to arrive.
    pub(super) time_max: Duration,
}

/// The body of a call with one request message. It fails as soon as the length that is announced, or what comes,
/// is too much: nothing is reserved for a message that will be refused.
#[derive(Debug)]
pub(super) struct MessageBody<B> {
    body: B,
    limits: MessageLimits,
    prefix: [u8; PREFIX_BYTES],
    received: usize,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<B> MessageBody<B> {
    pub(super) const fn new(body: B, limits: MessageLimits) -> Self {
        Self { body, limits, prefix: [0; PREFIX_BYTES], received: 0, sleep: None }
    }

    fn note(&mut self, data: &[u8]) -> Result<(), Status> {
        for (place, byte) in self.prefix.iter_mut().skip(self.received).zip(data) {
            *place = *byte;
        }
        self.received = self.received.saturating_add(data.len());
        let [_, length @ ..] = self.prefix;
        let announced = if self.received >= PREFIX_BYTES { u32::from_be_bytes(length) as usize } else { 0 };
        if announced.max(self.received.saturating_sub(PREFIX_BYTES)) <= self.limits.bytes_max {
            return Ok(());
        }
        let limit = self.limits.bytes_max;
        let message = format!("the request message is larger than {limit} bytes (setting MaxRequestBytes)");
        Err(Status::resource_exhausted(message))
    }

    fn is_too_late(&mut self, context: &mut Context<'_>) -> bool {
        let limit = self.limits.time_max;
        self.sleep.get_or_insert_with(|| Box::pin(sleep(limit))).as_mut().poll(context).is_ready()
    }
}

impl<B> Body for MessageBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let noted = frame.data_ref().map_or(Ok(()), |data| self.note(data));
                Poll::Ready(Some(noted.map(|()| frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                Poll::Ready(Some(Err(Status::unknown(format!("the request broke off: {error}")))))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if self.is_too_late(context) => {
                let seconds = self.limits.time_max.as_secs();
                let message = format!("the request message did not arrive within {seconds} seconds");
                Poll::Ready(Some(Err(Status::deadline_exceeded(message))))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use http_body_util::{BodyExt, StreamBody};
    use tonic::Code;

    use super::*;

    const LIMITS: MessageLimits = MessageLimits { bytes_max: 8, time_max: Duration::from_secs(30) };

    async fn read(pieces: &[&[u8]]) -> Result<usize, Status> {
        let pieces: Vec<_> =
            pieces.iter().map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect();
        let body = StreamBody::new(stream::iter(pieces).map(|piece: Result<_, std::io::Error>| piece));
        Ok(MessageBody::new(body, LIMITS).collect().await?.to_bytes().len())
    }

    #[tokio::test]
    async fn a_message_up_to_the_limit_passes_in_whatever_pieces() {
        assert_eq!(read(&[b"\0\0\0\0\x0812345678"]).await.unwrap(), 13);
        assert_eq!(read(&[b"\0", b"\0\0", b"\0\x08", b"1234", b"5678"]).await.unwrap(), 13);
        assert_eq!(read(&[]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn what_is_announced_or_comes_beyond_the_limit_is_refused() {
        let too_large: [&[&[u8]]; 4] = [
            &[b"\0\0\0\0\x09"],
            &[b"\0\xff", b"\xff\xff", b"\xff"],
            &[b"\0\0\0\0\x01123456789"],
            &[b"\0\0\0\0\x0812345678", b"\0\0\0\0\0"],
        ];
        for pieces in too_large {
            let status = read(pieces).await.unwrap_err();
            assert_eq!(status.code(), Code::ResourceExhausted, "{pieces:?}");
            assert!(status.message().contains("8 bytes (setting MaxRequestBytes)"), "{status:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_does_not_arrive_in_time_is_refused() {
        let first = stream::iter([Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"\0\0")))]);
        let body = StreamBody::new(first.chain(stream::pending()));
        let status = MessageBody::new(body, LIMITS).collect().await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert!(status.message().contains("30 seconds"), "{status:?}");
    }
}
