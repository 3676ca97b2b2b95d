//! What prepare and submit have in common.

use dtm_core::coordinator::{Refusal, Verb};
use dtm_core::model::{Definition, Gid, Mode, Plan, Step};
use dtm_proto::http::TransactionRequest;

use super::topic_expansion::{Expanded, expanded};
use super::wait_result::result_of_wait;
use super::{Api, ApiError, Class};
use crate::runner::{Applied, RequestError};
use crate::transport::{check_header, check_url};

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
    check_urls(&definition)?;
    for (name, value) in &definition.options.branch_headers {
        check_header(name, value)?;
    }
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

/// A branch that can never be called is refused before anything is stored (decision 14).
fn check_urls(definition: &Definition) -> Result<(), ApiError> {
    let check = |url: &str, field: &dyn Fn() -> String| match check_url(url, definition.protocol) {
        Err(error) if !url.is_empty() => Err(ApiError::new(Class::Invalid, format!("{}: {error}", field()))),
        Ok(()) | Err(_) => Ok(()),
    };
    let is_message = definition.plan.mode() == Mode::Message;
    let names_topic = |step: &Step| is_message && step.unexpanded_topic().is_some();
    for (index, step) in definition.plan.steps().iter().enumerate() {
        if names_topic(step) {
            continue; // its subscribers are looked at instead
        }
        check(&step.action, &|| format!("steps[{index}].action"))?;
        check(&step.compensate, &|| format!("steps[{index}].compensate"))?;
    }
    match &definition.plan {
        Plan::Message { query_prepared: url, .. } | Plan::Workflow { callback: url, .. } => {
            check(url, &|| "query_prepared".to_owned())
        }
        Plan::Saga { .. } | Plan::Tcc | Plan::Xa => Ok(()),
    }
}
