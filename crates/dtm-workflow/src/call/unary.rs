//! One answer of gRPC, in and out of its frame.

use bytes::{BufMut, Bytes, BytesMut};
use dtm_barrier::BranchError;
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tonic::body::Body;
use tonic::codegen::Body as HttpBody;
use tonic::codegen::StdError;
use tonic::{Code, Status};

use super::patience::{ANSWER_BYTES_MAX, Unanswered};

/// A frame begins with a byte that says whether it is compressed, and the length in four bytes.
const PREFIX: usize = 5;

/// Reads a whole answer: its message, or its status.
pub(super) async fn read<B>(response: Response<B>) -> Result<Result<Bytes, Status>, BranchError>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<StdError>,
{
    let (head, body) = response.into_parts();
    let collected = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Unanswered::TooLarge
        } else {
            Unanswered::Unclear(error.to_string())
        }
    })?;
    let status = match collected.trailers().and_then(Status::from_header_map) {
        Some(status) => status,
        // An answer without a body has its status in the head.
        None => Status::from_header_map(&head.headers).ok_or_else(|| {
            let cause = format!("HTTP {} without a gRPC status", head.status.as_u16());
            Unanswered::Unclear(cause)
        })?,
    };
    match status.code() {
        Code::Ok => Ok(Ok(message_in(&collected.to_bytes())?)),
        _ => Ok(Err(status)),
    }
}

fn message_in(frames: &Bytes) -> Result<Bytes, Unanswered> {
    let unclear =
        |what: &str| Err(Unanswered::Unclear(format!("the answer has {what}: it cannot be recorded")));
    let Some((&[compressed, a, b, c, d], message)) = frames.split_first_chunk::<PREFIX>() else {
        return unclear("no message");
    };
    if compressed != 0 {
        return unclear("a compressed message");
    }
    if u32::try_from(message.len()) != Ok(u32::from_be_bytes([a, b, c, d])) {
        return unclear("not exactly one message");
    }
    Ok(frames.slice(PREFIX..))
}

/// An answer with this message, as a generated client reads it.
pub(super) fn write(message: &[u8]) -> Result<Response<Body>, Unanswered> {
    let length = u32::try_from(message.len()).map_err(|_| Unanswered::TooLarge)?;
    let mut frame = BytesMut::with_capacity(message.len() + PREFIX);
    frame.put_u8(0);
    frame.put_u32(length);
    frame.put_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(frame.freeze()).with_trailers(async move { Some(Ok(trailers)) });
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_again() {
        for message in [&b""[..], b"a", &[0xff; 100_000]] {
            let read = read(write(message).unwrap()).await.unwrap().unwrap();
            assert_eq!(read, message);
        }
    }

    #[test]
    fn what_cannot_be_recorded_is_said() {
        for (frames, words) in [
            (&b""[..], "no message"),
            (b"\0\0\0\0", "no message"),
            (b"\x01\0\0\0\x01a", "a compressed message"),
            (b"\0\0\0\0\x01ab", "not exactly one message"),
            (b"\0\0\0\0\x02a", "not exactly one message"),
        ] {
            let message = message_in(&Bytes::from_static(frames)).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }
}
