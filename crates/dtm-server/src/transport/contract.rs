//! What the runner asks of a transport.

use std::collections::BTreeMap;
use std::time::Duration;

use dtm_core::coordinator::BranchCall;
use dtm_core::model::Outcome;

/// Makes one call to a branch and says what became of it.
///
/// An implementation ends within the call's own time-out, whatever the other side does, and never answers
/// [`Outcome::Failure`] for a call that may have taken effect.
#[async_trait::async_trait]
pub trait Transport: std::fmt::Debug + Send + Sync {
    /// Makes the call. `headers` are the transaction's branch headers.
    async fn call(&self, call: &BranchCall, headers: &BTreeMap<String, String>) -> Outcome {
        self.attempt(call, headers, call.timeout.into()).await.outcome
    }

    /// Makes the call within `limit` instead of the call's own time-out, and also says what it showed about
    /// the destination.
    async fn attempt(
        &self,
        call: &BranchCall,
        headers: &BTreeMap<String, String>,
        limit: Duration,
    ) -> Attempt;
}

/// A call that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What it means for the transaction.
    pub outcome: Outcome,
    /// What it shows about the destination.
    pub contact: Contact,
}

impl Attempt {
    /// The call cannot be made as it is; nothing was sent. "Unknown" all the same, so that it is tried again
    /// with back-off: a setting may change.
    pub(super) fn cannot_be_made(why: &dyn std::fmt::Display) -> Self {
        Self { outcome: Outcome::Unknown { cause: why.to_string() }, contact: Contact::Inconclusive }
    }
}

/// How far a call came. The circuit breaker of the destination goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Contact {
    /// An answer came, whatever its status.
    Answered,
    /// No connection could be made, so nothing was sent.
    NotReached,
    /// The time was over before an answer came.
    TimedOut,
    /// Something else went wrong, which says nothing about whether the destination is up.
    Inconclusive,
}
