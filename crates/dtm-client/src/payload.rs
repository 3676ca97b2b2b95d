//! What a branch is called with.

use std::fmt;

use serde::Serialize;

/// The body of a call to a branch, byte for byte.
///
/// Wherever a payload is asked for, a reference to any [`Serialize`] value is taken and written as JSON; for
/// anything else there is this type:
///
/// ```
/// # use dtm_client::{Client, Payload};
/// # fn example(client: &Client) {
/// let message = client
///     .message("order-1001")
///     .step("http://mail/send", &serde_json::json!({ "to": "alice" }))
///     .step("http://archive/put", Payload::bytes("order;1001"));
/// # let _ = message;
/// # }
/// ```
///
/// Over HTTP and JSON-RPC a payload travels inside JSON text, so there it has to be text itself (UTF-8); over
/// gRPC it may be any bytes, and is a message of the branch's service (feature `grpc`: `Payload::message`).
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(Vec<u8>);

impl Payload {
    /// These bytes.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// `value` as JSON.
    ///
    /// # Errors
    /// When it cannot be written as JSON (a map whose keys are not text, for example).
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_vec(value).map(Self)
    }

    /// A message of protobuf, for a branch that is called over gRPC.
    #[cfg(feature = "grpc")]
    pub fn message(message: &impl prost::Message) -> Self {
        Self(message.encode_to_vec())
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

/// Shows the length only, so that no payload ends in a log by accident.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

/// What can be a payload: a reference to a [`Serialize`] value, which becomes JSON, or a [`Payload`].
pub trait IntoPayload {
    /// The bytes.
    ///
    /// # Errors
    /// When a value cannot be written as JSON.
    fn into_payload(self) -> Result<Payload, serde_json::Error>;
}

impl<T: Serialize + ?Sized> IntoPayload for &T {
    fn into_payload(self) -> Result<Payload, serde_json::Error> {
        Payload::json(self)
    }
}

impl IntoPayload for Payload {
    fn into_payload(self) -> Result<Payload, serde_json::Error> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_becomes_json_and_bytes_stay_as_they_are() {
        assert_eq!("a\"b".into_payload().unwrap().as_bytes(), br#""a\"b""#);
        assert_eq!((&[1, 2]).into_payload().unwrap().as_text(), Some("[1,2]"));
        let bytes = Payload::bytes([0xff]);
        assert_eq!(bytes.clone().into_payload().unwrap(), bytes);
        assert_eq!(bytes.as_text(), None);
        assert_eq!(format!("{bytes:?}"), "Payload(1 bytes)");
    }
}
