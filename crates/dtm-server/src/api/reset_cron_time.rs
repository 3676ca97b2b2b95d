//! Try many transactions again now, after an outage.

use dtm_core::model::Seconds;
use dtm_store::Rescheduled;

use super::{Api, ApiError};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResetCronTime {
    /// Only transactions whose next try is further away than that; `None`: three times `TimeoutToFail`.
    pub timeout: Option<Seconds>,
    /// How many at most.
    pub limit: usize,
}

/// Makes unfinished transactions due now (behaviour 32, decision 10).
///
/// # Errors
/// [`ApiError`] when the store fails.
pub async fn reset_cron_time(api: &Api, request: ResetCronTime) -> Result<Rescheduled, ApiError> {
    let default = Seconds::new(api.timeout_to_fail.get().saturating_mul(3));
    Ok(api.engine.reschedule_all(request.timeout.unwrap_or(default), request.limit).await?)
}
