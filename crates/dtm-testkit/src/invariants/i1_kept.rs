//! I1: a transaction whose submit was answered is never forgotten, and neither is the decision itself.

use dtm_core::model::{Gid, Mode, Status};

use super::{Answer, Ask, Event, Observed, Violation};

pub(super) fn check(observed: &Observed<'_>) -> Vec<Violation> {
    observed.transactions().flat_map(|(gid, events)| of_one(observed, gid, events)).collect()
}

fn of_one(observed: &Observed<'_>, gid: &Gid, events: &[&Event]) -> Vec<Violation> {
    let violation = |what: String| Violation::new("I1", gid, what);
    let acknowledged = || {
        events.iter().filter_map(|event| match event {
            Event::Answered { ask, answer, .. } if answer.is_acknowledged() => Some(ask),
            _ => None,
        })
    };
    if events.iter().any(|event| matches!(event, Event::Created { .. })) && was_refused(events) {
        return vec![violation("it was stored, although every request was refused".to_owned())];
    }
    let Some(stored) = observed.at_the_end(gid) else {
        let ended = observed.statuses(gid).into_iter().any(Status::is_final); // finished ones may be removed after a while
        return acknowledged()
            .next()
            .filter(|_| !ended)
            .map(|ask| violation(format!("{ask} was acknowledged, but nothing is stored")))
            .into_iter()
            .collect();
    };
    let decided = stored.mode() != Mode::Saga && stored.mode() != Mode::Workflow;
    acknowledged()
        .filter_map(|ask| match (ask, stored.status()) {
            (Ask::Submit, Status::Prepared) => Some("submit was acknowledged, but it is prepared".to_owned()),
            (Ask::Submit, Status::Aborting | Status::Failed)
                if decided && !observed.may_be_force_stopped(gid) =>
            {
                Some("submit was acknowledged, but it is rolled back".to_owned())
            }
            (Ask::End { succeeded }, status)
                if status != (if *succeeded { Status::Succeed } else { Status::Failed })
                    && !observed.may_be_force_stopped(gid) =>
            {
                Some(format!("{ask} was acknowledged, but it is {status}"))
            }
            (Ask::Abort, Status::Prepared | Status::Submitted | Status::Succeed) => {
                Some(format!("abort was acknowledged, but it is {}", stored.status()))
            }
            (Ask::ForceStop, status) if status != Status::Failed => {
                Some(format!("force stop was acknowledged, but it is {status}"))
            }
            (Ask::Register(branch_id), _)
                if !stored.registrations.iter().any(|registration| registration.branch_id() == branch_id) =>
            {
                Some(format!("branch {branch_id} was acknowledged, but is not registered"))
            }
            _ => None,
        })
        .map(violation)
        .collect()
}

/// Whether requests that may create it were answered, and each with a refusal.
fn was_refused(events: &[&Event]) -> bool {
    let mut answers = events.iter().filter_map(|event| match event {
        Event::Answered { ask: Ask::Prepare | Ask::Submit, answer, .. } => Some(answer),
        _ => None,
    });
    let is_refusal = |answer: &Answer| matches!(answer, Answer::Refused(_));
    answers.next().is_some_and(is_refusal) && answers.all(is_refusal)
}
