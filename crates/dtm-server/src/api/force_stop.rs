//! Force stop: end a transaction without undoing anything.

use dtm_core::model::Gid;

use super::{Api, ApiError};

/// Ends an unfinished transaction as failed; nothing is called any more (behaviour 18, defect B23).
///
/// # Errors
/// [`ApiError`] when there is no such transaction or it has ended.
pub async fn force_stop(api: &Api, gid: &Gid) -> Result<(), ApiError> {
    api.engine.force_stop(gid).await?;
    Ok(())
}
