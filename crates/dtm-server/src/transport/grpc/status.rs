//! What a gRPC server says in the end.

use http::HeaderMap;
use percent_encoding::percent_decode;
use tonic::Code;

/// The status that a server sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) code: Code,
    pub(super) message: String,
}

impl Status {
    /// Reads the status from trailers, or from the headers of an answer that has nothing else. `None` when the
    /// server sent none.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let code = headers.get("grpc-status")?;
        let message = headers.get("grpc-message").map_or_else(String::new, |message| {
            // a message that is not UTF-8 makes the code no less valid
            percent_decode(message.as_bytes()).decode_utf8_lossy().into_owned()
        });
        Some(Self { code: Code::from_bytes(code.as_bytes()), message })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(pairs: &[(&'static str, &[u8])]) -> Option<Status> {
        let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).unwrap();
        let pairs = pairs.iter().map(|(name, bytes)| (http::HeaderName::from_static(name), value(bytes)));
        Status::read(&pairs.collect())
    }

    #[test]
    fn code_and_message_are_what_the_server_sent() {
        for (code, message, expected) in [
            ("0", b"".as_slice(), (Code::Ok, "")),
            ("10", b"no stock", (Code::Aborted, "no stock")),
            ("10", b"50%25 off%0A%E8%AE%A2", (Code::Aborted, "50% off\n订")),
            ("10", b"100%", (Code::Aborted, "100%")),
            ("10", b"\xff%ff", (Code::Aborted, "\u{fffd}\u{fffd}")),
            ("16", b"", (Code::Unauthenticated, "")),
            ("", b"", (Code::Unknown, "")),
            ("17", b"", (Code::Unknown, "")),
            ("010", b"", (Code::Unknown, "")),
            ("ok", b"", (Code::Unknown, "")),
        ] {
            let status = read(&[("grpc-status", code.as_bytes()), ("grpc-message", message)]).unwrap();
            assert_eq!((status.code, status.message.as_str()), expected);
        }
    }

    #[test]
    fn no_status_is_not_ok() {
        assert_eq!(read(&[("grpc-message", b"fine"), ("content-type", b"application/grpc")]), None);
    }
}
