//! Prepare and submit: is the request acceptable, and is it new?

use super::{Input, Limits, Refusal};
use crate::model::{
    Action, Amendment, Definition, ListedStep, Ordering, Plan, Protocol, Seconds, Status, Step, Transaction,
    WorkflowEnd, listed,
};

/// What the client asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Remember it; a decision follows.
    Prepare,
    /// Go forward.
    Submit,
}

/// What a request means for a transaction that is stored already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readmission {
    /// It is a repetition, and there is nothing to do.
    Same,
    /// It has to be fed to the stored transaction.
    Feed(Input),
}

/// Checks the content of a request that would create a transaction (decision 14).
///
/// # Errors
/// [`Refusal`] naming the field. Nothing may be stored then.
pub fn admit(definition: &Definition, verb: Verb, limits: &Limits) -> Result<(), Refusal> {
    let steps = definition.plan.steps();
    if steps.len() > limits.branches_max {
        return Err(Refusal::TooManyBranches { found: steps.len(), limit: limits.branches_max });
    }
    if steps.iter().any(|step| step.unexpanded_topic().is_some()) {
        return Err(Refusal::TopicNotFound);
    }
    match (&definition.plan, verb) {
        (Plan::Saga { ordering, .. }, Verb::Submit) => check_ordering(ordering, steps.len(), limits),
        (Plan::Saga { .. }, Verb::Prepare) => {
            Err(Refusal::Invalid("a saga is not prepared: submit it".to_owned()))
        }
        (Plan::Message { .. }, Verb::Prepare | Verb::Submit)
        | (Plan::Tcc | Plan::Xa | Plan::Workflow { .. }, Verb::Prepare) => Ok(()),
        (Plan::Workflow { .. }, Verb::Submit) => Err(Refusal::WorkflowNotPrepared),
        (Plan::Tcc | Plan::Xa, Verb::Submit) => Err(Refusal::Invalid(format!(
            "no {} with gid {} is prepared: prepare it before you submit it",
            definition.plan.mode(),
            definition.gid
        ))),
    }
}

fn check_ordering(ordering: &Ordering, steps: usize, limits: &Limits) -> Result<(), Refusal> {
    let Ordering::Concurrent(graph) = ordering else { return Ok(()) };
    let entries: usize = graph.iter().map(|(_, before)| before.len()).sum();
    if entries > limits.order_entries_max {
        return Err(Refusal::Invalid(format!(
            "orders has {entries} entries, at most {} are allowed",
            limits.order_entries_max
        )));
    }
    if graph.iter().any(|(step, _)| step.at() >= steps) {
        return Err(Refusal::Invalid("orders names more steps than there are".to_owned()));
    }
    Ok(())
}

/// Compares a request with the transaction that has its gid (decision 1, behaviour 12, 14 to 16).
///
/// Only what the request carries is compared: a TCC is submitted with nothing but gid and trans_type. A topic
/// is compared by its name: who its subscribers are was settled when the transaction was stored.
///
/// # Errors
/// [`Refusal::Different`] naming the first difference, or the refusal of a verb that comes too late.
pub fn readmit(
    stored: &Transaction,
    request: &Definition,
    end: Option<&WorkflowEnd>,
    verb: Verb,
) -> Result<Readmission, Refusal> {
    if let Some(difference) = difference(stored, request) {
        return Err(Refusal::Different { difference });
    }
    match (verb, stored.status()) {
        (Verb::Prepare, Status::Prepared) => Ok(Readmission::Same),
        (Verb::Prepare, status) => Err(Refusal::CannotPrepare(status)),
        (Verb::Submit, Status::Prepared) => Ok(Readmission::Feed(Input::Submitted {
            amendment: amendment(stored, request),
            end: end.cloned(),
        })),
        (Verb::Submit, Status::Submitted) => match changed_option(stored, request) {
            Some(option) => Err(Refusal::Different { difference: option.to_owned() }),
            None => Ok(Readmission::Feed(Input::Submitted { amendment: None, end: end.cloned() })),
        },
        // The answer to the first report may have been lost.
        (Verb::Submit, Status::Succeed | Status::Failed) if end.is_some_and(|end| ended_so(stored, end)) => {
            Ok(Readmission::Same)
        }
        (Verb::Submit, status @ (Status::Aborting | Status::Succeed | Status::Failed)) => {
            Err(Refusal::CannotSubmit(status))
        }
    }
}

