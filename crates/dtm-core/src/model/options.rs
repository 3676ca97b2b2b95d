//! What a client may choose for one transaction.

use std::collections::BTreeMap;

use super::Seconds;

/// The options of one transaction. `None` means "as the server is configured".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The answer to submit waits for the end of the first pass.
    pub wait_result: bool,
    /// Saga: roll back when unfinished after this time, else never. TCC, XA: roll back when still prepared.
    /// Message: back-check when still prepared.
    pub timeout_to_fail: Option<Seconds>,
    /// First interval between tries; it doubles after each failing pass.
    pub retry_interval: Option<Seconds>,
    /// Saga: how often a failing action is retried at once before the saga is rolled back.
    pub retry_limit: Option<u32>,
    /// How long one call to a branch may take.
    pub request_timeout: Option<Seconds>,
    /// Headers (HTTP) or metadata (gRPC) of every call to a branch.
    pub branch_headers: BTreeMap<String, String>,
    /// Message: call all branches at once. A saga says so in its [`Ordering`](super::Ordering) instead.
    pub concurrent: bool,
}

impl Options {
    /// These options where they are set, the ones of `earlier` where they are not. Zero is not set: on the wire
    /// it means "as the server is configured".
    #[must_use]
    pub fn or(&self, earlier: &Self) -> Self {
        let headers =
            if self.branch_headers.is_empty() { &earlier.branch_headers } else { &self.branch_headers };
        Self {
            wait_result: self.wait_result || earlier.wait_result,
            timeout_to_fail: set(self.timeout_to_fail).or(earlier.timeout_to_fail),
            retry_interval: set(self.retry_interval).or(earlier.retry_interval),
            retry_limit: self.retry_limit.filter(|&limit| limit > 0).or(earlier.retry_limit),
            request_timeout: set(self.request_timeout).or(earlier.request_timeout),
            branch_headers: headers.clone(),
            concurrent: self.concurrent || earlier.concurrent,
        }
    }
}

fn set(span: Option<Seconds>) -> Option<Seconds> {
    span.filter(|span| span.get() > 0)
}
