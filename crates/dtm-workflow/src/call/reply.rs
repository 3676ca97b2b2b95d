//! An answer over HTTP, as it is recorded.

use bytes::Bytes;
use serde::de::DeserializeOwned;

/// The body of a successful answer. A replayed one is the same, byte by byte; headers are not recorded.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    body: Bytes,
}

impl Reply {
    pub(crate) fn new(body: Vec<u8>) -> Self {
        Self { body: body.into() }
    }

    /// The bytes.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is no JSON of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// The body as text.
    ///
    /// # Errors
    /// When it is no UTF-8.
    pub fn text(&self) -> Result<&str, std::str::Utf8Error> {
        std::str::from_utf8(&self.body)
    }
}

/// Leaves the body out: it is somebody's payload.
impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}
