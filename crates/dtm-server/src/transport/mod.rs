//! Calling branches.

use std::collections::BTreeMap;

use dtm_core::coordinator::BranchCall;
use dtm_core::model::Outcome;

/// Makes one call to a branch and says what became of it.
///
/// An implementation ends within the call's own time-out, whatever the other side does, and never answers
/// [`Outcome::Failure`] for a call that may have taken effect.
#[async_trait::async_trait]
pub trait Transport: std::fmt::Debug + Send + Sync {
    /// Makes the call. `headers` are the transaction's branch headers.
    async fn call(&self, call: &BranchCall, headers: &BTreeMap<String, String>) -> Outcome;
}
