//! What prepare and submit have in common.

use dtm_core::coordinator::{Refusal, Verb};
use dtm_core::model::{Definition, Gid, Mode};
use dtm_proto::http::TransactionRequest;

use super::topic_expansion::{Expanded, expanded};
use super::wait_result::result_of_wait;
use super::{Api, ApiError, Class};
use crate::runner::{Applied, RequestError};

pub(super) async fn admit(api: &Api, verb: Verb, request: &TransactionRequest) -> Result<(), ApiError> {
    let definition = admitted(api, request)?;
    let end = match (verb, definition.plan.mode()) {
        (Verb::Submit, Mode::Workflow) => Some(request.workflow_end()?),
        _ => None,
    };
    let mode = definition.plan.mode();
    let gid = definition.gid.clone();
    let Expanded { definition, obstacle } = expanded(api, definition).await?;
    match carried_out(api, &gid, api.engine.admit(verb, definition, end)).await? {
        Ok(Applied::Accepted | Applied::Unchanged) => Ok(()),
        Ok(Applied::Passed(end)) => result_of_wait(mode, end),
        Err(error @ RequestError::Refused(Refusal::TopicNotFound)) => {
            Err(obstacle.unwrap_or_else(|| error.into()))
        }
        Err(error) => Err(error.into()),
    }
}

/// The definition in a request, once everything that can be said against it without the store is said.
pub(super) fn admitted(api: &Api, request: &TransactionRequest) -> Result<Definition, ApiError> {
    let definition = request.definition(api.now(), &api.limits)?;
    api.callable.check_definition(&definition)?;
    Ok(definition)
}

/// What becomes of `work` within the time that a client may wait.
pub(super) async fn carried_out(
    api: &Api,
    gid: &Gid,
    work: impl Future<Output = Result<Applied, RequestError>>,
) -> Result<Result<Applied, RequestError>, ApiError> {
    tokio::time::timeout(api.wait_result_max, work).await.map_err(|_| {
        let seconds = api.wait_result_max.as_secs();
        let message =
            format!("{gid} has no result after {seconds} seconds; if it was stored it goes on: query it");
        ApiError::new(Class::Internal, message)
    })
}
