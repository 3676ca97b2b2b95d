//! Everything that can be fed in a situation.

use dtm_core::coordinator::{CallKey, Input};
use dtm_core::model::{BranchIndex, Mode, Outcome, Timestamp, WorkflowEnd};

use crate::fixtures::{Case, ended, failure, name_of, not_sent, unknown};

/// An input with its name, and when it comes.
pub(super) struct Fed {
    pub(super) name: String,
    pub(super) input: Input,
    pub(super) at: Timestamp,
}

pub(super) fn inputs(case: &Case) -> Vec<Fed> {
    let fed = |name: &str, input| Fed { name: name.to_owned(), input, at: case.now };
    let submitted = |end| Input::Submitted { amendment: None, end };
    let mut inputs = Vec::new();
    if case.transaction().mode() == Mode::Workflow {
        let end =
            |succeeded| Some(WorkflowEnd { succeeded, reason: "why".to_owned(), result: "cmVz".to_owned() });
        inputs.push(fed("submitted as succeed", submitted(end(true))));
        inputs.push(fed("submitted as failed", submitted(end(false))));
        inputs.push(fed("submitted without an end", submitted(None)));
    } else {
        inputs.push(fed("submitted", submitted(None)));
    }
    inputs.push(fed("aborted", Input::Aborted { reason: "why".to_owned() }));
    inputs.push(fed("force-stopped", Input::ForceStopped));
    inputs.push(fed("rescheduled", Input::Rescheduled));
    inputs.extend(wakes(case));
    for (name, key) in answerable(case) {
        for (outcome_name, outcome) in outcomes() {
            inputs.push(fed(&format!("{name}: {outcome_name}"), ended(key, outcome)));
        }
    }
    inputs
}

fn wakes(case: &Case) -> Vec<Fed> {
    let woke = |name: &str, at| Fed { name: name.to_owned(), input: Input::Woke, at };
    let mut wakes = vec![woke("woke", case.now)];
    let deadline = case.policy.deadline(case.transaction()).map(|(at, _)| at);
    let due = case.transaction().state.next_retry;
    if due > case.now && deadline.is_none_or(|deadline| due < deadline) {
        wakes.push(woke("woke, due", due));
    }
    if let Some(deadline) = deadline.filter(|deadline| *deadline > case.now) {
        wakes.push(woke("woke, timed out", deadline));
    }
    wakes
}

/// What is out; and, to show that it is refused, one call of each other kind.
fn answerable(case: &Case) -> Vec<(String, CallKey)> {
    let mut calls: Vec<(String, CallKey)> =
        case.out.iter().map(|call| (name_of(call), call.key)).filter(|(_, key)| is_out(case, *key)).collect();
    if !calls.iter().any(|(_, key)| matches!(key, CallKey::Branch(_))) {
        calls.push(("a branch call".to_owned(), CallKey::Branch(BranchIndex::new(1))));
    }
    for (name, key) in [("a back-check", CallKey::Probe), ("a call-back", CallKey::Resume)] {
        if !calls.iter().any(|(_, other)| *other == key) {
            calls.push((name.to_owned(), key));
        }
    }
    calls
}

fn is_out(case: &Case, key: CallKey) -> bool {
    case.run.in_flight().has(key)
}

fn outcomes() -> [(&'static str, Outcome); 5] {
    [
        ("success", Outcome::Success),
        ("failure", failure()),
        ("ongoing", Outcome::Ongoing),
        ("unknown", unknown()),
        ("not sent", not_sent()),
    ]
}
