//! One step of a saga.

use serde::Serialize;

use crate::protocol::RequestStep;
use crate::{Error, Payload};

/// An action, its compensation, and the payload that both are called with.
///
/// Both URLs are called by `POST` with the payload as JSON body; over gRPC they are `HOST:PORT/package.Service/Method`,
/// and the payload is the message. What a service must keep to:
///
/// - 200 means done, 409 means "no, and I changed nothing" (the saga is rolled back), 425 means "still at
///   it", anything else, also no answer, is asked again.
/// - The same call may come more than once, and a compensation may come before its action, or without it.
///
/// ```
/// use dtm_client::Step;
///
/// #[derive(serde::Serialize)]
/// struct Transfer { account: &'static str, cents: u64 }
///
/// let step = Step::new("http://bank/take", "http://bank/take-undo")
///     .payload(&Transfer { account: "alice", cents: 3_000 })?;
/// # let _ = step;
/// # Ok::<(), dtm_client::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Step {
    pub(crate) action: String,
    pub(crate) compensate: String,
    pub(crate) payload: Payload,
}

impl Step {
    /// A step with the payload `null`. An empty URL counts as done without a call: `Step::new(url, "")` is
    /// for an action that needs no undoing.
    #[must_use]
    pub fn new(action: impl Into<String>, compensate: impl Into<String>) -> Self {
        Self { action: action.into(), compensate: compensate.into(), payload: Payload::bytes("null") }
    }

    /// Calls both URLs with `payload` as JSON.
    ///
    /// # Errors
    /// [`Error::Payload`] when it cannot be written as JSON (a map whose keys are not text, for example).
    pub fn payload<T: Serialize + ?Sized>(self, payload: &T) -> Result<Self, Error> {
        match Payload::json(payload) {
            Ok(payload) => Ok(Self { payload, ..self }),
            Err(source) => Err(Error::Payload { action: self.action, source }),
        }
    }

    pub(crate) fn request(&self) -> RequestStep<'_> {
        let Self { action, compensate, payload } = self;
        RequestStep { action, compensate, payload }
    }

    /// Calls both URLs with these bytes: a message of protobuf for branches over gRPC, for example.
    #[must_use]
    pub fn raw_payload(self, payload: Payload) -> Self {
        Self { payload, ..self }
    }
}

/// Shows the length of the payload only, so that none ends in a log by accident.
impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { action, compensate, payload } = self;
        write!(f, "Step({action}, {compensate}, {payload:?})")
    }
}