/// What the submit adds to what prepare said (behaviour 14, decision 21); `None` when it adds nothing.
fn amendment(stored: &Transaction, request: &Definition) -> Option<Amendment> {
    let options = request.options.or(&stored.definition.options);
    let delay = delay(request);
    let added = options != stored.definition.options || (delay.is_some() && delay != stored.delay());
    added.then_some(Amendment { options, delay })
}

const fn delay(request: &Definition) -> Option<Seconds> {
    match &request.plan {
        Plan::Message { delay, .. } => *delay,
        Plan::Saga { .. } | Plan::Tcc | Plan::Xa | Plan::Workflow { .. } => None,
    }
}

fn difference(stored: &Transaction, request: &Definition) -> Option<String> {
    let own = &stored.definition;
    if own.plan.mode() != request.plan.mode() {
        return Some("trans_type".to_owned());
    }
    // Nothing sent means HTTP, and over gRPC it is always gRPC: only JSON-RPC is somebody's choice.
    if request.protocol == Protocol::JsonRpc && own.protocol != request.protocol {
        return Some("protocol".to_owned());
    }
    if let Some(difference) = step_difference(own.plan.steps(), request.plan.steps()) {
        return Some(difference);
    }
    match (&own.plan, &request.plan) {
        (Plan::Saga { ordering: a, .. }, Plan::Saga { ordering: b, .. }) if a != b => {
            Some("custom_data".to_owned())
        }
        (Plan::Message { query_prepared: a, .. }, Plan::Message { query_prepared: b, .. })
        | (Plan::Workflow { callback: a, .. }, Plan::Workflow { callback: b, .. })
            if a != b && !b.is_empty() =>
        {
            Some("query_prepared".to_owned())
        }
        (
            Plan::Workflow { name: n1, data: d1, .. }, //
            Plan::Workflow { name: n2, data: d2, .. },
        ) if (n1 != n2 && !n2.is_empty()) || (d1 != d2 && !d2.is_empty()) => Some("custom_data".to_owned()),
        (Plan::Saga { .. } | Plan::Message { .. } | Plan::Tcc | Plan::Xa | Plan::Workflow { .. }, _) => None,
    }
}

/// Whether a workflow has ended in just this way.
fn ended_so(stored: &Transaction, end: &WorkflowEnd) -> bool {
    let state = &stored.state;
    let same_result = state.result.as_deref() == Some(&end.result);
    let same_reason = match (end.succeeded, &state.reason) {
        (true, _) => true, // it has none
        (false, reason) => end.reason.starts_with(reason.as_deref().unwrap_or_default()), // it may be truncated
    };
    (state.status == Status::Succeed) == end.succeeded && same_result && same_reason
}

fn step_difference(stored: &[Step], request: &[Step]) -> Option<String> {
    if request.is_empty() {
        return None;
    }
    if listed(stored).count() != listed(request).count() {
        return Some("the number of steps".to_owned());
    }
    listed(stored).zip(listed(request)).enumerate().find_map(|(index, (a, b))| {
        if !same_action(&a, &b) {
            Some(format!("steps[{index}].action"))
        } else if a.compensate() != b.compensate() {
            Some(format!("steps[{index}].compensate"))
        } else {
            (a.payload() != b.payload()).then(|| format!("payloads[{index}]"))
        }
    })
}

/// Whether both name the same URL or topic. Of a message that DTM has stored only the URLs of the subscribers are
/// known, and not the topic that they came from.
fn same_action(stored: &ListedStep<'_>, request: &ListedStep<'_>) -> bool {
    match (stored.action(), request.action()) {
        (Action::Topic(""), Action::Topic(_)) => true,
        (Action::Url(url), Action::Topic(_)) => request.subscribers().is_some_and(|mut urls| {
            urls.next().is_some_and(|first| **first == *url) && urls.next().is_none()
        }),
        (stored, request) => stored == request,
    }
}

/// The first option that the request sets and that is not what the transaction runs with.
fn changed_option(stored: &Transaction, request: &Definition) -> Option<&'static str> {
    let own = stored.options();
    let delay = delay(request).or(stored.delay());
    let request = &request.options.or(own);
    let differs = |mine: bool, name| mine.then_some(name);
    differs(request.timeout_to_fail != own.timeout_to_fail, "timeout_to_fail")
        .or(differs(request.retry_interval != own.retry_interval, "retry_interval"))
        .or(differs(request.retry_limit != own.retry_limit, "retry_limit"))
        .or(differs(request.request_timeout != own.request_timeout, "request_timeout"))
        .or(differs(request.branch_headers != own.branch_headers, "branch_headers"))
        .or(differs(request.concurrent != own.concurrent, "concurrent"))
        .or(differs(delay != stored.delay(), "custom_data"))
}
