//! One transaction and its branches.

use dtm_core::model::Gid;
use dtm_store::Stored;

use super::{Api, ApiError};

/// What is stored about a transaction; `None` when there is none (behaviour 27).
///
/// # Errors
/// [`ApiError`] when the store fails or the record cannot be read.
pub async fn query(api: &Api, gid: &Gid) -> Result<Option<Stored>, ApiError> {
    Ok(api.engine.load(gid).await?)
}
