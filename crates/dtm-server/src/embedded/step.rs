//! One step of a saga, and the URLs of branches in this process.

use dtm_core::model::Payload;
use serde::Serialize;

use super::Error;
use crate::transport::local_url;

/// The URL of the branch that this application has registered as `name`. It stands wherever a URL may stand.
///
/// ```
/// assert_eq!(dtm_server::embedded::local("stock/deduct"), "local:stock/deduct");
/// ```
#[must_use]
pub fn local(name: &str) -> String {
    local_url(name)
}

/// An action, its compensation, and the payload that both are called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub(super) action: String,
    pub(super) compensate: String,
    pub(super) payload: Payload,
}

impl Step {
    /// A step with the payload `null`. Both are URLs: [`local`] ones, or remote ones as the server calls them. An empty
    /// one counts as done without a call.
    #[must_use]
    pub fn new(action: impl Into<String>, compensate: impl Into<String>) -> Self {
        Self { action: action.into(), compensate: compensate.into(), payload: Payload::from("null") }
    }

    /// Calls both with `payload` as JSON.
    ///
    /// # Errors
    /// [`Error::Payload`] when it cannot be written as JSON.
    pub fn payload<T: Serialize + ?Sized>(self, payload: &T) -> Result<Self, Error> {
        let payload = written(&self.action, payload)?;
        Ok(Self { payload, ..self })
    }
}

/// A payload as it is stored.
pub(super) fn written<T: Serialize + ?Sized>(url: &str, payload: &T) -> Result<Payload, Error> {
    match serde_json::to_vec(payload) {
        Ok(bytes) => Ok(Payload::from(bytes)),
        Err(source) => Err(Error::Payload { url: url.to_owned(), source }),
    }
}
