//! What the client has asked for, put together again as the request that it once was.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use dtm_core::coordinator::{Verb, admit};
use dtm_core::model::{Definition, Mode, Payload, Plan, Status};
use dtm_proto::http::{StepRequest, TransactionRequest};

use super::state::{Standing, time};
use super::{Refused, Rules, message, saga};
use crate::{BranchRecord, GlobalRecord};

pub(super) fn definition(
    global: &GlobalRecord,
    standing: &Standing,
    branches: &[BranchRecord],
    rules: &Rules<'_>,
) -> Result<Definition, Refused> {
    let mut request = with_options(global)?;
    request.gid.clone_from(&global.gid);
    request.trans_type.clone_from(&global.trans_type);
    request.protocol.clone_from(&global.protocol);
    request.query_prepared = Arc::from(global.query_prepared.as_str());
    request.custom_data.clone_from(&global.custom_data);
    let mut branches_of_message = None;
    match standing.mode {
        Mode::Saga => list(&mut request, saga::steps(branches)?),
        Mode::Message => {
            let steps = message::steps(branches)?;
            let as_sent = steps.iter().map(|step| StepRequest {
                action: Arc::clone(&step.action),
                compensate: Arc::clone(&step.compensate),
                data: step.payload.clone(),
            });
            list(&mut request, as_sent.collect());
            branches_of_message = Some(steps);
        }
        Mode::Tcc | Mode::Xa | Mode::Workflow => {}
    }
    let created = time("create_time", global.created)?;
    let mut definition = request.definition(created, rules.limits).map_err(Refused::new)?;
    if let (Plan::Message { steps, .. }, Some(known)) = (&mut definition.plan, branches_of_message) {
        *steps = known; // the same URLs, with the ids of their branches
    }
    admit(&definition, verb(standing), &rules.policy.limits).map_err(Refused::new)?;
    Ok(definition)
}

/// The request that has brought it into the store.
const fn verb(standing: &Standing) -> Verb {
    match (standing.mode, standing.status) {
        (Mode::Saga, _) => Verb::Submit,
        (Mode::Message, Status::Submitted) => Verb::Submit,
        (Mode::Message | Mode::Tcc | Mode::Xa | Mode::Workflow, _) => Verb::Prepare,
    }
}

fn list(request: &mut TransactionRequest, steps: Vec<StepRequest>) {
    request.payloads = steps.iter().map(|step| step.data.clone()).collect();
    request.steps = steps.into_iter().map(|step| StepRequest { data: Payload::empty(), ..step }).collect();
}

/// The options, which DTM keeps as the JSON text of the request's own fields.
fn with_options(global: &GlobalRecord) -> Result<TransactionRequest, Refused> {
    let text = if global.options.is_empty() { "{}" } else { &global.options };
    let mut request = TransactionRequest::decode(text.as_bytes())
        .map_err(|error| Refused::new(format!("options cannot be read: {error}")))?;
    if !global.ext_data.is_empty() {
        let passed_on: PassedOn = serde_json::from_str(&global.ext_data)
            .map_err(|error| Refused::new(format!("ext_data cannot be read: {error}")))?;
        for (name, value) in passed_on.headers.into_iter().flatten() {
            request.branch_headers.entry(name).or_insert(value);
        }
    }
    Ok(request)
}

/// Headers of the client's request that DTM repeats on every call, below `branch_headers`.
#[derive(Deserialize)]
struct PassedOn {
    headers: Option<BTreeMap<String, String>>,
}
