//! A branch of a prepared TCC, XA or workflow.

use dtm_core::model::{Mode, Protocol, Registration};
use dtm_proto::http::RegisterRequest;

use super::{Api, ApiError};
use crate::transport::check_url;

/// Registers a branch (behaviour 21 to 25, decision 2).
///
/// # Errors
/// [`ApiError`] saying why not; nothing was stored then unless the class is internal.
pub async fn register_branch(api: &Api, request: &RegisterRequest) -> Result<(), ApiError> {
    let gid = request.gid()?;
    let registration = request.registration(&api.limits)?;
    let mode = match &registration {
        Registration::Tcc { confirm, cancel, .. } => {
            for url in [confirm, cancel] {
                if !url.is_empty() {
                    check_url(url, Protocol::Http)?;
                }
            }
            Mode::Tcc
        }
        Registration::Xa { url, .. } => {
            if !url.is_empty() {
                check_url(url, Protocol::Http)?;
            }
            Mode::Xa
        }
        Registration::Workflow { .. } => Mode::Workflow,
    };
    api.engine.register(&gid, &registration).await.map_err(|error| ApiError::of_registration(error, mode))
}
