//! Abort: undo.

use dtm_core::model::Mode;
use dtm_proto::http::TransactionRequest;

use super::admission::carried_out;
use super::wait_result::result_of_abort;
use super::{Api, ApiError, Class};
use crate::runner::Applied;

/// Aborts a prepared TCC, XA or message (behaviour 17, decision 16: the stored mode counts). With `wait_result`,
/// here or in the prepare, the answer comes after the first pass (behaviour 80).
///
/// # Errors
/// [`ApiError`] saying why not.
pub async fn abort(api: &Api, request: &TransactionRequest) -> Result<(), ApiError> {
    let gid = request.gid()?;
    let mode = match request.trans_type.as_str() {
        "" => None,
        text => Some(Mode::parse(text).map_err(|error| ApiError::new(Class::Invalid, error.to_string()))?),
    };
    let abort = api.engine.abort(&gid, mode, &request.rollback_reason, request.wait_result);
    match carried_out(api, &gid, abort).await?? {
        Applied::Accepted | Applied::Unchanged => Ok(()),
        Applied::Passed(end) => result_of_abort(end),
    }
}
