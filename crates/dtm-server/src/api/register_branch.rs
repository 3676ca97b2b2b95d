//! A branch of a prepared TCC, XA or workflow.

use dtm_core::coordinator::Refusal;
use dtm_core::model::Definition;
use dtm_proto::http::RegisterRequest;

use super::{Api, ApiError};

/// Registers a branch (behaviour 21 to 25, decision 2).
///
/// # Errors
/// [`ApiError`] saying why not; nothing was stored then unless the class is internal.
pub async fn register_branch(api: &Api, request: &RegisterRequest) -> Result<(), ApiError> {
    let gid = request.gid()?;
    let registration = request.registration(&api.limits)?;
    let callable = |definition: &Definition| {
        api.callable
            .check_registration(definition, &registration)
            .map_err(|error| Refusal::Invalid(error.to_string()))
    };
    let registered = api.engine.register(&gid, &registration, callable).await;
    registered.map_err(|error| ApiError::of_registration(error, registration.mode()))
}
