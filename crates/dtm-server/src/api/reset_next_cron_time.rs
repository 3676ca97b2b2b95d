//! Try one transaction again now.

use dtm_core::model::Gid;

use super::{Api, ApiError};

/// Makes the transaction due now, and wakes whoever drives it; a finished one stays as it is (behaviour 19,
/// decision 10, defects B5, S8).
///
/// # Errors
/// [`ApiError`] when there is no such transaction.
pub async fn reset_next_cron_time(api: &Api, gid: &Gid) -> Result<(), ApiError> {
    api.engine.reschedule(gid).await?;
    Ok(())
}
