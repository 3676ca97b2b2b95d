//! What a branch says to a client that calls it.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::Error;
use crate::branch::BranchError;

/// The answer of a branch that did what it was asked to.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    url: String,
    body: Vec<u8>,
}

impl Reply {
    pub(crate) const fn new(url: String, body: Vec<u8>) -> Self {
        Self { url, body }
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// A value that it holds as JSON.
    ///
    /// # Errors
    /// [`CallError::Unreadable`] when it is not such a value. The branch has done what it was asked to all the
    /// same.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // not its own text, which repeats values
            self.unreadable(format!("it is no such JSON at line {} column {}", error.line(), error.column()))
        })
    }

    /// The message of protobuf that it is, over gRPC.
    ///
    /// # Errors
    /// [`CallError::Unreadable`] when it is not such a message. The branch has done what it was asked to all
    /// the same.
    #[cfg(feature = "grpc")]
    pub fn message<T: prost::Message + Default>(&self) -> Result<T, CallError> {
        T::decode(self.body.as_slice()).map_err(|error| self.unreadable(error.to_string()))
    }

    fn unreadable(&self, reason: String) -> CallError {
        CallError::Unreadable { url: self.url.clone(), reason }
    }
}

/// Shows the length only.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({}, {} bytes)", self.url, self.body.len())
    }
}

/// Why a call to a branch did not end well. Inside the closure of a TCC or XA transaction, `?` passes it on,
/// and whatever it is, the transaction is rolled back. A branch that has branches of its own answers with
/// [`into_branch_error`](Self::into_branch_error).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The branch said "no, and I changed nothing".
    #[error("{url} said no: {reason}")]
    RollBack {
        /// The branch.
        url: String,
        /// What it answered.
        reason: String,
    },
    /// The branch is still at it.
    #[error("{url} is still at it")]
    Ongoing {
        /// The branch.
        url: String,
    },
    /// Nobody knows whether the branch did it: no answer, or an error.
    #[error("nobody knows whether {url} did it: {cause}")]
    Unknown {
        /// The branch.
        url: String,
        /// Why.
        cause: String,
    },
    /// The branch did it, and its answer is not what the caller expected.
    #[error("the answer of {url} cannot be read: {reason}")]
    Unreadable {
        /// The branch.
        url: String,
        /// Why.
        reason: String,
    },
    /// The branch was not called: the server did not register it, or something cannot be sent.
    #[error(transparent)]
    NotCalled(#[from] Error),
}

impl CallError {
    /// What it means when the answer of that branch is also that of whoever called it: its "no" is a "no", "still
    /// at it" stays so, and everything else is "try again later". A plain `?` is always "try again later".
    ///
    /// ```
    /// use dtm_client::CallError;
    /// use dtm_client::branch::BranchError;
    ///
    /// let no = || CallError::RollBack { url: "http://hotel/try".into(), reason: "full".into() };
    /// assert!(matches!(no().into_branch_error(), BranchError::RollBack(reason) if reason == "full"));
    /// assert!(matches!(BranchError::from(no()), BranchError::Retry(_)));
    /// ```
    #[must_use]
    pub fn into_branch_error(self) -> BranchError {
        match self {
            Self::RollBack { reason, .. } => BranchError::RollBack(reason),
            Self::Ongoing { .. } => BranchError::Ongoing,
            Self::Unknown { .. } | Self::Unreadable { .. } | Self::NotCalled(_) => self.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_is_no_such_value_is_an_error_that_shows_no_payload() {
        let reply = Reply::new("http://a/try".to_owned(), br#"{"seat":"secret"}"#.to_vec());
        assert_eq!(reply.json::<serde_json::Value>().unwrap()["seat"], "secret");
        let error = reply.json::<std::collections::BTreeMap<String, u8>>().unwrap_err();
        assert!(matches!(error, CallError::Unreadable { .. }), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(format!("{reply:?}"), "Reply(http://a/try, 17 bytes)");
    }

    #[cfg(feature = "grpc")]
    #[test]
    fn a_message_of_protobuf_goes_out_as_a_payload_and_comes_back_as_a_reply() {
        use dtm_proto::grpc::dtmgimp::DtmGidReply;
        let seat = DtmGidReply { gid: "12A".to_owned() };
        let payload = crate::Payload::message(&seat);
        let reply = Reply::new("h:1/s.S/Try".to_owned(), payload.as_bytes().to_vec());
        assert_eq!(reply.message::<DtmGidReply>().unwrap(), seat);
        let broken = Reply::new("h:1/s.S/Try".to_owned(), vec![0xff]);
        assert!(matches!(broken.message::<DtmGidReply>(), Err(CallError::Unreadable { .. })));
    }
}
