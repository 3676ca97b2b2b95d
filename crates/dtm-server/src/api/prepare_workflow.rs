//! Prepare of a workflow, or where it stands.

use dtm_core::coordinator::{Refusal, Verb};
use dtm_core::model::Mode;
use dtm_proto::http::TransactionRequest;
use dtm_store::Stored;

use super::admission::{admitted, carried_out};
use super::{Api, ApiError, Class};
use crate::runner::RequestError;

/// Stores a prepared workflow, and answers with it. One that is there already, unfinished or not, is answered
/// as it is: its client replays what has been done, or learns how it ended (behaviour 26, 94, 97).
///
/// # Errors
/// [`ApiError`] saying why not, for example that the gid is in use by something else (decision 1); nothing was
/// stored then unless the class is internal.
pub async fn prepare_workflow(api: &Api, request: &TransactionRequest) -> Result<Stored, ApiError> {
    let definition = admitted(api, request)?;
    if definition.plan.mode() != Mode::Workflow {
        let message = format!("trans_type is {}, only a workflow can be prepared here", request.trans_type);
        return Err(ApiError::new(Class::Invalid, message));
    }
    let gid = definition.gid.clone();
    match carried_out(api, &gid, api.engine.admit(Verb::Prepare, definition, None)).await? {
        Ok(_) | Err(RequestError::Refused(Refusal::CannotPrepare(_))) => {}
        Err(error) => return Err(error.into()),
    }
    let stored = api.engine.load(&gid).await?;
    stored.ok_or_else(|| RequestError::NotFound(gid.to_string()).into())
}
