//! Abort: undo.

use dtm_core::model::Mode;
use dtm_proto::http::TransactionRequest;

use super::{Api, ApiError, Class};

/// Aborts a prepared TCC, XA or message (behaviour 17, decision 16: the stored mode counts).
///
/// # Errors
/// [`ApiError`] saying why not.
pub async fn abort(api: &Api, request: &TransactionRequest) -> Result<(), ApiError> {
    let gid = request.gid()?;
    let mode = match request.trans_type.as_str() {
        "" => None,
        text => Some(Mode::parse(text).map_err(|error| ApiError::new(Class::Invalid, error.to_string()))?),
    };
    api.engine.abort(&gid, mode, &request.rollback_reason).await?;
    Ok(())
}
