//! What a submit is answered with.

use dtm_core::model::Status;

/// The server has the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The name under which the server knows it.
    pub gid: String,
    /// `Submitted`: accepted, durable, on its way. `Succeed`: everything is done; always so after a submit
    /// with `wait_result`.
    pub status: Status,
}
