//! Submit: go forward.

use dtm_core::coordinator::Verb;
use dtm_proto::http::TransactionRequest;

use super::admission::admit;
use super::{Api, ApiError};

/// Stores a transaction, or the decision about a prepared one, and starts it. With `wait_result` it returns
/// after the first pass (behaviour 13 to 16, 68, decision 1).
///
/// # Errors
/// [`ApiError`] saying why not, or how the transaction ended.
pub async fn submit(api: &Api, request: &TransactionRequest) -> Result<(), ApiError> {
    admit(api, Verb::Submit, request).await
}
