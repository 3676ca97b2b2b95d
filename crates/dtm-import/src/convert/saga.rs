//! The rows of a saga: per step a compensation, then its action, with one payload.

use dtm_core::model::{BranchId, BranchProgress, BranchStatus, Definition, Op, Ordering, Plan, StepIndex};
use dtm_proto::http::StepRequest;

use super::Refused;
use super::state::word;
use crate::BranchRecord;

/// The steps as the client has sent them, each with its payload.
pub(super) fn steps(branches: &[BranchRecord]) -> Result<Vec<StepRequest>, Refused> {
    (0..)
        .map(StepIndex::new)
        .zip(branches.chunks(2))
        .map(|(index, rows)| {
            let expected = BranchId::of_step(index);
            let [compensation, action] = rows else {
                return Err(Refused::new(format!("branch {expected} has one row instead of two")));
            };
            for (row, op) in [(compensation, Op::Compensate), (action, Op::Action)] {
                check_place(row, expected.as_str(), op)?;
            }
            if compensation.data != action.data {
                return Err(Refused::new(format!("branch {expected} has two different payloads")));
            }
            Ok(StepRequest {
                action: action.url.as_str().into(),
                compensate: compensation.url.as_str().into(),
                data: action.data.as_slice().into(),
            })
        })
        .collect()
}

/// A row has to be where DTM has put it, or it is not the row that it seems to be.
pub(super) fn check_place(row: &BranchRecord, branch_id: &str, op: Op) -> Result<(), Refused> {
    if row.branch_id == branch_id && row.op == op.as_str() {
        return Ok(());
    }
    let (id, found) = (word(&row.branch_id), word(&row.op));
    Err(Refused::new(format!("found the row '{id} {found}' where '{branch_id} {}' belongs", op.as_str())))
}

/// Which actions may have been called: a roll-back compensates them all, and a service whose action never came ignores
/// it (null compensation).
///
/// Where rows are up to date, these are all that have ended and all whose turn it was, as in DTM (behaviour 63). Where
/// they are late, any other may have been called and have ended as well, and DTM died before it wrote that. Only what is
/// behind an action that was refused cannot have been: DTM writes in the order in which branches end.
pub(super) fn mark_started(definition: &Definition, rows: &mut [BranchProgress], are_late: bool) {
    let Plan::Saga { steps, ordering } = &definition.plan else { return };
    let actions: Vec<BranchStatus> = rows.iter().skip(1).step_by(2).map(|row| row.status).collect();
    let may_be_called =
        if are_late { not_behind_a_refusal(ordering, &actions) } else { in_turn(ordering, &actions) };
    for (index, _) in (0..).map(StepIndex::new).zip(steps) {
        if let Some(action) = rows.get_mut(2 * index.at() + 1) {
            action.started |= may_be_called.get(index.at()).copied().unwrap_or(false);
        }
    }
}

/// Of each step whether all that it waits for has succeeded.
fn in_turn(ordering: &Ordering, actions: &[BranchStatus]) -> Vec<bool> {
    let done = |step: StepIndex| actions.get(step.at()) == Some(&BranchStatus::Succeed);
    let steps = (0..).map(StepIndex::new).zip(actions);
    let turn = steps.map(|(index, _)| match ordering {
        Ordering::Sequential => index.get().checked_sub(1).is_none_or(|before| done(StepIndex::new(before))),
        Ordering::Concurrent(graph) => graph.before(index).iter().all(|before| done(*before)),
    });
    turn.collect()
}

/// Of each step whether nothing that it waits for, directly or not, was refused.
fn not_behind_a_refusal(ordering: &Ordering, actions: &[BranchStatus]) -> Vec<bool> {
    let refused = |status: &BranchStatus| *status == BranchStatus::Failed;
    match ordering {
        Ordering::Sequential => {
            let first = actions.iter().position(refused).unwrap_or(actions.len());
            (0..actions.len()).map(|at| at <= first).collect()
        }
        Ordering::Concurrent(graph) => {
            let mut open = vec![true; actions.len()];
            let steps = (0..).map(StepIndex::new).zip(actions);
            let mut behind: Vec<StepIndex> = steps
                .filter(|(_, status)| refused(status))
                .flat_map(|(step, _)| graph.after(step).iter().copied())
                .collect();
            while let Some(step) = behind.pop() {
                if let Some(open) = open.get_mut(step.at()).filter(|open| **open) {
                    *open = false;
                    behind.extend_from_slice(graph.after(step));
                }
            }
            open
        }
    }
}
