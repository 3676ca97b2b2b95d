//! Prepare: remember a transaction; the client decides later.

use dtm_core::coordinator::Verb;
use dtm_proto::http::TransactionRequest;

use super::admission::admit;
use super::{Api, ApiError};

/// Stores a prepared transaction; repeated while it is prepared, changes nothing (behaviour 12).
///
/// # Errors
/// [`ApiError`] saying why not; nothing was stored then unless the class is internal.
pub async fn prepare(api: &Api, request: &TransactionRequest) -> Result<(), ApiError> {
    admit(api, Verb::Prepare, request).await
}
